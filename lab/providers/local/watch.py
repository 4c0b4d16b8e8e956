"""What the keeper limits by looking: the home's size, and memory where no group does."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_S = 2.0
_REST = 20  # looking takes at most a twentieth of the time
_FAR_OVER = 1.25
_BLOCK_BYTES = 512
_PAGE_BYTES = resource.getpagesize()


class Disk(Enum):
    """How full a home is."""

    WITHIN = "within"
    OVER = "over"
    FAR_OVER = "far_over"


def size_of(folder: Path) -> int:
    """Return the bytes a folder takes on disk. Follows no link."""
    total = 0
    with suppress(OSError):
        for _, folders, files, handle in os.fwalk(folder, follow_symlinks=False):
            for name in (*folders, *files):
                with suppress(OSError):
                    found = os.stat(name, dir_fd=handle, follow_symlinks=False)
                    total += (found.st_blocks + 1) * _BLOCK_BYTES
    return total


def judge(size_bytes: int, most_bytes: int) -> Disk:
    """Say how a size compares with what was granted; 0 grants any."""
    if most_bytes <= 0 or size_bytes <= most_bytes:
        return Disk.WITHIN
    return Disk.OVER if size_bytes <= most_bytes * _FAR_OVER else Disk.FAR_OVER


def descendants(root: int) -> dict[int, int]:
    """Return the pids below ``root``, itself included, each with its resident bytes."""
    parents: dict[int, int] = {}
    resident: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
            resident[int(entry.name)] = int(fields[21]) * _PAGE_BYTES
    found = {root} & resident.keys()
    while grown := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= grown
    return {pid: resident[pid] for pid in found}


class Watch:
    """Looks every two seconds, in a thread of its own.

    Args:
        home: Whose size counts.
        init_pid: The sandbox's first process.
        uid: Its user, if not our own.
        storage_bytes: What the home may hold; 0 is any.
        memory_bytes: What all processes together may hold; 0 is not watched.
        on_disk: Told each time the answer about the disk changes.
    """

    def __init__(
        self,
        home: Path,
        *,
        init_pid: int,
        uid: int | None,
        storage_bytes: int,
        memory_bytes: int,
        on_disk: Callable[[Disk], None],
    ) -> None:
        self._home = home
        self._init_pid = init_pid
        self._uid = uid
        self._storage_bytes = storage_bytes
        self._memory_bytes = memory_bytes
        self._on_disk = on_disk
        self._disk = Disk.WITHIN
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        look_at = 0.0
        while not self._stopped.wait(_EVERY_S):
            began = time.monotonic()
            if self._storage_bytes and began >= look_at:
                self._look_at_disk()
                look_at = time.monotonic() + _REST * (time.monotonic() - began)
            if self._memory_bytes:
                self._look_at_memory()

    def _look_at_disk(self) -> None:
        found = judge(size_of(self._home), self._storage_bytes)
        if found is not Disk.WITHIN or self._disk is not Disk.WITHIN:
            # Each time, not once: a process may have been born since.
            self._allow_writes(is_allowed=found is Disk.WITHIN)
        if found is not self._disk:
            self._disk = found
            self._on_disk(found)

    def _allow_writes(self, *, is_allowed: bool) -> None:
        """Change what files may grow to. As their user: root itself may lack the right."""
        size = self._storage_bytes if is_allowed else 0
        for pid in descendants(self._init_pid):
            subprocess.run(
                ["prlimit", "--pid", str(pid), f"--fsize={size}:"],
                user=self._uid,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def _look_at_memory(self) -> None:
        found = descendants(self._init_pid)
        found.pop(self._init_pid, None)
        if sum(found.values()) <= self._memory_bytes:
            return
        # Resident pages count once per process that shares them; the dearer count does not.
        found = {pid: _share_of(pid, resident) for pid, resident in found.items()}
        if sum(found.values()) > self._memory_bytes:
            largest = max(found, key=lambda pid: found[pid])
            with suppress(ProcessLookupError, PermissionError):
                os.kill(largest, signal.SIGKILL)


def _share_of(pid: int, resident: int) -> int:
    """Return a process's proportional share of memory; its resident bytes if it cannot be told."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return resident
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
