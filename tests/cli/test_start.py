from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("sqlalchemy", "aiohttp", "minio", "jupyterhub", "fastapi", "polars", "docker")


@pytest.mark.timeout(60)
def test_a_command_that_only_asks_the_api_loads_nothing_of_what_starts_a_lab() -> None:
    asked = f"import sys, lab.cli.app; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
