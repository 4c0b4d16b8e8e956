"""An API server in small: pods that start as a test says, each with an address of its own."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hub.fake_portal import InThread

Key = tuple[str, str]
NOTEBOOK_PORT = 8888


@dataclass
class FakeCluster:
    """What is on it, and how it behaves.

    Attributes:
        refusals: By namespace, what the next creations of a pod are answered.
        stuck: By namespace, the status that pods keep; without it they run.
        is_down: Whether it answers nothing but 503.
        lingering: Namespaces whose pods do not end until they are forced.
    """

    pods: dict[Key, dict[str, Any]] = field(default_factory=dict)
    claims: dict[Key, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refusals: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    stuck: dict[str, dict[str, Any]] = field(default_factory=dict)
    lingering: set[str] = field(default_factory=set)
    is_down: bool = False
    calls: list[str] = field(default_factory=list)
    hosts: dict[Key, web.AppRunner] = field(default_factory=dict)
    addresses: Any = field(default_factory=lambda: itertools.count(2))

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._gate])
        base = "/api/v1/namespaces/{namespace}"
        app.add_routes([
            web.post(f"{base}/pods", self.create_pod),
            web.get(f"{base}/pods/{{name}}", self.read_pod),
            web.delete(f"{base}/pods/{{name}}", self.delete_pod),
            web.post(f"{base}/persistentvolumeclaims", self.create_claim),
            web.get(f"{base}/persistentvolumeclaims/{{name}}", self.read_claim),
            web.get(f"{base}/events", self.list_events),
        ])
        return app

    def write_kubeconfig(self, path: Path, url: str) -> None:
        named = {"name": "fake"}
        path.write_text(
            json.dumps({
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "fake",
                "clusters": [named | {"cluster": {"server": url}}],
                "contexts": [named | {"context": {"cluster": "fake", "user": "fake"}}],
                "users": [named | {"user": {"token": "t"}}],
            })
        )

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        if self.is_down:
            return _status(503, "the API server is away")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def create_pod(self, request: web.Request) -> web.Response:
        namespace = request.match_info["namespace"]
        refusals = self.refusals.get(namespace, [])
        if refusals:
            return _status(*refusals.pop(0))
        pod = await request.json()
        key = (namespace, pod["metadata"]["name"])
        if key in self.pods:
            return _status(409, f'pods "{key[1]}" already exists')
        pod["metadata"]["uid"] = f"uid-{len(self.calls)}"
        pod["status"] = self.stuck.get(namespace) or await self._run(key)
        self.pods[key] = pod
        return web.json_response(pod, status=HTTPStatus.CREATED)

    async def _run(self, key: Key) -> dict[str, Any]:
        address = f"127.77.{len(self.hosts) % 200}.{next(self.addresses)}"
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", functools.partial(_notebook, key[1]))
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, address, NOTEBOOK_PORT).start()
        self.hosts[key] = runner
        return {
            "phase": "Running",
            "podIP": address,
            "containerStatuses": [{"name": "notebook", "ready": True, "state": {"running": {}}}],
        }

    async def read_pod(self, request: web.Request) -> web.Response:
        return _found(self.pods, request)

    async def delete_pod(self, request: web.Request) -> web.Response:
        key = _key(request)
        if key not in self.pods:
            return _status(404, "not found")
        grace = request.query.get("gracePeriodSeconds")
        if key[0] in self.lingering and grace != "0":
            self.pods[key]["metadata"] |= {
                "deletionTimestamp": "2026-11-22T00:00:00Z",
                "deletionGracePeriodSeconds": 0,
            }
            return web.json_response({})
        await self.end(key)
        return web.json_response({})

    async def end(self, key: Key) -> None:
        self.pods.pop(key, None)
        if key in self.hosts:
            await self.hosts.pop(key).cleanup()

    async def create_claim(self, request: web.Request) -> web.Response:
        claim = await request.json()
        self.claims[request.match_info["namespace"], claim["metadata"]["name"]] = claim
        return web.json_response(claim, status=HTTPStatus.CREATED)

    async def read_claim(self, request: web.Request) -> web.Response:
        return _found(self.claims, request)

    async def list_events(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.events.get(request.match_info["namespace"], [])})

    def close(self, servers: InThread) -> None:
        servers.call(self._close)

    async def _close(self) -> None:
        await asyncio.gather(*(self.end(key) for key in list(self.hosts)))


async def _notebook(name: str, request: web.Request) -> web.StreamResponse:
    if request.headers.get("Upgrade", "").lower() == "websocket":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"echo {message.data}")
        return socket
    return web.Response(text=f"{name} {request.path}", headers={"X-JupyterHub-Version": "6.1.1"})


def _key(request: web.Request) -> Key:
    return request.match_info["namespace"], request.match_info["name"]


def _found(things: dict[Key, dict[str, Any]], request: web.Request) -> web.Response:
    found = things.get(_key(request))
    return _status(404, "not found") if found is None else web.json_response(found)


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)
