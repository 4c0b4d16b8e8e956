"""How much memory this process may take: by its control groups, and by what the machine has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.settings import Settings

_KIB: Final = 1024
_LIMITS: Final = {"cgroup2": "memory.max", "cgroup": "memory.limit_in_bytes"}


def room(settings: Settings) -> Callable[[], int | None]:
    """Return what tells the API how much the process that does the runs may take.

    As set; else this process's own, where it does the runs itself.
    """
    if settings.work_memory_bytes:
        return lambda: settings.work_memory_bytes
    return allowed_bytes if settings.role == "all" else lambda: None


def own_room(settings: Settings) -> Callable[[], int | None]:
    """Return what tells the process that does the runs how much it may take."""
    return (lambda: settings.work_memory_bytes) if settings.work_memory_bytes else allowed_bytes


def allowed_bytes(root: Path = Path("/")) -> int | None:
    """Return what this process may hold from now on, what it holds already included.

    The tightest of its control groups' limits, and what the machine can still give. ``None`` where
    the machine says neither.
    """
    found = list(_group_limits(root))
    with suppress(OSError, ValueError, IndexError):
        found.append(_kib(root / "proc/meminfo", "MemAvailable:") + _held(root))
    return min(found, default=None)


def _held(root: Path) -> int:
    return _kib(root / "proc/self/status", "VmRSS:")


def _kib(path: Path, name: str) -> int:
    return int(path.read_text("ascii").partition(name)[2].split()[0]) * _KIB


def _group_limits(root: Path) -> Iterator[int]:
    """Yield the limit of our group and of each one above it that is shown."""
    mine: dict[str, str] = {}
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text("utf-8").splitlines():
            _, names, path = line.split(":", 2)
            mine |= dict.fromkeys(names.split(","), path)
    for kind, mount, inner in _mounts(root):
        path = mine.get("" if kind == "cgroup2" else "memory", "/")
        relative = path.removeprefix(inner if inner != "/" else "").lstrip("/")
        folder = mount / relative
        for place in (folder, *folder.parents):
            with suppress(OSError, ValueError):  # "max" is no number: no limit
                yield int((place / _LIMITS[kind]).read_text("ascii"))
            if place == mount:
                break


def _mounts(root: Path) -> Iterator[tuple[str, Path, str]]:
    with suppress(OSError):
        for line in (root / "proc/self/mountinfo").read_text("utf-8").splitlines():
            left, _, right = line.partition(" - ")
            kind, _, options = right.split(" ", 2)
            inner, mount = left.split()[3:5]
            if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
                yield kind, root / mount.lstrip("/"), inner
