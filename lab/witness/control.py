"""What the control plane asks a witness, over HTTP, with its token."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from lab.providers.kubernetes.inside.probes import addresses
from lab.witness.arrivals import NONCE, SELF, TooManyRunsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lab.witness.arrivals import Arrivals
    from lab.witness.listeners import Listeners, Listening


class Control:
    """The routes.

    Args:
        node: Name of the node we run on; ``node_addresses`` are its own.
        own: Returns our addresses.
    """

    def __init__(
        self,
        *,
        token: str,
        node: str,
        node_addresses: tuple[str, ...],
        arrivals: Arrivals,
        listeners: Listeners,
        own: Callable[[], addresses.Addresses] = addresses.own,
    ) -> None:
        self._token, self._node, self._node_addresses = token, node, node_addresses
        self._arrivals, self._listeners, self._own = arrivals, listeners, own

    def app(self) -> web.Application:
        """Return them as an application."""
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.router.add_get("/live", self._live)
        app.router.add_get("/addresses", self._addresses)
        app.router.add_put("/arrivals/{nonce}", self._announce)
        app.router.add_get("/arrivals/{nonce}", self._read)
        app.router.add_delete("/arrivals/{nonce}", self._forget)
        return app

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        is_known = hmac.compare_digest(given.encode(), self._token.encode())
        if request.path != "/live" and not is_known:
            return web.json_response({"code": "not_signed_in"}, status=401)
        nonce = request.match_info.get("nonce")
        if nonce is not None and not NONCE.fullmatch(nonce):
            return web.json_response({"code": "invalid"}, status=422)
        return await handler(request)

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _addresses(self, _: web.Request) -> web.Response:
        own = await asyncio.to_thread(self._own)
        return web.json_response({
            **asdict(own),
            "node": self._node,
            "node_addresses": list(self._node_addresses),
            **_ports(self._listeners.listening),
        })

    async def _announce(self, request: web.Request) -> web.Response:
        """Begin to count, and say which ports were just heard."""
        nonce = request.match_info["nonce"]
        try:
            self._arrivals.announce(nonce)
        except TooManyRunsError:
            return web.json_response({"code": "busy"}, status=429)
        own = await asyncio.to_thread(self._own)
        heard = await self._listeners.self_test(nonce, (own.v4, own.v6))
        return web.json_response(_ports(heard))

    async def _read(self, request: web.Request) -> web.Response:
        run = self._arrivals.of(request.match_info["nonce"])
        if run is None:
            return web.json_response({"code": "not_found"}, status=404)
        names = {name: count for name, count in run.names.items() if not name.startswith(SELF)}
        return web.json_response({"arrivals": names, "silent": dict(run.silent)})

    async def _forget(self, request: web.Request) -> web.Response:
        self._arrivals.forget(request.match_info["nonce"])
        return web.Response(status=204)


def _ports(listening: Listening) -> dict[str, Any]:
    return {"tcp": sorted(listening.tcp), "udp": sorted(listening.udp)}
