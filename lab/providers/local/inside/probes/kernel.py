"""Try the system calls that lead out of a sandbox and that its own filter must refuse."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import struct
from typing import TYPE_CHECKING

from lab.probing import kernel
from lab.probing.kernel import call, calls
from lab.probing.trial import Trial, in_child, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .targets import Targets

_MS_BIND = 4096
_MS_REMOUNT_BIND = 32 | _MS_BIND
_TIOCSTI = 0x5412
_X32 = 0x40000000
_GETPID = 39
_ADDR_NO_RANDOMIZE = 0x0040000


def _bind() -> str:
    call("mount", b"/proc", b"/tmp", None, _MS_BIND, None)
    return "bound a folder"


def _read_memory(pid: int) -> str:
    target = ctypes.create_string_buffer(8)
    local = struct.pack("PN", ctypes.addressof(target), 8)
    result = call("process_vm_readv", pid, local, 1, local, 1, 0)
    return f"answered {result}"


def _push_to_terminal() -> str:
    leader, follower = os.openpty()
    try:
        fcntl.ioctl(follower, _TIOCSTI, b"x")
        return "typed into a terminal"
    finally:
        os.close(leader)
        os.close(follower)


def _foreign() -> str:
    ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(_X32 + _GETPID))
    if ctypes.get_errno() == errno.ENOSYS:
        refuse(errno.ENOSYS, "the kernel has no x32 calls")
    return "made a call of another architecture"


def _signal(pid: int) -> Callable[[], str]:
    def attempt() -> str:
        os.kill(pid, 0)
        return "may send it signals"

    return attempt


def trials(aims: Targets) -> Iterator[Trial]:
    """Yield everything there is to try."""
    yield from kernel.trials()
    yield from _mounts()
    yield from _processes(aims)
    yield from _machine()


def _mounts() -> Iterator[Trial]:
    yield Trial("mount-bind", lambda: in_child(_bind))
    yield Trial("mount-remount", calls("mount", None, b"/usr", None, _MS_REMOUNT_BIND, None))
    yield Trial("fsopen", calls("fsopen", b"tmpfs", 0))
    yield Trial("open-tree", calls("open_tree", -100, b"/", 0))
    yield Trial("move-mount", calls("move_mount", -1, b"", -1, b"", 0))
    yield Trial("mount-setattr", calls("mount_setattr", -1, b"", 0, None, 0))
    yield Trial("name-to-handle", calls("name_to_handle_at", -100, b"/", None, None, 0))
    yield Trial("clone3", calls("clone3", None, 0))


def _processes(aims: Targets) -> Iterator[Trial]:
    yield Trial("ptrace", calls("ptrace", 0, 0, 0, 0))
    yield Trial("process-vm-readv", lambda: _read_memory(os.getpid()))
    yield Trial("pidfd-getfd", calls("pidfd_getfd", -1, 0, 0))
    yield Trial("kcmp", calls("kcmp", os.getpid(), os.getpid(), 0, 0, 0))
    if aims.host_pid:
        yield Trial("signal-outside", _signal(aims.host_pid))


def _machine() -> Iterator[Trial]:
    yield Trial("userfaultfd", calls("userfaultfd", 0))
    yield Trial("io-uring", calls("io_uring_setup", 1, bytes(120)))
    yield Trial("fanotify", calls("fanotify_init", 0, 0))
    yield Trial("personality", calls("personality", _ADDR_NO_RANDOMIZE))
    yield Trial("tiocsti", lambda: in_child(_push_to_terminal))
    if platform.machine() == "x86_64":
        yield Trial("foreign-architecture", lambda: in_child(_foreign))
