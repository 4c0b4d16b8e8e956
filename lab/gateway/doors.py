"""Opens and closes the doors that lead out of sandboxes.

Which sandbox speaks is known from the socket alone, on one machine and on a
cluster: what a listener is and where it stands is in ``listeners``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from lab import grants
from lab.gateway.refusals import RefusedError, not_granted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.attempt import Rule
    from lab.domain.ids import SandboxId
    from lab.gateway.attempts import AttemptLog
    from lab.gateway.book import DoorsGrant, GrantBook
    from lab.gateway.listeners import Listener, Wall

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
    """One door that listens, and whoever is in it."""

    def __init__(self, listener: Listener, server: web.Server) -> None:
        self.listener, self._server = listener, server

    async def open(self) -> None:
        await self.listener.open(self._server)

    def close(self) -> None:
        """Stop listening, and drop what is open at once, in the middle of anything."""
        self.listener.close()
        for connection in list(self._server.connections):
            connection.force_close()
            if connection.transport is not None:
                connection.transport.abort()


class DoorKeeper:
    """Keeps the open doors what the grants folder says, by looking again and again."""

    def __init__(
        self,
        *,
        wall: Wall,
        book: GrantBook,
        doors: Mapping[str, Door],
        attempts: AttemptLog,
        poll_seconds: float,
    ) -> None:
        self._wall, self._book, self._doors = wall, book, doors
        self._attempts, self._poll = attempts, poll_seconds
        self._open: dict[tuple[SandboxId, str], _OpenDoor] = {}
        self._contested: set[str] = set()

    async def run(self) -> None:
        """Look until cancelled; then close everything."""
        self._wall.prepare()
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
            granted = self._book.doors()
        except OSError:
            _log.exception("the grants folder cannot be read: every door closes")
            granted = {}
        wanted = self._wanted(granted)
        for key in list(self._open):
            found = self._open[key].listener
            if key not in wanted or wanted[key].where != found.where or not found.is_whole():
                self._close(key)
        for key in sorted(wanted.keys() - self._open.keys()):
            await self._open_one(key, wanted[key])

    def _wanted(
        self, granted: Mapping[SandboxId, DoorsGrant]
    ) -> dict[tuple[SandboxId, str], Listener]:
        """Return what shall listen. A place that two claim is nobody's: it is their name."""
        claims = {
            (sandbox_id, name): listener
            for sandbox_id, doors in granted.items()
            for name, listener in self._wall.listeners(sandbox_id, doors).items()
            if name in self._doors
        }
        often = Counter(listener.where for listener in claims.values())
        twice = {where for where, count in often.items() if count > 1}
        if twice != self._contested:
            self._contested = twice
            _log.error("doors that two grants claim", extra={"where": sorted(twice)})
        return {key: each for key, each in claims.items() if each.where not in twice}

    def count(self) -> int:
        """Return how many doors are open."""
        return len(self._open)

    async def _open_one(self, key: tuple[SandboxId, str], listener: Listener) -> None:
        sandbox_id, name = key
        door = self._doors[name]

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await self._answer(request, sandbox_id, name, door)

        server = web.Server(
            answer, handler_cancellation=True, access_log=None, keepalive_timeout=75
        )
        opened = _OpenDoor(listener, server)
        try:
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
