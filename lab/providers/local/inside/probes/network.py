"""Try to send something somewhere."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import socket
import struct
from typing import TYPE_CHECKING

from lab.probing.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .targets import Targets

_WAIT_S = 0.9
_SIOCGIFFLAGS = 0x8913
_UP = 1
_AF_VSOCK, _AF_ALG, _AF_BLUETOOTH, _AF_CAN = 40, 38, 31, 29
_HOST_CID = 2
_NETLINK_AUDIT = 9
_QUERY = bytes.fromhex("1d0c01000001000000000000076578616d706c65036f72670000010001")


def other_interfaces() -> list[str]:
    """Return the interfaces that are up, but the loopback."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            request = struct.pack("16sH14x", name.encode(), 0)
            answer = fcntl.ioctl(sock, _SIOCGIFFLAGS, request)
            if name != "lo" and struct.unpack("16sH14x", answer)[1] & _UP:
                found.append(name)
    return found


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET  # noqa: PLR2004


def tcp(host: str, port: int, message: str) -> str:
    """Connect and send the message."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as sock:
        sock.settimeout(_WAIT_S)
        sock.connect((host, port))
        sock.sendall(message.encode())
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)
    return f"connected to {host} port {port}"


def udp(host: str, port: int, message: str | bytes) -> str:
    """Send the message in a datagram."""
    data = message.encode() if isinstance(message, str) else message
    with socket.socket(_family(host), socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(data, (host, port))
        if ipaddress.ip_address(host).is_loopback:
            sock.connect((host, port))
            sock.settimeout(_WAIT_S)
            sock.send(data)
            sock.recv(1)  # a refusal comes back as one; a receiver answers
    return f"sent to {host} port {port}"


def unix(address: str, message: str) -> str:
    """Connect to a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_WAIT_S)
        sock.connect(address)
        sock.sendall(message.encode())
    return "connected"


def opens(family: int, kind: int, protocol: int = 0) -> Callable[[], str]:
    """Return what opens a socket of a kind."""

    def attempt() -> str:
        socket.socket(family, kind, protocol).close()
        return "opened"

    return attempt


def _vsock() -> str:
    with socket.socket(_AF_VSOCK, socket.SOCK_STREAM) as sock:
        sock.settimeout(_WAIT_S)
        try:
            sock.connect((_HOST_CID, 1))
        except OSError as error:
            if error.errno in {errno.EPERM, errno.EAFNOSUPPORT}:
                raise
    return "opened"


def _look_up(name: str, family: int) -> str:
    try:
        return str(socket.getaddrinfo(name, 80, family)[0][4])
    except socket.gaierror as error:
        raise OSError(errno.EHOSTUNREACH, str(error)) from error


def _interfaces() -> str:
    others = other_interfaces()
    if not others:
        raise OSError(errno.ENODEV, "only the loopback is up")
    return f"up: {', '.join(others)}"


def _routes() -> str:
    with open("/proc/net/route", encoding="ascii") as file:  # noqa: PTH123
        lines = file.read().splitlines()[1:]
    if not lines:
        raise OSError(errno.ENETUNREACH, "no route")
    return f"{len(lines)} routes"


def trials(aims: Targets) -> Iterator[Trial]:
    """Yield everything there is to try."""
    yield Trial("interfaces", _interfaces)
    yield Trial("routes", _routes)
    yield from _addresses(aims)
    yield from _loopback(aims)
    yield from _names(aims)
    yield from _kinds()


def _send(name: str, call: Callable[..., str], host: str, port: int, aims: Targets) -> Trial:
    message = f"{aims.nonce}:{name}\n"
    return Trial(name, lambda: call(host, port, message), is_outward=True)


def _addresses(aims: Targets) -> Iterator[Trial]:
    yield _send("tcp4-internet", tcp, aims.internet4, aims.tcp_port, aims)
    yield _send("udp4-internet", udp, aims.internet4, aims.udp_port, aims)
    yield _send("tcp6-internet", tcp, aims.internet6, aims.tcp_port, aims)
    yield _send("udp6-internet", udp, aims.internet6, aims.udp_port, aims)
    yield _send("tcp4-private", tcp, aims.private4, aims.tcp_port, aims)
    yield _send("udp4-private", udp, aims.private4, aims.udp_port, aims)
    for number, host in enumerate(aims.metadata, 1):
        yield _send(f"tcp-metadata-{number}", tcp, host, 80, aims)
        yield _send(f"udp-metadata-{number}", udp, host, aims.udp_port, aims)
    for number, host in enumerate(aims.hosts, 1):
        yield _send(f"tcp-host-{number}", tcp, host, aims.tcp_port, aims)
        yield _send(f"udp-host-{number}", udp, host, aims.udp_port, aims)
    yield _send("udp4-link-local", udp, "169.254.1.1", aims.udp_port, aims)
    yield _send("udp6-link-local", udp, "fe80::1", aims.udp_port, aims)
    yield _send("udp4-multicast", udp, "224.0.0.251", aims.udp_port, aims)
    yield _send("udp6-multicast", udp, "ff02::fb", aims.udp_port, aims)
    yield _send("udp4-broadcast", udp, "255.255.255.255", aims.udp_port, aims)


def _loopback(aims: Targets) -> Iterator[Trial]:
    for number, port in enumerate(aims.loopback_tcp, 1):
        yield _send(f"tcp-host-loopback-{number}", tcp, "127.0.0.1", port, aims)
    if aims.loopback_udp:
        yield _send("udp-host-loopback", udp, "127.0.0.1", aims.loopback_udp, aims)
    for number, port in enumerate(aims.neighbours, 1):
        yield _send(f"tcp-neighbour-{number}", tcp, "127.0.0.1", port, aims)
    message = f"{aims.nonce}:abstract-socket\n"
    if aims.abstract:
        yield Trial("abstract-socket", lambda: unix(f"\0{aims.abstract}", message))
    for number, path in enumerate(aims.unix_paths, 1):
        name = f"unix-socket-{number}"
        yield Trial(name, lambda p=path, n=name: unix(p, f"{aims.nonce}:{n}\n"))  # type: ignore[misc]


def _names(aims: Targets) -> Iterator[Trial]:
    def ask_by_udp() -> str:
        return udp(aims.resolver, 53, _QUERY)

    def ask_by_tcp() -> str:
        return tcp(aims.resolver, 53, aims.nonce + ":dns-tcp\n")

    def ask_own() -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(_WAIT_S)
            sock.connect(("127.0.0.1", 53))
            sock.send(_QUERY)
            sock.recv(512)
        return "answered"

    yield Trial("dns-udp", ask_by_udp, is_outward=True)
    yield Trial("dns-tcp", ask_by_tcp, is_outward=True)
    yield Trial("dns-own-loopback", ask_own)
    name = aims.name
    if name:
        yield Trial("dns-look-up-4", lambda: _look_up(name, socket.AF_INET), is_outward=True)
        yield Trial("dns-look-up-6", lambda: _look_up(name, socket.AF_INET6), is_outward=True)


def _kinds() -> Iterator[Trial]:
    inet, inet6 = socket.AF_INET, socket.AF_INET6
    yield Trial("socket-icmp4", opens(inet, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))
    yield Trial("socket-icmp6", opens(inet6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6))
    yield Trial("socket-raw4", opens(inet, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    yield Trial("socket-raw4-any", opens(inet, socket.SOCK_RAW, socket.IPPROTO_RAW))
    yield Trial("socket-raw6", opens(inet6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
    yield Trial("socket-packet", opens(socket.AF_PACKET, socket.SOCK_RAW, 0))
    yield Trial("socket-netlink-audit", opens(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_AUDIT))
    yield Trial("socket-vsock", _vsock)
    yield Trial("socket-alg", opens(_AF_ALG, socket.SOCK_SEQPACKET))
    yield Trial("socket-bluetooth", opens(_AF_BLUETOOTH, socket.SOCK_RAW, 1))
    yield Trial("socket-can", opens(_AF_CAN, socket.SOCK_RAW, 1))
