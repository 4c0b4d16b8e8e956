"""Who listens on a port of this machine."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """The process that holds a port.

    Attributes:
        pid: 0 where another user's process holds it and we may not see which.
        command: Its command line, shortened.
    """

    port: int
    pid: int = 0
    command: str = ""


def taken(port: int) -> Listener | None:
    """Return who holds a loopback port, or nothing where it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return _find(port)
    return None


def _find(port: int) -> Listener:
    inodes = _inodes(port)
    for folder in Path("/proc").glob("[0-9]*"):
        if any(name in inodes for name in _open_files(folder)):
            return Listener(port, int(folder.name), command(int(folder.name)))
    return Listener(port)


def _open_files(process: Path) -> Iterator[str]:
    try:
        links = tuple((process / "fd").iterdir())
    except OSError:  # it ended, or is another user's
        return
    for link in links:
        with suppress(OSError):  # it was closed in between
            yield str(link.readlink())


def command(pid: int) -> str:
    """Return the start of a process's command line."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode("utf-8", "replace").strip()[:80]


def _inodes(port: int) -> set[str]:
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found
