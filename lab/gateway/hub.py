"""The hub door: what one notebook server says to JupyterHub, without a hub token of its own.

Tokens that the hub gives out on this way (a person's, at sign-in) are sealed
before they go in and opened when they come back: outside they are worth nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web
from cryptography.fernet import Fernet, InvalidToken
from multidict import CIMultiDict

from lab.domain.attempt import Rule
from lab.gateway import paths, refusals
from lab.gateway.refusals import not_allowed, not_granted
from lab.gateway.relay import Outgoing, read_document

if TYPE_CHECKING:
    from lab.domain.ids import SandboxId
    from lab.gateway.book import GrantBook
    from lab.gateway.relay import Relay

_MOST_BYTES = 256 * 1024
_AUTHORIZATION = re.compile(
    r"(?:token|bearer) +([A-Za-z0-9_\-=.]{8,600})", re.ASCII | re.IGNORECASE
)
_FORM = frozenset({
    "client_id", "client_secret", "grant_type", "code", "redirect_uri", "code_verifier",
})  # fmt: skip
_SEALED = "scelle."


class HubDoor:
    """Several members of one sandbox share it: the door token tells them apart."""

    rule = Rule.DOOR_HUB
    refusal = staticmethod(refusals.problem)

    def __init__(self, *, book: GrantBook, relay: Relay, key: bytes) -> None:
        self._book, self._relay = book, relay
        digest = hmac.digest(key, b"vase-clos hub door", hashlib.sha256)
        self._seal = Fernet(urlsafe_b64encode(digest))

    async def handle(self, request: web.BaseRequest, sandbox_id: SandboxId) -> web.StreamResponse:
        """Pass one request on, or refuse it.

        Raises:
            RefusedError: It is refused, or the hub does not answer.
        """
        members = self._book.members(sandbox_id)
        if not members:
            raise not_granted("hub")
        target = paths.read(request.raw_path)
        if target.query:
            raise not_allowed("no rule of the hub door allows parameters")
        prefix = urlsplit(str(members[0]["endpoint"])).path.rstrip("/")
        path = target.path.removeprefix(prefix).rstrip("/")
        if not target.path.startswith(prefix):
            raise not_allowed("no rule of the hub door allows this path")
        match request.method, path:
            case "GET", "":
                return await self._plain(request, members[0], path)
            case "GET", "/user":
                grant, token = self._who(request, members)
                return await self._as(request, grant, path, token=token)
            case "POST", "/oauth2/token":
                return await self._exchange(request, members)
            case "POST", _ if any(path == f"/users/{m['member_id']}/activity" for m in members):
                return await self._activity(request, members, path)
            case _:
                raise not_allowed("no rule of the hub door allows this method and path")

    async def _plain(
        self, request: web.BaseRequest, grant: dict[str, Any], path: str
    ) -> web.StreamResponse:
        return await self._relay.pass_on(
            request, Outgoing(method="GET", url=_url(grant, path), headers=_headers(request))
        )

    async def _as(
        self,
        request: web.BaseRequest,
        grant: dict[str, Any],
        path: str,
        *,
        token: str,
        body: bytes | None = None,
    ) -> web.StreamResponse:
        headers = _headers(request)
        headers["Authorization"] = f"token {token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        outgoing = Outgoing(
            method=request.method, url=_url(grant, path), headers=headers, body=body
        )
        return await self._relay.pass_on(request, outgoing)

    async def _activity(
        self, request: web.BaseRequest, members: list[dict[str, Any]], path: str
    ) -> web.StreamResponse:
        grant, token = self._who(request, members)
        body = await read_document(request, most_bytes=_MOST_BYTES)
        try:
            said = json.loads(body)
        except ValueError as error:
            raise not_allowed("a body that is no JSON") from error
        servers = said.get("servers", {}) if isinstance(said, dict) else None
        own = path == f"/users/{grant['member_id']}/activity" and token == grant["token"]
        if not own or not isinstance(servers, dict) or set(servers) - {grant["server_name"]}:
            raise not_allowed("activity of somebody else")
        return await self._as(request, grant, path, token=token, body=json.dumps(said).encode())

    async def _exchange(
        self, request: web.BaseRequest, members: list[dict[str, Any]]
    ) -> web.StreamResponse:
        raw = await read_document(request, most_bytes=_MOST_BYTES)
        pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
        form = dict(pairs)
        if len(form) != len(pairs) or not set(form) <= _FORM:
            raise not_allowed("a token exchange in another form")
        grant = _named(members, form.get("client_secret", ""))
        if grant is None or form.get("client_id") != grant["client_id"]:
            raise not_allowed("a token exchange for somebody else")
        if form.get("grant_type") != "authorization_code":
            raise not_allowed("a token exchange of another kind")
        form["client_secret"] = grant["token"]
        headers = _headers(request)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        outgoing = Outgoing(
            method="POST",
            url=_url(grant, "/oauth2/token"),
            headers=headers,
            body=urlencode(form).encode(),
        )
        status, media_type, body = await self._relay.fetch(outgoing, most_bytes=_MOST_BYTES)
        body = self._sealed(body, grant) if status < 400 else body  # noqa: PLR2004
        return web.Response(status=status, body=body, content_type=media_type)

    def _sealed(self, body: bytes, grant: dict[str, Any]) -> bytes:
        said = json.loads(body)
        bound = json.dumps([grant["member_id"], grant["server_name"], said["access_token"]])
        said["access_token"] = _SEALED + self._seal.encrypt(bound.encode()).decode()
        said.pop("refresh_token", None)
        return json.dumps(said).encode()

    def _who(
        self, request: web.BaseRequest, members: list[dict[str, Any]]
    ) -> tuple[dict[str, Any], str]:
        """Return the grant that was named, and the real token to speak with."""
        match = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        token = match[1] if match else ""
        grant = _named(members, token)
        if grant is not None:
            return grant, str(grant["token"])
        if token.startswith(_SEALED):
            try:
                opened = self._seal.decrypt(token.removeprefix(_SEALED).encode())
            except InvalidToken as error:
                raise not_allowed("a token that this door did not give") from error
            member_id, server_name, real = json.loads(opened)
            for grant in members:
                if (grant["member_id"], grant["server_name"]) == (member_id, server_name):
                    return grant, str(real)
        raise not_allowed("a token that this door did not give")


def _named(members: list[dict[str, Any]], token: str) -> dict[str, Any] | None:
    for grant in members:
        if hmac.compare_digest(str(grant["door_token"]).encode(), token.encode()):
            return grant
    return None


def _url(grant: dict[str, Any], path: str) -> str:
    endpoint = str(grant["endpoint"]).rstrip("/")
    return f"{endpoint}{path or '/'}"


def _headers(request: web.BaseRequest) -> CIMultiDict[str]:
    kept = {"accept", "accept-encoding", "user-agent"}
    return CIMultiDict((n, v) for n, v in request.headers.items() if n.lower() in kept)
