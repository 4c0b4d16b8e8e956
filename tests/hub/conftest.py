from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hub.stage import ANNE, BRUNO, OTHER, SANDBOX, Stage, missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    if lacking := missing():
        pytest.skip(f"not installed: {lacking}")
    with tempfile.TemporaryDirectory(prefix="vc-hub-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder))
        try:
            for member, sandbox in ((ANNE, SANDBOX), (BRUNO, SANDBOX), (ANNE, OTHER)):
                stage.give_order(member, sandbox)
            stage.start_proxy()
            stage.start_hub()
            yield stage
        finally:
            stage.close()


@pytest.fixture(scope="session")
def running(stage: Stage) -> Stage:
    """Anne's server runs."""
    if not stage.is_ready(ANNE, SANDBOX):
        stage.start_server(ANNE, SANDBOX)
    return stage
