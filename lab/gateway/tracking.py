"""The tracking door: MLflow as one identity in one workspace."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from lab import grants
from lab.domain.attempt import Rule
from lab.gateway import paths, refusals
from lab.gateway.refusals import not_allowed, not_granted
from lab.gateway.relay import Outgoing, go_on, read_document
from lab.gateway.tracking_rules import Body, check_document, route_for

if TYPE_CHECKING:
    from aiohttp import web

    from lab.domain.ids import SandboxId
    from lab.gateway.book import GrantBook
    from lab.gateway.relay import Relay

_KEPT = frozenset({"accept", "accept-encoding", "content-length", "range", "user-agent"})
_DEEPEST = 40


class TrackingDoor:
    """Checks, forgets who the sandbox says it is, and speaks as its own identity."""

    rule = Rule.DOOR_TRACKING
    refusal = staticmethod(refusals.mlflow_problem)

    def __init__(self, *, book: GrantBook, relay: Relay, max_document_bytes: int) -> None:
        self._book, self._relay, self._most = book, relay, max_document_bytes

    async def handle(self, request: web.BaseRequest, sandbox_id: SandboxId) -> web.StreamResponse:
        """Pass one request on, or refuse it.

        Raises:
            RefusedError: It is refused, or MLflow does not answer.
        """
        grant = self._book.get(sandbox_id, grants.TRACKING)
        if grant is None:
            raise not_granted("tracking")
        target = paths.read(request.raw_path)
        route = route_for(request.method, target, workspace=grant["workspace"])
        go_on(request)
        headers = identity_headers(request, grant)
        body: Any = None
        if route.body is Body.DOCUMENT:
            body = await self._document(request, target.path, grant["workspace"])
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(body))
        elif route.body is Body.BYTES:
            body = request.content.iter_any()
            for name in ("Content-Type", "Content-Encoding", "x-mlflow-experiment-id"):
                if name in request.headers:
                    headers[name] = request.headers[name]
        elif request.can_read_body:
            raise not_allowed("a body where none belongs")
        url = str(grant["endpoint"]) + request.raw_path
        return await self._relay.pass_on(
            request, Outgoing(method=request.method, url=url, headers=headers, body=body)
        )

    async def _document(self, request: web.BaseRequest, path: str, workspace: str) -> bytes:
        if request.headers.get("Content-Encoding"):
            raise not_allowed("a compressed document")
        raw = await read_document(request, most_bytes=self._most)
        try:
            document = json.loads(raw or b"{}")
        except (ValueError, RecursionError) as error:
            raise not_allowed("a body that is no JSON") from error
        if not isinstance(document, dict) or _depth(document) > _DEEPEST:
            raise not_allowed("a body that is no plain JSON object")
        check_document(path, document, workspace=workspace)
        return json.dumps(document).encode()


def identity_headers(request: web.BaseRequest, grant: dict[str, Any]) -> CIMultiDict[str]:
    """Return the few headers that go on, with the sandbox's own identity among them."""
    headers: CIMultiDict[str] = CIMultiDict(
        (name, value) for name, value in request.headers.items() if name.lower() in _KEPT
    )
    pair = f"{grant['username']}:{grant['password']}".encode()
    headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
    headers["X-MLFLOW-WORKSPACE"] = grant["workspace"]
    return headers


def _depth(value: Any) -> int:
    """Return how deep a document is nested, without recursion."""
    deepest, level = 0, [value]
    while level and deepest <= _DEEPEST:
        deepest += 1
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
    return deepest
