"""System calls a sandbox may not make, compiled by the machine's libseccomp.

Two programs. The wall refuses; it is put on by bubblewrap and needs nobody.
The observer only asks the keeper to look at connection attempts; what it
watches is refused by the empty network namespace and the lack of
capabilities, whatever the keeper answers.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from dataclasses import dataclass
from functools import cache
from typing import Any

from lab.domain.errors import TerminalProviderError
from lab.domain.sandbox import Stage

_ALLOW = 0x7FFF0000
_NOTIFY = 0x7FC00000
_KILL_PROCESS = 0x80000000
_ACT_BADARCH = 2  # SCMP_FLTATR_ACT_BADARCH
_NE, _GT, _MASKED_EQ = 1, 6, 7
_MASK32 = 0xFFFFFFFF

# CLONE_NEWTIME is not among them: only clone3 and unshare, refused as they are, take it.
_NAMESPACE_FLAGS = (
    0x00020000,  # CLONE_NEWNS
    0x02000000,  # CLONE_NEWCGROUP
    0x04000000,  # CLONE_NEWUTS
    0x08000000,  # CLONE_NEWIPC
    0x10000000,  # CLONE_NEWUSER
    0x20000000,  # CLONE_NEWPID
    0x40000000,  # CLONE_NEWNET
)
_TERMINAL_TRICKS = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
_AF_PACKET = 17
_NETLINK_ROUTE = 0
_TYPE_MASK = 0xF  # the rest of a socket's type are flags

REFUSED = (
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "open_tree_attr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "listmount",
    "statmount",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "pidfd_getfd",
    "keyctl",
    "add_key",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "unshare",
    "setns",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "open_by_handle_at",
    "name_to_handle_at",
    "acct",
    "swapon",
    "swapoff",
    "reboot",
    "quotactl",
    "quotactl_fd",
    "fanotify_init",
    "fanotify_mark",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "stime",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vm86",
    "vm86old",
    "uselib",
    "ustat",
    "sysfs",
    "_sysctl",
    "nfsservctl",
    "lookup_dcookie",
    "syslog",
    "vhangup",
    "sethostname",
    "setdomainname",
    "move_pages",
    "migrate_pages",
    "personality",
    "lsm_set_self_attr",
)
MISSING: tuple[str, ...] = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register")
"""Answered as if the kernel did not know them, so that programs take the older way."""


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


@dataclass(frozen=True, slots=True)
class When:
    """A condition on one argument of a system call, on its lower 32 bits."""

    arg: int
    op: int
    value: int
    mask: int = _MASK32

    def compile(self) -> _Comparison:
        """Write it as libseccomp wants it."""
        if self.op == _MASKED_EQ:
            return _Comparison(self.arg, self.op, self.mask, self.value)
        return _Comparison(self.arg, self.op, self.value, 0)


class _Program:
    """A filter under construction."""

    def __init__(self) -> None:
        self._library = _load()
        self._context = self._library.seccomp_init(_ALLOW)
        if not self._context:
            raise TerminalProviderError(Stage.CONTAINMENT, "libseccomp could not start a filter")
        self._check(
            self._library.seccomp_attr_set(self._context, _ACT_BADARCH, _KILL_PROCESS), "arch"
        )

    def refuse(self, name: str, action: int, *conditions: When) -> None:
        """Add a rule; a name this machine's architecture lacks is passed over."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return
        compiled = (_Comparison * max(1, len(conditions)))(*(c.compile() for c in conditions))
        self._check(
            self._library.seccomp_rule_add_array(
                self._context, action, number, len(conditions), compiled
            ),
            name,
        )

    def export(self) -> bytes:
        """Compile it to what the kernel takes."""
        memory = os.memfd_create("seccomp")
        try:
            self._check(self._library.seccomp_export_bpf(self._context, memory), "export")
            return os.pread(memory, 1 << 20, 0)
        finally:
            os.close(memory)
            self._library.seccomp_release(self._context)

    @staticmethod
    def _check(result: int, what: str) -> None:
        if result != 0:
            raise TerminalProviderError(
                Stage.CONTAINMENT, f"libseccomp refused the rule {what}: {os.strerror(-result)}"
            )


def wall(*, is_observed: bool) -> bytes:
    """Return the program that refuses.

    Args:
        is_observed: Raw and packet sockets are left to the observer, to be
            seen; it refuses them too.
    """
    program = _Program()
    denied, unknown = _error(errno.EPERM), _error(errno.ENOSYS)
    for name in REFUSED:
        program.refuse(name, denied)
    for name in MISSING:
        program.refuse(name, unknown)
    for flag in _NAMESPACE_FLAGS:
        program.refuse("clone", denied, When(0, _MASKED_EQ, flag, flag))
    for trick in _TERMINAL_TRICKS:
        program.refuse("ioctl", denied, When(1, _MASKED_EQ, trick))
    _refuse_sockets(program, is_observed=is_observed)
    return program.export()


def _refuse_sockets(program: _Program, *, is_observed: bool) -> None:
    families = (*_FAMILIES, _AF_PACKET) if is_observed else _FAMILIES
    refused = _error(errno.EAFNOSUPPORT)
    for family in range(max(families)):
        if family not in families:
            program.refuse("socket", refused, When(0, _MASKED_EQ, family))
    program.refuse("socket", refused, When(0, _GT, max(families)))
    program.refuse(
        "socket",
        _error(errno.EPERM),
        When(0, _MASKED_EQ, socket.AF_NETLINK),
        When(2, _NE, _NETLINK_ROUTE),
    )
    program.refuse("socketpair", refused, When(0, _NE, socket.AF_UNIX))
    if not is_observed:
        for conditions in _raw_sockets():
            program.refuse("socket", _error(errno.EPERM), *conditions)


def _raw_sockets() -> list[tuple[When, ...]]:
    """Return the conditions that make a socket raw, packet or ICMP."""
    kinds: list[tuple[When, ...]] = []
    for family, icmp in (
        (socket.AF_INET, socket.IPPROTO_ICMP),
        (socket.AF_INET6, socket.IPPROTO_ICMPV6),
    ):
        own = When(0, _MASKED_EQ, family)
        kinds.append((own, When(1, _MASKED_EQ, socket.SOCK_RAW, _TYPE_MASK)))
        kinds.append((own, When(2, _MASKED_EQ, icmp)))
    return kinds


def observer() -> bytes:
    """Return the program that asks the keeper to look."""
    program = _Program()
    program.refuse("connect", _NOTIFY)
    program.refuse("sendto", _NOTIFY, When(4, _NE, 0))
    program.refuse("socket", _NOTIFY, When(0, _MASKED_EQ, _AF_PACKET))
    for conditions in _raw_sockets():
        program.refuse("socket", _NOTIFY, *conditions)
    return program.export()


def number_of(name: str) -> int:
    """Return the number of a system call on this machine; negative where it has none."""
    return int(_load().seccomp_syscall_resolve_name(name.encode()))


def _error(code: int) -> int:
    return 0x00050000 | code


@cache
def _load() -> Any:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        raise TerminalProviderError(
            Stage.CONTAINMENT, "libseccomp is missing: install libseccomp2"
        ) from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_void_p,
    )
    library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.seccomp_release.argtypes = (ctypes.c_void_p,)
    library.seccomp_release.restype = None
    return library
