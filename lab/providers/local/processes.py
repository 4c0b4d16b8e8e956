"""Processes told apart by pid and start time, so that a reused pid is never taken for ours."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_START_TIME_FIELD = 19  # of what follows the command's name, see proc(5)
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that cannot be mistaken for another.

    Attributes:
        started: Clock ticks since boot.
        boot: The machine's boot id.
    """

    pid: int
    started: int
    boot: str

    @property
    def is_alive(self) -> bool:
        """Tell whether it still runs (a zombie does not)."""
        return self.boot == boot_id() and _started(self.pid) == self.started


def boot_id() -> str:
    """Return what the kernel drew at random when the machine started."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def identify(pid: int) -> ProcessId | None:
    """Return who has this pid now, or None where nobody has."""
    started = _started(pid)
    return None if started is None else ProcessId(pid, started, boot_id())


def _started(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[_START_TIME_FIELD])


def end(process: ProcessId, *, grace_s: float) -> bool:
    """Ask it to end, then make it; tell whether it is gone.

    Args:
        process: Nothing is sent where another process has its pid.
        grace_s: How long it may take to end by itself.
    """
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        if not process.is_alive:
            return True
        _send(process, number)
        if wait_gone(process, wait_s):
            return True
    return not process.is_alive


def _send(process: ProcessId, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        handle = os.pidfd_open(process.pid)  # from here on the pid cannot be another's
        try:
            if process.is_alive:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def wait_gone(process: ProcessId, timeout_s: float) -> bool:
    """Wait until it is gone, at most ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while process.is_alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
