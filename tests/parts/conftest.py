from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.settings import Settings
from tests.e2e.a_lab import free_block

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def short_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vc-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def settings(tmp_path: Path, short_dir: Path) -> Settings:
    return Settings(
        state_dir=tmp_path / "état 100 %", run_dir=short_dir / "run", port=free_block()
    )
