"""Opens and closes the sockets that lead out of sandboxes.

Which sandbox speaks is known from the socket alone. A folder of sockets is
bound into a running sandbox, so it is never made anew while the sandbox has a
place: sockets come and go inside it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from lab import grants
from lab.gateway.refusals import RefusedError, not_granted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lab.domain.attempt import Rule
    from lab.domain.ids import SandboxId
    from lab.gateway.attempts import AttemptLog
    from lab.gateway.book import GrantBook

_log = logging.getLogger(__name__)

CANARY = "/.door"
"""Answers 204 on every open door: the containment probe's sign of life."""


class Door(Protocol):
    """What is behind one kind of socket."""

    @property
    def rule(self) -> Rule:
        """What its refusals are noted under."""
        ...

    @property
    def refusal(self) -> Callable[[RefusedError], web.Response]:
        """How its refusals are written."""
        ...

    async def handle(self, request: web.BaseRequest, sandbox_id: SandboxId) -> web.StreamResponse:
        """Pass one request on, or raise :class:`RefusedError`."""
        ...


class _OpenDoor:
    """One listening socket."""

    def __init__(self, path: Path, server: web.Server) -> None:
        self._path, self._server = path, server
        self._listener: asyncio.Server | None = None

    async def open(self) -> None:
        self._path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_unix_server(self._server, str(self._path), backlog=64)
        self._path.chmod(0o666)  # the sandbox's own uid connects; the folder is its alone

    def is_whole(self) -> bool:
        return self._path.is_socket()

    def close(self) -> None:
        """Stop listening, and drop what is open at once, in the middle of anything."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._server.connections):
            connection.force_close()
            if connection.transport is not None:
                connection.transport.abort()
        self._path.unlink(missing_ok=True)


class DoorKeeper:
    """Keeps the open sockets what the grants folder says, by looking again and again."""

    def __init__(
        self,
        *,
        folder: Path,
        book: GrantBook,
        doors: Mapping[str, Door],
        attempts: AttemptLog,
        poll_seconds: float,
    ) -> None:
        self._folder, self._book, self._doors = folder, book, doors
        self._attempts, self._poll = attempts, poll_seconds
        self._open: dict[tuple[SandboxId, str], _OpenDoor] = {}

    async def run(self) -> None:
        """Look until cancelled; then close everything."""
        # Others may pass through, knowing a name, but nobody may list the names.
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o711)
        self._clear_stale()
        try:
            while True:
                await self.look()
                self._attempts.flush()
                await asyncio.sleep(self._poll)
        finally:
            for key in list(self._open):
                self._close(key)
            self._attempts.flush(everything=True)

    async def look(self) -> None:
        """Open what is granted and closed, close what is open and not granted."""
        try:
            granted = self._book.open_doors()
        except OSError:
            _log.exception("the grants folder cannot be read: every door closes")
            granted = {}
        wanted = {
            (sandbox_id, name)
            for sandbox_id, names in granted.items()
            for name in names & set(self._doors)
        }
        for key in set(self._open) - wanted:
            self._close(key)
        for key in sorted(wanted):
            if key in self._open and not self._open[key].is_whole():
                self._close(key)
            if key not in self._open:
                await self._open_one(key)

    def count(self) -> int:
        """Return how many doors are open."""
        return len(self._open)

    async def _open_one(self, key: tuple[SandboxId, str]) -> None:
        sandbox_id, name = key
        folder = self._folder / sandbox_id
        door = self._doors[name]

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await self._answer(request, sandbox_id, name, door)

        server = web.Server(
            answer, handler_cancellation=True, access_log=None, keepalive_timeout=75
        )
        opened = _OpenDoor(folder / f"{name}.sock", server)
        try:
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)  # whatever our umask is: the sandbox's uid goes through it
            await opened.open()
        except OSError:
            _log.exception("a door cannot be opened", extra={"sandbox_id": sandbox_id})
            return
        self._open[key] = opened
        _log.info("door opened", extra={"sandbox_id": sandbox_id, "door": name})

    def _close(self, key: tuple[SandboxId, str]) -> None:
        self._open.pop(key).close()
        _log.info("door closed", extra={"sandbox_id": key[0], "door": key[1]})

    async def _answer(
        self, request: web.BaseRequest, sandbox_id: SandboxId, name: str, door: Door
    ) -> web.StreamResponse:
        try:
            if self._book.get(sandbox_id, grants.DOORS) is None:
                raise not_granted(name)
            if request.raw_path == CANARY and request.method == "GET":
                return web.Response(status=204)
            return await door.handle(request, sandbox_id)
        except RefusedError as error:
            if error.is_attempt:
                path = request.raw_path.partition("?")[0]
                self._attempts.record(sandbox_id, door.rule, f"{request.method} {path}")
            return door.refusal(error)

    def _clear_stale(self) -> None:
        """Take away sockets that a killed gateway left: nobody listens on them."""
        for path in self._folder.glob("*/*.sock"):
            with suppress(OSError):
                path.unlink()
