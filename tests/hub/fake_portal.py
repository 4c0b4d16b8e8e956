"""What the hub needs of a portal, small: sign-in, launch orders, a page that frames a notebook.

Also stands in for the gateway's hub door, where no real one runs.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class PortalState:
    client_secret: str
    hub_token: str
    public_url: str
    hub_url: str
    grants: Path
    members: dict[str, str] = field(default_factory=dict)
    orders: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refusals: dict[tuple[str, str], tuple[int, dict[str, str]]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)


class FakePortal:
    def __init__(self, state: PortalState) -> None:
        self.state = state

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([
            web.get("/", self.home),
            web.get("/ouvrir/{member}", self.sign_in),
            web.get("/oauth/authorize", self.authorize),
            web.post("/oauth/token", self.token),
            web.get("/oauth/userinfo", self.userinfo),
            web.get("/internal/v1/sandboxes/{sandbox}/launch", self.launch),
            web.get("/bacs/{sandbox}/atelier", self.workshop),
        ])
        return app

    def door(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/{tail:.*}", self.through_the_door)
        return app

    async def home(self, request: web.Request) -> web.Response:
        self.state.seen.append(request.path_qs)
        return web.Response(text="<h1>Portail</h1>", content_type="text/html")

    async def sign_in(self, request: web.Request) -> web.Response:
        response = web.Response(text="ouvert")
        response.set_cookie("portail", request.match_info["member"], httponly=True, samesite="Lax")
        return response

    async def authorize(self, request: web.Request) -> web.Response:
        query = request.query
        member = request.cookies.get("portail", "")
        if member not in self.state.members:
            return web.Response(status=401, text="pas de session")
        if query["redirect_uri"] != f"{self.state.public_url}/hub/oauth_callback":
            return web.Response(status=400, text="redirect_uri")
        if query.get("code_challenge_method") != "S256":
            return web.Response(status=400, text="PKCE")
        code = secrets.token_urlsafe(16)
        self.state.codes[code] = {"member": member, "challenge": query["code_challenge"]}
        back = urlencode({"code": code, "state": query["state"]})
        raise web.HTTPFound(f"{query['redirect_uri']}?{back}")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        known = self.state.codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            known is None
            or form.get("client_secret") != self.state.client_secret
            or challenge != known["challenge"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = secrets.token_urlsafe(16)
        self.state.tokens[token] = known["member"]
        return web.json_response({"access_token": token, "token_type": "Bearer"})

    async def userinfo(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        member = self.state.tokens.get(token)
        if member is None or member not in self.state.members:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"sub": member, "name": self.state.members[member]})

    async def launch(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.state.hub_token}":
            return web.json_response({"code": "not_signed_in"}, status=401)
        key = (request.match_info["sandbox"], request.query.get("member", ""))
        if key in self.state.refusals:
            status, problem = self.state.refusals[key]
            return web.json_response(problem, status=status)
        if key not in self.state.orders:
            return web.json_response({"code": "not_found"}, status=404)
        return web.json_response(self.state.orders[key])

    async def workshop(self, request: web.Request) -> web.Response:
        member = request.cookies.get("portail", "")
        scheme, _, authority = self.state.public_url.partition("://")
        theirs = f"{scheme}://{member}.{authority}"
        path = request.query.get("path", "lab/tree/01-depart/depart.ipynb")
        src = f"{theirs}/user/{member}/{request.match_info['sandbox']}/{path}"
        return web.Response(
            text=f"""<!DOCTYPE html><title>Atelier</title>
            <iframe name="atelier" src="{src}" width="1200" height="800"
             sandbox="allow-scripts allow-same-origin allow-forms allow-modals"
             allow="clipboard-write" referrerpolicy="same-origin"></iframe>""",
            content_type="text/html",
            headers={
                "Content-Security-Policy": (
                    f"default-src 'none'; style-src 'unsafe-inline'; frame-src {theirs}/user/ "
                    f"{self.state.public_url}/hub/ {self.state.public_url}/oauth/; "
                    "frame-ancestors 'none'"
                )
            },
        )

    async def through_the_door(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        for path in self.state.grants.glob("*/hub-*.json"):
            grant = json.loads(path.read_text())
            door, real = grant["door_token"], grant["token"]
            headers = {k: v.replace(door, real) for k, v in headers.items()}
            body = body.replace(door.encode(), real.encode())
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                self.state.hub_url + request.path_qs,
                headers=headers,
                data=body,
                allow_redirects=False,
            ) as answer,
        ):
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


_HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}


class InThread:
    """Serves applications on loopback from a loop of its own, until closed."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.runners: list[web.AppRunner] = []

    def serve(self, app: web.Application, port: int, host: str = "127.0.0.1") -> None:
        asyncio.run_coroutine_threadsafe(self._serve(app, port, host), self.loop).result(30)

    def call(self, work: Callable[[], Any], seconds: float = 90) -> Any:
        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(seconds)

    async def _serve(self, app: web.Application, port: int, host: str) -> None:
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        self.runners.append(runner)

    async def _close(self) -> None:
        for runner in self.runners:
            await runner.cleanup()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
