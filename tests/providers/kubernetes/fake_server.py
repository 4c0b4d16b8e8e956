"""An API server in this process, whose faults can be steered.

It keeps objects, versions and watches as a real one does, and no rule of its own. What a
real server says and does is shown on a real one, in ``tests/cluster``.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import web
from aiohttp.test_utils import TestServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

KINDS = {
    "namespaces": ("v1", "Namespace"),
    "resourcequotas": ("v1", "ResourceQuota"),
    "limitranges": ("v1", "LimitRange"),
    "services": ("v1", "Service"),
    "secrets": ("v1", "Secret"),
    "networkpolicies": ("networking.k8s.io/v1", "NetworkPolicy"),
    "rolebindings": ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    "jobs": ("batch/v1", "Job"),
}
Key = tuple[str, str, str]


class FakeServer:
    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.requests: Counter[str] = Counter()
        self.log: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.version = 100
        self.oldest = 0
        self.events: list[tuple[int, str, str, dict[str, Any]]] = []
        self.is_down = False
        self.ends_namespaces = True
        self._streams: set[asyncio.Queue[None]] = set()
        self.url = ""

    def kubeconfig(self, folder: Path) -> Path:
        path = folder / "kubeconfig"
        user = {"name": "u", "user": {"token": "a-token-for-tests"}}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [user],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path.write_text(json.dumps(content))
        return path

    def world(self) -> dict[Key, Any]:
        """All that is there, but for what differs from one run to the next."""
        return deepcopy({key: _lasting(found) for key, found in sorted(self.objects.items())})

    def kept(self) -> dict[Key, dict[str, Any]]:
        return deepcopy(self.objects)

    def restore(self, kept: dict[Key, dict[str, Any]]) -> None:
        self.objects = deepcopy(kept)
        self.forget_history()

    def put(self, plural: str, found: dict[str, Any]) -> dict[str, Any]:
        metadata = found["metadata"]
        key = (plural, metadata.get("namespace", ""), metadata["name"])
        before = self.objects.get(key)
        self.version += 1
        group, kind = KINDS[plural]
        made = {"apiVersion": group, "kind": kind, **deepcopy(found)}
        made["metadata"]["uid"] = before["metadata"]["uid"] if before is not None else uuid4().hex
        made["metadata"]["resourceVersion"] = str(self.version)
        if plural == "services":
            made["spec"].setdefault("clusterIP", f"10.0.0.{self.version % 250}")
        if plural == "resourcequotas":
            made["status"] = {"hard": dict(made["spec"]["hard"])}
        self.objects[key] = made
        self._tell("ADDED" if before is None else "MODIFIED", plural, made)
        return made

    def delete(self, key: Key) -> None:
        gone = self.objects.pop(key)
        self.version += 1
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._tell("DELETED", key[0], gone)

    def finish(self, namespace: str) -> None:
        for key in [key for key in self.objects if key[1] == namespace]:
            self.delete(key)
        self.delete(("namespaces", "", namespace))

    def cut(self) -> None:
        for stream in list(self._streams):
            stream.put_nowait(None)

    def forget_history(self) -> None:
        self.version += 1
        self.oldest = self.version
        self.events.clear()

    def fail(self, *answers: web.Response, only: str = "") -> None:
        left = list(answers)

        async def next_one(request: web.Request) -> web.Response | None:
            if not left or (only and request.method not in only.split()):
                return None
            return left.pop(0)

        self.faults.append(next_one)

    def _tell(self, kind: str, plural: str, found: dict[str, Any]) -> None:
        self.events.append((self.version, kind, plural, deepcopy(found)))
        for stream in self._streams:
            stream.put_nowait(None) if self.is_down else None
        self._wake.set()
        self._wake = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests[request.method] += 1
        self.log.append((request.method, request.path))
        for fault in list(self.faults):
            if (said := await fault(request)) is not None:
                return said
        if self.is_down and request.transport is not None:
            request.transport.abort()
        return await self._route(request)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        words = request.path.strip("/").split("/")
        words = words[2:] if words[0] == "api" else words[3:]
        namespace = ""
        if words[0] == "namespaces" and len(words) > 2:
            namespace, words = words[1], words[2:]
        plural, name = words[0], words[1] if len(words) > 1 else ""
        if name:
            return await self._one(request, (plural, namespace, name))
        if request.method == "POST":
            return self._create(plural, namespace, await request.json())
        if request.query.get("watch"):
            return await self._watch(request, plural, namespace)
        found = [
            o for key, o in self.objects.items() if self._fits(request, plural, namespace, o, key)
        ]
        return web.json_response({
            "metadata": {"resourceVersion": str(self.version)},
            "items": found,
        })

    @staticmethod
    def _fits(
        request: web.Request, plural: str, namespace: str, found: dict[str, Any], key: Key
    ) -> bool:
        labels = found["metadata"].get("labels") or {}
        asked = [part.partition("=") for part in request.query.get("labelSelector", "").split(",")]
        fits = all(not k or (labels.get(k) == v if eq else k in labels) for k, eq, v in asked)
        return fits and key[0] == plural and namespace in {"", key[1]}

    async def _one(self, request: web.Request, key: Key) -> web.Response:
        found = self.objects.get(key)
        if request.method == "PATCH":
            body = await request.json()
            if found and request.content_type == "application/merge-patch+json":
                return self._correct(key, found, body)
            return self._apply(key, found, body)
        if found is None:
            return status(404, f"{key[0]} {key[2]} not found")
        if request.method == "GET":
            return web.json_response(found)
        return self._end(key, await request.json())

    def _create(self, plural: str, namespace: str, body: Any) -> web.Response:
        key = (plural, namespace, body["metadata"]["name"])
        if key in self.objects:
            return status(409, f"{plural} {key[2]} already exists")
        return self._apply(key, None, body)

    def _apply(self, key: Key, found: dict[str, Any] | None, body: Any) -> web.Response:
        space = self.objects.get(("namespaces", "", key[1]))
        if key[1] and space is None:
            return status(404, "not found")
        if space is not None and "deletionTimestamp" in space["metadata"] and found is None:
            return status(403, f"forbidden: namespace {key[1]} because it is being terminated")
        made = self.put(key[0], _merged(found or {}, body))
        return web.json_response(made, status=200 if found else 201)

    def _correct(self, key: Key, found: dict[str, Any], body: Any) -> web.Response:
        known = found["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion", known) != known:
            return status(409, "the object has been modified")
        return web.json_response(self.put(key[0], _without_none(_merged(found, body))))

    def _end(self, key: Key, body: Any) -> web.Response:
        wanted = (body.get("preconditions") or {}).get("uid")
        if wanted and wanted != self.objects[key]["metadata"]["uid"]:
            return status(409, "the uid does not match")
        if key[0] != "namespaces":
            self.delete(key)
            return web.json_response({"kind": "Status", "status": "Success"})
        going = deepcopy(self.objects[key])
        going["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
        going = self.put(key[0], going)
        if self.ends_namespaces:
            asyncio.get_running_loop().call_later(0.01, self.finish, key[2])
        return web.json_response(going)

    async def _watch(
        self, request: web.Request, plural: str, namespace: str
    ) -> web.StreamResponse:
        version = int(request.query["resourceVersion"])
        if version < self.oldest:
            return status(410, "too old resource version")
        response = web.StreamResponse()
        await response.prepare(request)
        cut: asyncio.Queue[None] = asyncio.Queue()
        self._streams.add(cut)
        try:
            while cut.empty():
                wake = self._wake
                for at, kind, what, found in list(self.events):
                    key = (what, found["metadata"].get("namespace", ""), "")
                    if at > version and self._fits(request, plural, namespace, found, key):
                        line = json.dumps({"type": kind, "object": found})
                        await response.write(line.encode() + b"\n")
                version = max(version, self.version)
                waiting = [asyncio.create_task(wake.wait()), asyncio.create_task(cut.get())]
                done, left = await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
                for task in left:
                    task.cancel()
                if waiting[1] in done:
                    break
        except (ConnectionResetError, asyncio.CancelledError):
            pass
        finally:
            self._streams.discard(cut)
        return response

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeServer]:
        self._wake = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self.answer)
        async with TestServer(app) as server:
            self.url = str(server.make_url("")).rstrip("/")
            yield self
            self.cut()


def status(code: int, message: str, **headers: str) -> web.Response:
    body = {"kind": "Status", "status": "Failure", "code": code, "message": message}
    return web.json_response(body, status=code, headers=headers)


def _merged(before: Any, after: Any) -> Any:
    if isinstance(before, dict) and isinstance(after, dict):
        keys = list(before | after)
        return {k: _merged(before.get(k), after[k]) if k in after else before[k] for k in keys}
    return deepcopy(after)


def _without_none(found: Any) -> Any:
    if isinstance(found, dict):
        return {k: _without_none(v) for k, v in found.items() if v is not None}
    return found


def _lasting(found: dict[str, Any]) -> Any:
    metadata = {k: v for k, v in found["metadata"].items() if k not in {"uid", "resourceVersion"}}
    spec = {k: v for k, v in (found.get("spec") or {}).items() if k != "clusterIP"}
    return {**found, "metadata": metadata, "spec": spec}
