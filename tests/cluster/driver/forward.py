"""A port of this machine that leads to a service: how a browser reaches the lab.

python -m tests.cluster.driver.forward STATE PORT NAMESPACE/SERVICE:PORT
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from pathlib import Path

from tests.cluster.driver.api import Api, ApiError
from tests.cluster.driver.plan import Plan
from tests.cluster.driver.telling import CannotDoError, say

TARGET = re.compile(r"([a-z0-9-]+)/([a-z0-9-]+):(\d+)")
LOOPBACK = ("127.0.0.1", "::1")
KNOWN_FOR_SECONDS = 5.0
CHUNK = 1 << 16
LISTENS = "leads to"  # said once connections are taken


class Forward:
    """Takes connections on loopback and leads each to a service's address."""

    def __init__(self, plan: Plan, target: str) -> None:
        match = TARGET.fullmatch(target)
        if match is None:
            raise CannotDoError(f"{target}: say NAMESPACE/SERVICE:PORT")
        self._plan = plan
        self._path = f"/api/v1/namespaces/{match[1]}/services/{match[2]}"
        self._port = int(match[3])
        self._address, self._asked = "", 0.0

    async def run(self, port: int) -> None:
        """Listen, forever."""
        server = await asyncio.start_server(self._take, LOOPBACK, port)
        say(f"127.0.0.1:{port} {LISTENS} {self._path}")
        await server.serve_forever()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            try:
                address = await asyncio.to_thread(self._find)
                far_reader, far_writer = await asyncio.open_connection(address, self._port)
            except (ApiError, OSError) as error:
                say("no connection:", error)
                return
            with contextlib.closing(far_writer):
                ways = _copy(reader, far_writer), _copy(far_reader, writer)
                await asyncio.gather(*ways)

    def _find(self) -> str:
        # A service made anew has another address.
        if time.monotonic() - self._asked > KNOWN_FOR_SECONDS or not self._address:
            try:
                self._address = Api(self._plan).get(self._path)["spec"]["clusterIP"]
            except ApiError:
                if not self._address:
                    raise
                # The API server is away: the service is where it was.
            self._asked = time.monotonic()
        return self._address


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


if __name__ == "__main__":
    the_plan = Plan.saved(Path(sys.argv[1]))
    if the_plan:
        try:
            asyncio.run(Forward(the_plan, sys.argv[3]).run(int(sys.argv[2])))
        except (OSError, CannotDoError) as error:
            sys.exit(str(error))
