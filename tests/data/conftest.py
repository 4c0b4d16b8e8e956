from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from lab.data.publication import build_shipped
from tests.data import parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.data.publication import Built

PUBLISHED_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[Built]:
    return build_shipped(tmp_path_factory.mktemp("datasets"), published_at=PUBLISHED_AT)


@pytest.fixture(scope="session")
def real_parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[parts.Parts]:
    folder: Path = tmp_path_factory.mktemp("parts")
    with parts.started(folder) as running:
        yield running
