"""See what a sandbox tries to connect to, without deciding whether it may.

The kernel stops the calling thread and asks us. We read the address, answer
"go on" and write it down if it leads outside: the empty network namespace
refuses it in any case. Raw sockets are answered with a refusal here, and
would be refused by the kernel for lack of a capability.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import ipaddress
import os
import select
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.domain.attempt import Rule
from lab.providers.local import seccomp

if TYPE_CHECKING:
    from lab.providers.local.attempts import AttemptLog

_RECV, _SEND, _ID_VALID = 0xC0502100, 0xC0182101, 0x40082102
_CONTINUE = 1
_NOTICE = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_ADDRESS_BYTES = 28  # of a struct sockaddr_in6
_GET_ACTION_AVAILABLE = 2
_NOTIFY = 0x7FC00000
_DNS = 53


def is_possible() -> bool:
    """Tell whether this kernel can ask us about a system call."""
    action = ctypes.c_uint32(_NOTIFY)
    libc = ctypes.CDLL(None, use_errno=True)
    number = seccomp.number_of("seccomp")
    return bool(libc.syscall(number, _GET_ACTION_AVAILABLE, 0, ctypes.byref(action)) == 0)


def judge(address: bytes) -> tuple[Rule, str] | None:
    """Tell which rule refuses a connection to a ``sockaddr``; None where none does."""
    if len(address) < 8:  # noqa: PLR2004  # shorter than any address with a port
        return None
    (family,) = struct.unpack_from("=H", address)
    (port,) = struct.unpack_from("!H", address, 2)
    host: ipaddress.IPv4Address | ipaddress.IPv6Address
    if family == socket.AF_INET:
        host = ipaddress.IPv4Address(address[4:8])
    elif family == socket.AF_INET6 and len(address) >= 24:  # noqa: PLR2004
        host = ipaddress.IPv6Address(address[8:24])
        host = host.ipv4_mapped or host
    else:
        return None
    shown = f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"  # noqa: PLR2004
    if port == _DNS:
        return Rule.NO_NAMES, shown
    if host.is_loopback or host.is_unspecified:
        return None
    return Rule.NO_NETWORK, shown


def name_socket(family: int, kind: int) -> str:
    """Say what sort of refused socket this is."""
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return "packet"
    version = "ipv4" if family == socket.AF_INET else "ipv6"
    return f"{'raw' if kind & 0xF == socket.SOCK_RAW else 'icmp'} {version}"


class Observer:
    """Answers the kernel in a thread of its own, and writes attempts down.

    Args:
        listener: The descriptor on which the kernel asks. Ours from here on.
        log: Where attempts go.
    """

    def __init__(self, listener: int, log: AttemptLog) -> None:
        self._listener = listener
        self._log = log
        self._connect = seccomp.number_of("connect")
        self._sendto = seccomp.number_of("sendto")
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while True:
            for _, events in poll.poll():
                if events & select.POLLIN:
                    with suppress(Exception):  # whatever is wrong with one, the next must go on
                        self._answer_one()
                elif events & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                    os.close(self._listener)
                    return

    def _answer_one(self) -> None:
        buffer = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(self._listener, _RECV, buffer)
        except OSError:
            return  # it was killed while it waited
        notice, pid, _, number, _, _, *args = _NOTICE.unpack(buffer)
        found: tuple[Rule, str] | None = None
        answer = _ANSWER.pack(notice, 0, 0, _CONTINUE)
        try:
            if number in {self._connect, self._sendto}:
                at, size = args[1:3] if number == self._connect else args[4:6]
                found = judge(_read(pid, at, size))
            else:
                found = Rule.NO_RAW, name_socket(*(value & 0xFFFFFFFF for value in args[:2]))
                answer = _ANSWER.pack(notice, 0, -errno.EPERM, 0)
        finally:
            with suppress(OSError):
                # Of a thread that died meanwhile the pid may be another's: nothing is claimed.
                fcntl.ioctl(self._listener, _ID_VALID, struct.pack("=Q", notice))
                fcntl.ioctl(self._listener, _SEND, answer)
                if found is not None:
                    self._log.add(*found)


def _read(pid: int, at: int, size: int) -> bytes:
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
            return os.pread(memory.fileno(), min(size & 0xFFFFFFFF, _ADDRESS_BYTES), at)
    except (OSError, OverflowError):
        return b""
