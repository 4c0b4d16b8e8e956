from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.a_lab import RunningLab, a_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with a_lab(tmp_path_factory.mktemp("running")) as found:
        yield found
