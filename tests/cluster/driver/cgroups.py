"""Control groups of the nodes: one folder in each hierarchy (version 1), or one in all (2)."""

from __future__ import annotations

import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
INHERITED = ("cpuset.cpus", "cpuset.mems")  # version 1 leaves them empty, and nothing may start


def hierarchies() -> list[Path]:
    """The root of each hierarchy that has controllers."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [each for each in ROOT.iterdir() if each.is_dir() and each.name != "unified"]


def _everywhere() -> list[Path]:
    # runc makes groups in the hybrid tree too, which has no controllers.
    return [*hierarchies(), *(each for each in [ROOT / "unified"] if each.is_dir())]


def make(name: str) -> None:
    """A group of this name in every hierarchy."""
    for hierarchy in hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if hierarchy == ROOT:
            wanted = (hierarchy / "cgroup.controllers").read_text().split()
            (group / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in wanted))
        for file in INHERITED:
            source = hierarchy / file
            if source.exists() and hierarchy != ROOT:
                (group / file).write_text(source.read_text())


def pids(name: str) -> set[int]:
    """Every process in the group or below it."""
    found: set[int] = set()
    for hierarchy in _everywhere():
        for file in (hierarchy / name).rglob("cgroup.procs"):
            try:
                found.update(int(pid) for pid in file.read_text().split())
            except OSError:  # the group went while we looked, or is threaded
                continue
    return found


def remove(name: str, *, seconds: float = 5) -> None:
    """Delete the group everywhere; its processes are gone or going."""
    limit = time.monotonic() + seconds
    for hierarchy in _everywhere():
        while (hierarchy / name).exists():
            try:
                for folder, _, _ in os.walk(hierarchy / name, topdown=False):
                    Path(folder).rmdir()
            except OSError:
                if time.monotonic() > limit:
                    break
                time.sleep(0.1)


def left(name: str) -> list[Path]:
    """Where the group still is."""
    return [hierarchy / name for hierarchy in _everywhere() if (hierarchy / name).exists()]
