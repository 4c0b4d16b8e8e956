"""What every request passes first: host, characters, size, type; and what every answer carries."""

from __future__ import annotations

import logging
import re
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse

from lab.web.links import own_path
from lab.web.problems import WebError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

LONGEST_BODY = 1024 * 1024
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_JSON_PATHS = ("/api/", "/internal/")
_STREAMED = re.compile(r"/api/v1/intakes/[^/]{1,64}/raw", re.ASCII)
"""A raw file is no body to hold in memory: whoever takes it in counts its bytes."""
_UPLOADS = re.compile(r"/dossiers/[^/]{1,64}/fichier", re.ASCII)
"""The same from a page's form."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")

FEATURES = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in FEATURES),
    "Cache-Control": "no-store",
}
"""On every answer that does not say otherwise."""

NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""The content policy of what is no page."""


class Gate:
    """Wraps the application. Nothing unexpected gets in, and no traceback gets out.

    Args:
        hosts: Which ``Host`` headers are ours. A notebook's host is not: it is
            another origin, and must stay one.
        aliases: Other names of the front, which lead to ``public_url``.
        public_url: Where people shall be, without a closing slash.
        tell: Makes the answer about a failure, for a program or for a person.
        anywhere: Paths that answer under any ``Host``; they say nothing and change nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        aliases: frozenset[str],
        public_url: str,
        tell: Callable[[Scope, Exception], Response],
        anywhere: frozenset[str] = frozenset(),
    ) -> None:
        self._app, self._hosts, self._tell = app, hosts, tell
        self._anywhere = anywhere
        self._aliases, self._public_url = aliases, public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        outgoing = _Outgoing(send)
        try:
            if self._is_alias(scope):
                await self._to_public(scope)(scope, receive, outgoing)
                return
            self._check(scope)
            await self._app(scope, await _whole_body(scope, receive), outgoing)
        except WebError as error:
            await self._tell(scope, error)(scope, receive, outgoing)
        except Exception:
            number = secrets.token_hex(6)
            log.exception("unexpected failure %s", number, extra={"failure_id": number})
            if outgoing.has_started:
                raise
            await self._tell(scope, unexpected(number))(scope, receive, outgoing)

    def _is_alias(self, scope: Scope) -> bool:
        return scope["method"] in {"GET", "HEAD"} and _host(scope) in self._aliases

    def _to_public(self, scope: Scope) -> Response:
        """Lead to the one address under which sessions and notebooks work."""
        path = quote(scope["path"], safe="/")
        query = scope["query_string"].decode("ascii", "replace")
        wanted = own_path(f"{path}?{query}" if query else path)
        return RedirectResponse(f"{self._public_url}{wanted}", HTTPStatus.TEMPORARY_REDIRECT)

    def _check(self, scope: Scope) -> None:
        if _host(scope) not in self._hosts and scope["path"] not in self._anywhere:
            raise WebError("wrong_host", HTTPStatus.MISDIRECTED_REQUEST)
        raw = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
        try:
            text = unquote_to_bytes(raw).decode() + "?"
            text += unquote_to_bytes(scope["query_string"]).decode()
        except UnicodeDecodeError:
            raise WebError("bad_request", HTTPStatus.BAD_REQUEST) from None
        if _CONTROLS.search(text):
            raise WebError("bad_request", HTTPStatus.BAD_REQUEST)


def _host(scope: Scope) -> str:
    return Headers(scope=scope).get("host", "").lower()


def unexpected(number: str) -> WebError:
    """Return what is said of a failure that nobody foresaw: its number, and nothing of it."""
    return WebError("internal", HTTPStatus.INTERNAL_SERVER_ERROR, facts={"id": number})


class _Outgoing:
    """Adds the headers that every answer carries."""

    def __init__(self, send: Send) -> None:
        self._send, self.has_started = send, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", NOTHING)
        await self._send(message)


def is_upload(method: str, path: str) -> bool:
    """Tell whether a form sends a file, whose proof of origin stands before its body."""
    return method == "POST" and _UPLOADS.fullmatch(path) is not None


async def _whole_body(scope: Scope, receive: Receive) -> Receive:
    """Read the body, up to the limit, and return what gives it again."""
    if scope["method"] == "PUT" and _STREAMED.fullmatch(scope["path"]):
        return receive
    if is_upload(scope["method"], scope["path"]):
        return receive
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    too_large = WebError("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if length.isascii() and length.isdigit() and int(length[:20]) > LONGEST_BODY:
        raise too_large
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return _again(bytes(body), receive)
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LONGEST_BODY:
            raise too_large
    if body and scope["method"] in UNSAFE:
        _check_type(scope["path"], headers.get("content-type", ""))
    return _again(bytes(body), receive)


def _check_type(path: str, content_type: str) -> None:
    wanted = (
        "application/json" if path.startswith(_JSON_PATHS) else "application/x-www-form-urlencoded"
    )
    kind, _, rest = content_type.lower().partition(";")
    charset = re.search(r'charset="?([^";\s]+)', rest)
    if kind.strip() != wanted or (charset and charset[1] not in {"utf-8", "utf8"}):
        raise WebError(
            "unsupported_media_type",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            facts={"wanted": wanted},
            headers={"Accept-Post": wanted},
        )


def _again(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def given() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return given
