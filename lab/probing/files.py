"""Try to read and to write what is not the sandbox's."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.probing.trial import Trial, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_FEW_PROCESSES = 16
_CONTROL_GROUPS = frozenset({"cgroup", "cgroup2"})
_MEM_DEVICE = os.makedev(1, 1)


def reads(*paths: str, empty_too: bool = False) -> Callable[[], str]:
    """Return what opens the first that can be opened and has anything in it.

    Args:
        paths: Files or folders.
        empty_too: A folder counts even if nothing is in it: it should not be seen at all.
    """

    def attempt() -> str:
        last = OSError(errno.ENOENT, "there is none")
        for path in paths:
            try:
                return _read(path, empty_too=empty_too)
            except OSError as error:
                last = error
        raise last

    return attempt


def _read(path: str, *, empty_too: bool) -> str:
    if os.path.isdir(path):  # noqa: PTH112 - a path that we may not look at is no error here
        found = len(list(Path(path).iterdir()))
        if not found and not empty_too:
            refuse(errno.ENODATA, "it is empty")
        return f"listed {found} entries of {path}"
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        found = len(os.read(handle, 64))
    except BlockingIOError:
        found = 1
    finally:
        os.close(handle)
    if not found:
        refuse(errno.ENODATA, "it is empty")
    return f"read {path}"


def writes(folder: str) -> Callable[[], str]:
    """Return what makes a file in a folder, and takes it away again."""

    def attempt() -> str:
        path = f"{folder}/.probe-{secrets.token_hex(8)}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.unlink(path)  # noqa: PTH108
        return f"wrote a file in {folder}"

    return attempt


def opens_to_write(path: str) -> Callable[[], str]:
    """Return what opens a file to write, and never writes."""

    def attempt() -> str:
        os.close(os.open(path, os.O_WRONLY))
        return f"opened {path} to write"

    return attempt


def processes_and_kernel(kernel_files: Iterable[str]) -> Iterator[Trial]:
    """Yield what ``/proc`` must not tell, nor let be changed.

    Args:
        kernel_files: Names below ``/proc``.
    """
    yield Trial("proc-count", _count_processes)
    for name in kernel_files:
        yield Trial(f"proc-{name.replace('/', '-').replace('_', '-')}", reads(f"/proc/{name}"))
    yield Trial("proc-sysrq", opens_to_write("/proc/sysrq-trigger"))
    yield Trial("proc-core-pattern", opens_to_write("/proc/sys/kernel/core_pattern"))
    yield Trial("proc-hostname", opens_to_write("/proc/sys/kernel/hostname"))
    yield Trial("proc-ip-forward", opens_to_write("/proc/sys/net/ipv4/ip_forward"))


def control_groups() -> Iterator[Trial]:
    """Yield what would change limits, or name a program for the host to run."""
    yield Trial("cgroup-write", _make_control_group)
    yield Trial("cgroup-release-agent", _release_agent)


def make_device() -> str:
    """Try to make the device that is the machine's memory."""
    path = f"/tmp/probe-device-{os.getpid()}"  # noqa: S108
    os.mknod(path, stat.S_IFCHR | 0o600, _MEM_DEVICE)
    os.unlink(path)  # noqa: PTH108
    return "made a device"


def _count_processes() -> str:
    found = sum(entry.name.isdecimal() for entry in Path("/proc").iterdir())
    if found <= _FEW_PROCESSES:
        refuse(errno.ESRCH, f"{found} processes are seen")
    return f"{found} processes are seen"


def _make_control_group() -> str:
    """Try to make a group in each hierarchy that is mounted here."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:  # noqa: PTH123
        lines = [line.split(" - ") for line in file]
    mounted = [left.split()[4] for left, right in lines if right.split()[0] in _CONTROL_GROUPS]
    for folder in mounted:
        try:
            os.mkdir(f"{folder}/probe")  # noqa: PTH102
        except OSError:
            continue
        with suppress(OSError):
            os.rmdir(f"{folder}/probe")  # noqa: PTH106
        return f"made a group in {folder}"
    raise OSError(errno.EROFS, f"{len(mounted)} hierarchies, none writable")


def _release_agent() -> str:
    for folder in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        with suppress(OSError):
            os.close(os.open(f"{folder}/release_agent", os.O_WRONLY))
            return "may name a program for the host to run"
    raise OSError(errno.ENOENT, "there is none")
