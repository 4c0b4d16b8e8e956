"""Where a sandbox's doors listen: unix sockets on one machine, ports of its own on a cluster."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from lab.domain.walls import WALL_PORT_AT_GATEWAY
from lab.sockets import listening

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aiohttp import web

    from lab.domain.ids import SandboxId
    from lab.gateway.book import DoorsGrant

REPORT = "report"
"""The door for the report of a run of probes. Every sandbox that has a port for it has it."""
LOWEST_PORT = 20000
"""Below are the ports of the gateway itself, which no grant may name."""


class Listener(Protocol):
    """One place where one sandbox may knock."""

    @property
    def where(self) -> str:
        """Name the place; the same name is the same place."""
        ...

    async def open(self, server: web.Server) -> None:
        """Listen.

        Raises:
            OSError: It cannot.
        """
        ...

    def is_whole(self) -> bool:
        """Tell whether it can still be found by those outside."""
        ...

    def close(self) -> None:
        """Listen no more."""
        ...


class Wall(Protocol):
    """Where the doors of sandboxes are."""

    def prepare(self) -> None:
        """Get ready, and clear away what a killed gateway left."""
        ...

    def listeners(self, sandbox_id: SandboxId, grant: DoorsGrant) -> Mapping[str, Listener]:
        """Return one for each door that the grant opens."""
        ...


class UnixListener:
    """A socket in the folder that is bound into the sandbox."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listener: asyncio.Server | None = None

    @property
    def where(self) -> str:
        """Name the place."""
        return str(self._path)

    async def open(self, server: web.Server) -> None:
        """Listen."""
        self._path.parent.mkdir(exist_ok=True)
        # Whatever our umask is: the sandbox's uid goes through it.
        self._path.parent.chmod(0o755)
        self._path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_unix_server(server, str(self._path), backlog=64)
        self._path.chmod(0o666)  # the sandbox's own uid connects; the folder is its alone

    def is_whole(self) -> bool:
        """Tell whether the socket is still there."""
        return self._path.is_socket()

    def close(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()
        self._path.unlink(missing_ok=True)


class UnixWall:
    """A folder of sockets for each sandbox.

    It is bound into a running sandbox, so it is never made anew while the
    sandbox has a place: sockets come and go inside it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Make the folder, and take away sockets on which nobody listens."""
        # Others may pass through, knowing a name, but nobody may list the names.
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o711)
        for path in self._folder.glob("*/*.sock"):
            with suppress(OSError):
                path.unlink()

    def listeners(self, sandbox_id: SandboxId, grant: DoorsGrant) -> Mapping[str, Listener]:
        """Return a socket for each door that is named."""
        return {n: UnixListener(self._folder / sandbox_id / f"{n}.sock") for n in grant.names}


class TcpListener:
    """A port that the network lets one sandbox reach."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._listener: asyncio.Server | None = None

    @property
    def where(self) -> str:
        """Name the place."""
        return f"{self._host} {self._port}"

    async def open(self, server: web.Server) -> None:
        """Listen."""
        made = listening(self._host, self._port)
        self._listener = await asyncio.get_running_loop().create_server(server, sock=made)

    def is_whole(self) -> bool:
        """Tell whether it listens."""
        return self._listener is not None and self._listener.is_serving()

    def close(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()


class TcpWall:
    """A port for each door of each sandbox. The network lets each reach its own only."""

    def __init__(self, host: str, *, wall_port: int = WALL_PORT_AT_GATEWAY) -> None:
        self._host, self._wall_port = host, wall_port

    def prepare(self) -> None:
        """Nothing of a killed gateway stays open."""

    def listeners(
        self,
        sandbox_id: SandboxId,  # noqa: ARG002  the grant names the ports
        grant: DoorsGrant,
    ) -> Mapping[str, Listener]:
        """Return a port for each door that is named and has one."""
        return {
            name: TcpListener(self._host, port)
            for name, port in grant.ports.items()
            if (name in grant.names or name == REPORT) and self._may_open(port)
        }

    def _may_open(self, port: int) -> bool:
        return LOWEST_PORT <= port < 2**16 and port != self._wall_port


class WallListener:
    """The port that no sandbox's network policy opens. It takes a connection and says nothing.

    A new pod tries it: as long as it gets through, its walls do not stand.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._listener: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen.

        Raises:
            OSError: It cannot. Without it no pod would see that its walls are missing.
        """
        made = listening(self._host, self._port)
        self._listener = await asyncio.start_server(_hang_up, sock=made)

    def close(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
