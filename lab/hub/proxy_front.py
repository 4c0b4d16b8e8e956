"""The hub's side of a front in another pod: routes are handed out to whoever shows the token.

A front asks with the number of the routes it has, and the answer waits until there are
others; asking with a number says that they are in force there. So a start need not guess
when its route leads somewhere, and the hub need not be able to call the front at all
(docs/decisions/0011).
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError, RequestHandler
from traitlets import Unicode

from lab.hub import front as front_process
from lab.hub.proxy import LabTraefikProxy

LIVE_SECONDS = front_process.HOLD_SECONDS + 15
"""A front that has not asked for so long is gone: no start waits for it."""

SETTLE_SECONDS = 0.2


class FrontProxy(LabTraefikProxy):
    """Keeps the routes in the hub's own file, and hands them out.

    Before the hub has looked at every server that was running when it ended, nothing is
    handed out: fronts keep the routes they have.
    """

    front_token = Unicode(config=True, help="What a front shows to be given the routes.")

    def __init__(self, **kwargs: Any) -> None:
        self._boot, self._number = secrets.token_hex(4), 0
        self._changed = asyncio.Condition()
        self._in_force: dict[str, tuple[int, float]] = {}
        self._is_settled = self._is_served = False
        super().__init__(**kwargs)

    @property
    def version(self) -> str:
        """Names the routes as they are now."""
        return f"{self._boot}.{self._number}"

    async def _start_external(self) -> None:
        """Wait for nobody: a front comes when it comes."""
        self._start_future = None

    async def check_routes(self, *args: Any, **kwargs: Any) -> Any:
        """Bring the routes in line with the servers; from then on they are handed out."""
        found = await super().check_routes(*args, **kwargs)
        self._serve()
        users = args[0] if args else kwargs["user_dict"]
        spawners = [s for user in users.values() for s in user.spawners.values()]
        if not self._is_settled and not any(s.pending == "check" for s in spawners):
            self._is_settled = True
            await self._announce()
        return found

    def _serve(self) -> None:
        if self._is_served:
            return
        self._is_served = True
        rule = (front_process.PATH, RoutesHandler, {"proxy": self})
        self.app.tornado_application.add_handlers(".*", [rule])

    def _persist_dynamic_config(self) -> None:
        super()._persist_dynamic_config()
        self._number += 1
        self._announcing = asyncio.ensure_future(self._announce())

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _wait_for_route(self, routespec: str) -> None:
        """Return once every front that is there has the routes as they are now."""
        wanted, deadline = self._number, time.monotonic() + self.check_route_timeout
        while self._is_settled and (late := self._late(wanted)):
            if time.monotonic() > deadline:
                # It will be given them when it asks; nobody's start fails for it.
                self.log.warning("No word of %s from the front %s", routespec, ", ".join(late))
                return
            await asyncio.sleep(SETTLE_SECONDS)

    def _late(self, wanted: int) -> list[str]:
        now = time.monotonic()
        return [
            front
            for front, (number, at) in self._in_force.items()
            if number < wanted and now - at < LIVE_SECONDS
        ]

    async def routes(self, front: str, has: str, *, hold_seconds: float) -> dict[str, Any] | None:
        """Return the routes once they are not those a front has, or nothing in time.

        Args:
            front: Its name.
            has: The version that is in force there; empty at its start.
            hold_seconds: How long to wait for others.

        Raises:
            NotSettledError: The hub does not know them itself yet.
        """
        boot, _, number = has.partition(".")
        is_known = boot == self._boot and number.isdecimal()
        self._in_force[front] = (int(number) if is_known else 0, time.monotonic())
        try:
            async with asyncio.timeout(hold_seconds), self._changed:
                await self._changed.wait_for(lambda: self._is_settled and self.version != has)
        except TimeoutError:
            if not self._is_settled:
                raise NotSettledError from None
            return None
        http = {key: value for key, value in self.dynamic_config["http"].items() if value}
        return {"version": self.version, "http": http}

    def forget(self, front: str) -> None:
        """Wait no longer for a front."""
        self._in_force.pop(front, None)


class NotSettledError(Exception):
    """The hub has just started, and looks at what runs."""


class RoutesHandler(RequestHandler):
    """Answers a front. Outside of the hub's own sign-in: a front is no user of it."""

    def initialize(self, proxy: FrontProxy) -> None:
        """Take what answers."""
        self._proxy, self._front = proxy, ""

    def on_connection_close(self) -> None:
        """A front that hangs up has ended, or asks again."""
        self._proxy.forget(self._front)

    async def get(self) -> None:
        """Hand out the routes."""
        proxy = self._proxy
        shown = self.request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(shown.encode(), proxy.front_token.encode()):
            raise HTTPError(HTTPStatus.NOT_FOUND)
        self._front = self.get_query_argument("front", "")
        has = self.get_query_argument("has", "")
        try:
            found = await proxy.routes(self._front, has, hold_seconds=front_process.HOLD_SECONDS)
        except NotSettledError:
            raise HTTPError(HTTPStatus.SERVICE_UNAVAILABLE) from None
        if found is None:
            self.set_status(HTTPStatus.NO_CONTENT)
        else:
            self.write(found)
