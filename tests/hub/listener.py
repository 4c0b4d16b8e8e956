"""Counts what arrives: requests by name, datagrams, and connections that say nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from aiohttp import web

from tests.hub.direct import free_port

if TYPE_CHECKING:
    from tests.hub.fake_portal import InThread


class Listener:
    def __init__(self, servers: InThread) -> None:
        self.port, self.udp_port, self.silent_port = free_port(), free_port(), free_port()
        self.arrived: Counter[str] = Counter()
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._arrive)
        servers.serve(app, self.port)
        self._servers = servers
        servers.call(self._others)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _others(self) -> None:
        loop = asyncio.get_running_loop()
        count = self.arrived

        class Datagrams(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                del data, addr
                count["datagram"] += 1

        async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            count["connection"] += 1
            writer.close()

        self._udp, _ = await loop.create_datagram_endpoint(
            Datagrams, local_addr=("127.0.0.1", self.udp_port)
        )
        self._tcp = await asyncio.start_server(connected, "127.0.0.1", self.silent_port)

    async def _arrive(self, request: web.Request) -> web.Response:
        self.arrived[request.path.rpartition("/")[2]] += 1
        return web.Response(
            text="",
            content_type="text/html",
            headers={"Access-Control-Allow-Origin": "*", "Timing-Allow-Origin": "*"},
        )

    def close(self) -> None:
        async def end() -> None:
            self._udp.close()
            self._tcp.close()

        self._servers.call(end)
