"""Try to send something somewhere."""

from __future__ import annotations

import errno
import secrets
import socket
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.probing.trial import Trial, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from .aims import Aims, Probe

WAIT_S = 1.5
_SCTP = 132
_ECHO4, _ECHO6 = 8, 128
_LEAST_STATUS, _MOST_STATUS = 200, 500


def trial(probe: Probe, aims: Aims) -> Trial:
    """Return what tries one probe."""
    attempt = _KINDS[probe.kind]
    return Trial(probe.name, lambda: attempt(probe, aims))


def _where(host: str, port: int, kind: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    """Look an address up; a name only in ``/etc/hosts``, for nothing else answers here."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
    except socket.gaierror as error:
        raise OSError(errno.EHOSTUNREACH, f"{host}: {error.strerror}") from error
    return family, address


def _message(probe: Probe, aims: Aims) -> bytes:
    return f"{aims.nonce}:{probe.name}\n".encode()


def _tcp(probe: Probe, aims: Aims) -> str:
    """Connect, and send the message. A connection is enough to be open."""
    host = aims.resolve(probe.host)
    family, address = _where(host, probe.port, socket.SOCK_STREAM)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(WAIT_S)
        sock.connect(address)
        with suppress(OSError):
            sock.sendall(_message(probe, aims))
            sock.settimeout(0.4)
            sock.recv(1)
    return f"connected to {host} port {probe.port}"


def _udp(probe: Probe, aims: Aims) -> str:
    """Send the message in a datagram, and wait for a word back."""
    host = aims.resolve(probe.host)
    return _ask(host, probe.port, _message(probe, aims))


def _ask(host: str, port: int, data: bytes) -> str:
    family, address = _where(host, port, socket.SOCK_DGRAM)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT_S)
        sock.connect(address)  # so that a refusal comes back as one
        sock.send(data)
        sock.recv(512)
    return f"{host} port {port} answered"


def _spread(probe: Probe, aims: Aims) -> str:
    """Send to everybody near; whoever answers, it is one too many."""
    host = aims.resolve(probe.host)
    family, address = _where(host, probe.port, socket.SOCK_DGRAM)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT_S)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(_message(probe, aims), address)
        _, sender = sock.recvfrom(512)
    return f"{sender[0]} answered"


def _query(name: str) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    head = struct.pack("!HHHHHH", secrets.randbits(16), 0x0100, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack("!HH", 1, 1)


def _dns_udp(probe: Probe, aims: Aims) -> str:
    return _ask(aims.resolve(probe.host), probe.port or 53, _query(probe.path))


def _dns_tcp(probe: Probe, aims: Aims) -> str:
    host = aims.resolve(probe.host)
    family, address = _where(host, probe.port or 53, socket.SOCK_STREAM)
    data = _query(probe.path)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(WAIT_S)
        sock.connect(address)
        with suppress(OSError):
            sock.sendall(struct.pack("!H", len(data)) + data)
            sock.settimeout(0.4)
            sock.recv(2)
    return f"connected to {host}"


def _look_up(probe: Probe, _: Aims) -> str:
    try:
        found = socket.getaddrinfo(probe.path, 80, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise OSError(errno.EHOSTUNREACH, str(error.strerror)) from error
    return str(found[0][4][0])


def _ping(probe: Probe, aims: Aims) -> str:
    """Send an echo request, by whichever kind of socket the kernel gives us."""
    host = aims.resolve(probe.host)
    family, address = _where(host, 0, socket.SOCK_DGRAM)
    is_v6 = family == socket.AF_INET6
    protocol = socket.IPPROTO_ICMPV6 if is_v6 else socket.IPPROTO_ICMP
    with _icmp_socket(family, protocol) as sock:
        sock.settimeout(WAIT_S)
        data = aims.nonce.encode()[:16]
        sock.sendto(_echo(_ECHO6 if is_v6 else _ECHO4, data), address)
        until = time.monotonic() + WAIT_S
        while data not in (found := sock.recv(512)) or found[:1] in {b"\x08", b"\x80"}:
            if time.monotonic() > until:
                raise TimeoutError
    return f"{host} answered"


def _icmp_socket(family: socket.AddressFamily, protocol: int) -> socket.socket:
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol)
    except PermissionError:
        try:
            return socket.socket(family, socket.SOCK_RAW, protocol)
        except PermissionError:
            refuse(errno.EPERM, "the kernel gives this user no ICMP socket")


def _echo(kind: int, data: bytes) -> bytes:
    def packet(checksum: int) -> bytes:
        return struct.pack("!BBHHH", kind, 0, checksum, 7, 1) + data

    words = struct.unpack(f"!{len(packet(0)) // 2}H", packet(0))
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    return packet(~(total + (total >> 16)) & 0xFFFF)


def _http(probe: Probe, aims: Aims) -> str:
    """Ask for a page; any answer but a server's failure is one."""
    host = aims.resolve(probe.host)
    family, address = _where(host, probe.port, socket.SOCK_STREAM)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(WAIT_S)
        sock.connect(address)
        head = f"GET {probe.path or '/'} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        sock.sendall(head.encode())
        line = sock.recv(64).split(b"\r\n")[0].decode("ascii", "replace")
    words = line.split()
    if len(words) < 2 or not words[1].isdecimal():  # noqa: PLR2004
        refuse(errno.EPROTO, f"no answer of HTTP: {line[:30]!r}")
    if not _LEAST_STATUS <= int(words[1]) < _MOST_STATUS:
        refuse(errno.EPROTO, f"answered {words[1]}")
    return f"answered {words[1]}"


def _sctp(probe: Probe, aims: Aims) -> str:
    host = aims.resolve(probe.host)
    family, address = _where(host, probe.port, socket.SOCK_STREAM)
    with socket.socket(family, socket.SOCK_STREAM, _SCTP) as sock:
        sock.settimeout(WAIT_S)
        sock.connect(address)
    return f"connected to {host} port {probe.port}"


def _opens(family: int, kind: int, protocol: int = 0) -> Callable[[Probe, Aims], str]:
    def attempt(_: Probe, __: Aims) -> str:
        socket.socket(family, kind, protocol).close()
        return "opened"

    return attempt


_KINDS: dict[str, Callable[[Probe, Aims], str]] = {
    "tcp": _tcp,
    "udp": _udp,
    "spread": _spread,
    "dns-udp": _dns_udp,
    "dns-tcp": _dns_tcp,
    "look-up": _look_up,
    "ping": _ping,
    "http": _http,
    "sctp": _sctp,
    "raw4": _opens(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
    "raw6": _opens(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
    "packet": _opens(socket.AF_PACKET, socket.SOCK_RAW),
}
KINDS = frozenset(_KINDS)
