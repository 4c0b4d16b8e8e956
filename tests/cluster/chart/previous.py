"""The chart of the commit before the last one that changed it."""

from __future__ import annotations

import io
import subprocess
import tarfile
from typing import TYPE_CHECKING

from tests.cluster.driver.processes import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "helm/lab"


def revision() -> str:
    """Return the commit whose chart an operator upgrades from; empty where there is none."""
    changed = _git("status", "--porcelain", "--", PLACE).strip()
    listed = _git("log", "-2", "--format=%H", "--", PLACE).split()
    wanted = 0 if changed else 1
    return listed[wanted] if len(listed) > wanted else ""


def unpack(commit: str, folder: Path) -> Path:
    """Write that commit's chart into a folder; return where it is."""
    archive = subprocess.run(
        ("git", "archive", commit, PLACE), cwd=CHECKOUT, check=True, stdout=subprocess.PIPE
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder / PLACE


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ("git", *arguments), cwd=CHECKOUT, check=False, capture_output=True, text=True
    )
    return done.stdout if done.returncode == 0 else ""
