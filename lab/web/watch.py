"""Around everything: each request gets an id, and is counted once it is answered."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING

from lab.logs import REQUEST_ID

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lab.web.metrics import Traffic

log = logging.getLogger(__name__)
_QUIET = ("/health/", "/metrics", "/static/")
_NO_ANSWER = 499
"""Who asked did not wait for it."""


class Watch:
    """Wraps the application.

    Nothing of what somebody sent is counted or written: not an address (it holds names, and
    sign-in links), but the route that it led to.
    """

    def __init__(self, app: ASGIApp, *, traffic: Traffic) -> None:
        self._app, self._traffic = app, traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, number = time.perf_counter(), _NO_ANSWER, secrets.token_hex(8)

        async def outgoing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", number.encode()),
                ]
            await send(message)

        kept = REQUEST_ID.set(number)
        try:
            await self._app(scope, receive, outgoing)
        finally:
            seconds = time.perf_counter() - began
            route = route_of(scope)
            self._traffic.count(
                method=scope["method"], route=route, status=status, seconds=seconds
            )
            if not scope["path"].startswith(_QUIET):
                log.info("answered", extra=_said(scope, route, status, seconds))
            REQUEST_ID.reset(kept)


def route_of(scope: Scope) -> str:
    """Return the template of the route that a request led to."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    if isinstance(path, str):
        return path
    return "/static" if scope["path"].startswith("/static/") else "none"


def _said(scope: Scope, route: str, status: int, seconds: float) -> dict[str, object]:
    said: dict[str, object] = {
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000),
    }
    sandbox_id = scope.get("path_params", {}).get("sandbox_id")
    return said | ({"sandbox_id": sandbox_id} if sandbox_id else {})
