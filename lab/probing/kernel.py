"""Try the system calls that lead out of a sandbox. Each is harmless if it works."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.probing.trial import Trial, UnknownError, in_child, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NUMBERS = {  # name: x86_64, aarch64
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clone": (56, 220),
    "clone3": (435, 435),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsopen": (430, 430),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "request_key": (249, 218),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_MACHINES = {"x86_64": 0, "aarch64": 1}
_REFUSALS = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})
_CLONE_NEWUSER, _CLONE_NEWNS, _CLONE_NEWNET = 0x10000000, 0x00020000, 0x40000000
_NOWHERE = b"/nowhere/at/all"
_KERNEL_SYSLOG_SIZE = 10

Argument = int | bytes | None


def call(name: str, *arguments: Argument) -> int:
    """Make a system call; any answer but a refusal shows that the kernel took it.

    Raises:
        OSError: It was refused.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise UnknownError(f"no numbers for {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = int(libc.syscall(ctypes.c_long(_NUMBERS[name][machine]), *words))
    code = ctypes.get_errno() if result < 0 else 0
    if code in _REFUSALS:
        refuse(code, name)
    return result


def calls(name: str, *arguments: Argument) -> Callable[[], str]:
    """Return what makes a system call in a process of its own."""

    def attempt() -> str:
        result = call(name, *arguments)
        return f"the kernel took it and answered {result}"

    return lambda: in_child(attempt)


def _mount() -> str:
    folder = f"/tmp/probe-{os.getpid()}"  # noqa: S108
    os.mkdir(folder)  # noqa: PTH102
    try:
        call("mount", b"none", folder.encode(), b"tmpfs", 0, None)
        with suppress(OSError):
            call("umount2", folder.encode(), 0)
        return "mounted a file system"
    finally:
        with suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106


def _clone(flags: int) -> Callable[[], str]:
    def attempt() -> str:
        if call("clone", flags | signal.SIGCHLD, 0, 0, 0, 0) == 0:
            os._exit(0)
        return "made a namespace"

    return lambda: in_child(attempt)


def _setns() -> str:
    with open("/proc/self/ns/net", "rb") as file:  # noqa: PTH123
        call("setns", file.fileno(), 0)
    return "entered a namespace"


def _perf() -> str:
    attributes = bytearray(128)
    struct.pack_into("=IIQ", attributes, 0, 1, 128, 1)
    call("perf_event_open", bytes(attributes), 0, -1, -1, 0)
    return "opened an event"


def _bpf() -> str:
    attributes = struct.pack("=IIII", 2, 4, 8, 1) + bytes(56)  # an array map
    call("bpf", 0, attributes, len(attributes))
    return "made a map"


def _status(field: str, closed: str) -> Callable[[], str]:
    def attempt() -> str:
        with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
            lines = dict(line.split(":\t", 1) for line in file.read().splitlines())
        found = lines[field].strip()
        if found == closed:
            refuse(errno.EPERM, f"{field} is {found}")
        return f"{field} is {found}"

    return attempt


def _is_root() -> str:
    if 0 not in {os.getuid(), os.geteuid(), os.getgid(), os.getegid()}:
        refuse(errno.EPERM, f"uid {os.getuid()}")
    return "is root"


def _become_root() -> str:
    os.setuid(0)
    return "became root"


def trials() -> Iterator[Trial]:
    """Yield what every runtime must refuse."""
    yield Trial("mount-tmpfs", lambda: in_child(_mount))
    yield Trial("umount", calls("umount2", _NOWHERE, 0))
    yield Trial("pivot-root", calls("pivot_root", _NOWHERE, _NOWHERE))
    yield Trial("chroot", calls("chroot", b"/"))
    yield Trial("open-by-handle", calls("open_by_handle_at", -100, bytes(16), 0))
    yield Trial("quotactl", calls("quotactl", 0, None, 0, None))
    yield Trial("unshare-user", calls("unshare", _CLONE_NEWUSER))
    yield Trial("unshare-mount", calls("unshare", _CLONE_NEWNS))
    yield Trial("unshare-net", calls("unshare", _CLONE_NEWNET))
    yield Trial("clone-user", _clone(_CLONE_NEWUSER))
    yield Trial("setns", lambda: in_child(_setns))
    yield Trial("keyctl", calls("keyctl", 0, -3, 0))
    yield Trial("add-key", calls("add_key", b"user", b"probe", b"x", 1, -2))
    yield Trial("request-key", calls("request_key", b"user", b"probe", None, 0))
    yield Trial("bpf", lambda: in_child(_bpf))
    yield Trial("perf-event-open", lambda: in_child(_perf))
    yield Trial("load-module", calls("finit_module", -1, b"", 0))
    yield Trial("kexec", calls("kexec_load", 0, 1 << 20, None, 0))
    yield Trial("swapon", calls("swapon", _NOWHERE, 0))
    yield Trial("acct", calls("acct", _NOWHERE))
    yield Trial("sethostname", calls("sethostname", None, -1))
    yield Trial("settimeofday", calls("settimeofday", None, None))
    yield Trial("syslog", calls("syslog", _KERNEL_SYSLOG_SIZE, None, 0))
    yield Trial("root-user", _is_root)
    yield Trial("become-root", lambda: in_child(_become_root))
    for field in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
        yield Trial(f"capabilities-{field[3:].lower()}", _status(field, "0" * 16))
    yield Trial("new-privileges", _status("NoNewPrivs", "1"))
    yield Trial("no-filter", _status("Seccomp", "2"))
