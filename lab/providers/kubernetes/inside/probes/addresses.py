"""Finds our own addresses, and the link-local address of what routes for us.

Without privileges: from ``/proc`` alone. A bridge's link-local address follows
from its hardware address (EUI-64), which our neighbour table holds.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_GLOBAL, _LINK = "00", "20"
_NEIGHBOURS_DUMP, _NEIGHBOUR = 30, 28
_DUMP_FLAGS = 0x301  # request, whole table
_DONE = 3
_NDA_DST, _NDA_LLADDR = 1, 2
_ETHERNET_BYTES = 6
_V4_BYTES, _V6_BYTES = 4, 16


@dataclass(frozen=True, slots=True)
class Addresses:
    """Ours.

    Attributes:
        interface: The one that all this is of.
        gateway_link_local: Best knowledge; empty where nothing is known.
    """

    interface: str = ""
    v4: str = ""
    v6: str = ""
    link_local: str = ""
    gateway_link_local: str = ""


def own(proc: Path = Path("/proc")) -> Addresses:
    """Look now."""
    gateway4, interface = _default_route4(proc)
    of6 = _interfaces6(proc)
    return Addresses(
        interface=interface or next((name for _, _, name in of6), ""),
        v4=_toward("192.0.2.1", socket.AF_INET),
        v6=next((text for text, scope, _ in of6 if scope == _GLOBAL), ""),
        link_local=next((text for text, scope, _ in of6 if scope == _LINK), ""),
        gateway_link_local=_gateway(proc, gateway4),
    )


def own_link_local(proc: Path = Path("/proc")) -> tuple[str, str] | None:
    """Return our first link-local address and its interface, if there is any."""
    return next(((text, name) for text, scope, name in _interfaces6(proc) if scope == _LINK), None)


def link_local_of(mac: str) -> str:
    """Return the address that an interface with this hardware address gives itself."""
    raw = bytearray(bytes.fromhex(mac.replace(":", "")))
    raw[0] ^= 2
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + raw[:3] + b"\xff\xfe" + raw[3:]))


def default_routes6(proc: Path = Path("/proc")) -> list[str]:
    """Return the next hops of our default routes."""
    found = []
    with suppress(OSError):
        for line in Path(proc, "net/ipv6_route").read_text("ascii").splitlines():
            words = line.split()
            hop = ipaddress.IPv6Address(bytes.fromhex(words[4]))
            if words[1] == "00" and words[9] != "lo" and not hop.is_unspecified:
                found.append(str(hop))
    return found


def neighbours() -> dict[str, str]:
    """Return what the kernel knows of our neighbours: address → hardware address."""
    found: dict[str, str] = {}
    with suppress(OSError):
        request = struct.pack("=IHHIIB11x", 28, _NEIGHBOURS_DUMP, _DUMP_FLAGS, 1, 0, 0)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
            sock.settimeout(1)
            sock.send(request)
            while not _read(sock.recv(1 << 16), found):
                pass
    return found


def _read(data: bytes, found: dict[str, str]) -> bool:
    """Take the neighbours out of one answer of the kernel's; tell whether it was the last."""
    while len(data) >= 16:  # noqa: PLR2004  # a header
        length, kind = struct.unpack_from("=IH", data)
        if kind != _NEIGHBOUR:
            return True
        attributes = _attributes(data[28:length])
        address, mac = attributes.get(_NDA_DST, b""), attributes.get(_NDA_LLADDR, b"")
        if len(mac) == _ETHERNET_BYTES and any(mac) and len(address) in {_V4_BYTES, _V6_BYTES}:
            found[str(ipaddress.ip_address(address))] = mac.hex(":")
        data = data[(length + 3) & ~3 :]
    return False


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= 4:  # noqa: PLR2004  # a header
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:  # noqa: PLR2004
            break
        found[kind] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def _interfaces6(proc: Path) -> list[tuple[str, str, str]]:
    """Return address, scope and interface of each IPv6 address, loopback apart."""
    found = []
    with suppress(OSError):
        for line in Path(proc, "net/if_inet6").read_text("ascii").splitlines():
            address, _, _, scope, _, name = line.split()
            if name != "lo":
                found.append((str(ipaddress.IPv6Address(bytes.fromhex(address))), scope, name))
    return found


def _default_route4(proc: Path) -> tuple[str, str]:
    with suppress(OSError):
        for line in Path(proc, "net/route").read_text("ascii").splitlines()[1:]:
            words = line.split()
            if words[1] == "00000000":
                return socket.inet_ntoa(struct.pack("<L", int(words[2], 16))), words[0]
    return "", ""


def _toward(host: str, family: socket.AddressFamily) -> str:
    """Return the address we would send from. Nothing is sent."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((host, 9))
        return str(sock.getsockname()[0])
    return ""


def _gateway(proc: Path, gateway4: str) -> str:
    routes = default_routes6(proc)
    for hop in routes:
        if ipaddress.ip_address(hop).is_link_local:
            return hop
    _wake([gateway4, *routes])
    known = neighbours()
    for address in (*routes, gateway4):
        if address in known:
            return link_local_of(known[address])
    return ""


def _wake(hops: list[str]) -> None:
    """Send each an empty datagram, so that the kernel asks for its hardware address."""
    for hop in filter(None, hops):
        family = socket.AF_INET6 if ":" in hop else socket.AF_INET
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (hop, 9))
