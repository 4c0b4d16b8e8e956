"""A network of the tests' own: loopback, and one way out that leads nowhere and is counted.

Whatever any part of the lab sends to an address that is not loopback leaves by
``away``, one end of a pair whose other end nobody reads: it is seen there, decoded
and kept. Nothing can leave the machine from here.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 3
_IPV4, _IPV6 = 0x0800, 0x86DD
_ICMPV6 = 58
_LIBC = ctypes.CDLL(None, use_errno=True)


class Watcher:
    """Keeps (protocol, destination, port) of every packet that left by ``away``."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, str, int]] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.bind(("away", 0))
        self._socket.settimeout(0.2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        self._socket.close()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                packet = self._socket.recv(2048)
            except TimeoutError:
                continue
            found = _decode(packet)
            if found is not None:
                self.seen.append(found)


def _decode(packet: bytes) -> tuple[int, str, int] | None:
    kind = struct.unpack_from("!H", packet, 12)[0]
    body = packet[14:]
    if kind == _IPV4:
        start, protocol = (body[0] & 15) * 4, body[9]
        target = socket.inet_ntop(socket.AF_INET, body[16:20])
    elif kind == _IPV6:
        start, protocol = 40, body[6]
        target = socket.inet_ntop(socket.AF_INET6, body[24:40])
        if target.startswith("ff02:") and protocol in {0, _ICMPV6}:
            return None  # the kernel's own neighbour discovery, not a part's
    else:
        return None
    port = struct.unpack_from("!H", body, start + 2)[0] if protocol in {6, 17} else 0
    return protocol, target, port


def _call(function: str, *arguments: int) -> None:
    if getattr(_LIBC, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


@contextmanager
def own_network() -> Iterator[Watcher]:
    """Move this thread, and what it starts, to a network of its own; needs root."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    _call("unshare", _CLONE_NEWNET)
    watcher = None
    try:
        for command in (
            "link set lo up",
            "link add away type veth peer name nowhere",
            "link set nowhere up",
            "link set away up",
            "addr add 198.51.100.2/24 dev away",
            "route add default via 198.51.100.1",
            # A next hop that nobody is: packets leave, and are seen, instead of waiting for it.
            "neigh add 198.51.100.1 lladdr 02:00:00:00:00:01 dev away",
            "-6 addr add 2001:db8::2/64 dev away nodad",
            "-6 route add default via 2001:db8::1 dev away",
            "-6 neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev away",
        ):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True)
        watcher = Watcher()
        yield watcher
    finally:
        if watcher is not None:
            watcher.close()
        _call("setns", before, _CLONE_NEWNET)
        os.close(before)
