"""The ports that a witness listens on, TCP and UDP, IPv4 and IPv6."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, cast

from lab.witness.arrivals import SELF

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.witness.arrivals import Arrivals

_log = logging.getLogger(__name__)
_MOST_BYTES = 256
_PATIENCE_S, _TRIES = 1.5, 2
_MOST_OPEN = 512
_EVERYWHERE = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104  # its purpose
_ALL_NODES6 = "ff02::1"


@dataclass(slots=True)
class Listening:
    """What we do listen on, which may be less than was asked for.

    Attributes:
        tcp: Ports, on every family that this pod has.
        udp: The same.
    """

    tcp: set[int] = field(default_factory=set)
    udp: set[int] = field(default_factory=set)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._arrivals.receive(data[:_MOST_BYTES], addr[0], is_stream=False)
        if self._transport is not None:
            self._transport.sendto(b"!", addr)


class Listeners:
    """Opens and closes them. An async context manager.

    Args:
        arrivals: Where what comes is counted.
        ports: Tried one by one; those we may not open are left out, and said.
    """

    def __init__(self, arrivals: Arrivals, ports: Iterable[int]) -> None:
        self._arrivals, self._ports = arrivals, tuple(ports)
        self._servers: list[asyncio.Server] = []
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._open = 0
        self.listening = Listening()

    async def __aenter__(self) -> Self:
        """Open what can be opened."""
        families = [socket.AF_INET] + ([socket.AF_INET6] if _has_version_6() else [])
        for port in self._ports:
            for family in families:
                await self._open_one(family, port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close everything."""
        for server in self._servers:
            server.close()
        for transport in self._datagrams:
            transport.close()

    async def self_test(self, nonce: str, addresses: Iterable[str]) -> Listening:
        """Send ourselves something on every port; return those where it was counted."""
        hosts = [address for address in addresses if address]
        names = {
            (kind, host, port): f"{SELF}{kind}{len(host)}-{number}-{port}"
            for kind, ports in (("tcp", self.listening.tcp), ("udp", self.listening.udp))
            for number, host in enumerate(hosts)
            for port in ports
        }
        missing = set(names)
        for _ in range(_TRIES):
            # A busy node may be late with a few; a port that is not open stays silent again.
            await asyncio.gather(
                *(_tell(*key, f"{nonce}:{names[key]}\n".encode()) for key in missing)
            )
            run = self._arrivals.of(nonce)
            missing = {key for key in missing if run is None or not run.names[names[key]]}
            if not missing:
                break
        heard = Listening()
        for kind, _, port in names:
            if not any((kind, host, port) in missing for host in hosts):
                (heard.tcp if kind == "tcp" else heard.udp).add(port)
        return heard

    async def _open_one(self, family: socket.AddressFamily, port: int) -> None:
        loop = asyncio.get_running_loop()
        where = _EVERYWHERE[family]
        try:
            server = await asyncio.start_server(self._accept, where, port, family=family)
            self._servers.append(server)
            self.listening.tcp.add(port)
            sock = _datagram_socket(family, port)
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._arrivals), sock=sock
            )
            self._datagrams.append(transport)
            self.listening.udp.add(port)
        except OSError as error:
            _log.warning("a port cannot be opened", extra={"port": port, "error": str(error)})

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = str(writer.get_extra_info("peername", ("",))[0])
        data = b""
        self._open += 1
        try:
            if self._open <= _MOST_OPEN:
                with suppress(TimeoutError, ValueError):
                    data = await asyncio.wait_for(reader.readline(), _PATIENCE_S)
                self._arrivals.receive(data[:_MOST_BYTES], source, is_stream=True)
                writer.write(b"!")
                await writer.drain()
        except OSError:
            self._arrivals.receive(data[:_MOST_BYTES], source, is_stream=True)
        finally:
            self._open -= 1
            await _closed(writer)


def _has_version_6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::", 0))
    except OSError:
        return False
    return True


def _datagram_socket(family: socket.AddressFamily, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            for number, _ in socket.if_nameindex():
                group = socket.inet_pton(family, _ALL_NODES6) + struct.pack("@I", number)
                with suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
        sock.bind((_EVERYWHERE[family], port))
        sock.setblocking(False)  # noqa: FBT003
    except OSError:
        sock.close()
        raise
    return sock


async def _tell(kind: str, host: str, port: int, message: bytes) -> None:
    """Send it and wait until it was read."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            if kind == "tcp":
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    writer.write(message)
                    await reader.read(1)
                finally:
                    await _closed(writer)
            else:
                await _ask(host, port, message)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _ask(host: str, port: int, message: bytes) -> None:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003
        sock.connect((host, port))
        await loop.sock_sendall(sock, message)
        await loop.sock_recv(sock, 1)
