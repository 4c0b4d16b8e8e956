"""Who is calling: a session's cookie or an API token; and proof that our own page sent a form."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from lab.domain.errors import NotSignedInError
from lab.domain.member import Member
from lab.domain.token import TokenKind
from lab.web.problems import WebError
from lab.web.wiring import lab_of

if TYPE_CHECKING:
    from starlette.responses import Response

CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}", re.ASCII)
_VISIT_AGE = 12 * 3600


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and by what.

    Attributes:
        by_cookie: A browser sent it by itself, so a form needs a proof of its own.
    """

    member: Member
    token: str
    by_cookie: bool


def is_https(request: Request) -> bool:
    """Tell whether people reach the portal over TLS."""
    return lab_of(request).settings.public_url.startswith("https:")


def cookie_name(request: Request, name: str) -> str:
    """Return the name of one of our cookies; host-only by its prefix where that is possible."""
    return f"__Host-vaseclos-{name}" if is_https(request) else f"vaseclos-{name}"


def session_token(request: Request) -> str:
    """Return the session's token, or nothing.

    A page of a notebook's host could set a cookie for the portal's host too.
    Two different ones of a name are therefore none.
    """
    return _only(request, "session")


def _only(request: Request, name: str) -> str:
    wanted = cookie_name(request, name)
    header = "; ".join(request.headers.getlist("cookie"))
    pairs = (part.strip().partition("=") for part in header.split(";"))
    found = {value for key, _, value in pairs if key == wanted}
    value = found.pop() if len(found) == 1 else ""
    return value if _TOKEN.fullmatch(value) else ""


async def caller_of(request: Request) -> Caller | None:
    """Return who calls, or nothing; asks the store once for each request.

    Raises:
        NotSignedInError: An API token was sent and is not good.
    """
    if not hasattr(request.state, "caller"):
        request.state.caller = await _find(request)
    caller: Caller | None = request.state.caller
    return caller


async def _find(request: Request) -> Caller | None:
    header = request.headers.get("authorization")
    members = lab_of(request).members
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
            raise NotSignedInError
        member, _ = await members.holder(token, TokenKind.API)
        return Caller(member, token, by_cookie=False)
    token = session_token(request)
    if not token:
        return None
    try:
        member, _ = await members.holder(token, TokenKind.SESSION)
    except NotSignedInError:
        return None
    return Caller(member, token, by_cookie=True)


async def _actor(request: Request) -> Member:
    caller = await caller_of(request)
    if caller is None:
        raise NotSignedInError
    return caller.member


Actor = Annotated[Member, Depends(_actor)]
"""The member who calls."""


def csrf_token(request: Request, of: str = "") -> str:
    """Return what a form of this visitor must carry.

    Bound to the session; before sign-in, to a cookie of the visit.

    Args:
        request: Of the visitor.
        of: The one address that it is good for; every form's where it is empty.
    """
    root = browser_of(request)
    key: bytes = request.app.state.session_key
    content = f"csrf:{root}:{of}" if of else f"csrf:{root}"
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest()


def visit_of(request: Request) -> str:
    """Return the visit's own random value, made now if there is none yet."""
    if not hasattr(request.state, "visit"):
        request.state.visit = _only(request, "visit") or secrets.token_urlsafe(24)
    visit: str = request.state.visit
    return visit


def check_form(request: Request, given: str, *, of: str = "") -> None:
    """Refuse what none of our own pages sent.

    Raises:
        WebError: ``bad_origin`` or ``bad_csrf``.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise WebError("bad_origin", HTTPStatus.FORBIDDEN)
    expected = csrf_token(request, of)
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise WebError("bad_csrf", HTTPStatus.FORBIDDEN)


def keep_visit(request: Request, response: Response) -> None:
    """Give a visitor who has no session a value that their forms are bound to."""
    if not session_token(request):
        _set(request, response, "visit", visit_of(request), _VISIT_AGE)


def browser_of(request: Request) -> str:
    """Return what only this browser's cookies have: a session's token, or the visit's value."""
    return session_token(request) or visit_of(request)


def open_session(request: Request, response: Response, token: str) -> None:
    """Hand the session to the browser."""
    _set(request, response, "session", token, None)


def close_session(request: Request, response: Response) -> None:
    """Take the session back from the browser."""
    for name in ("session", "visit"):
        response.delete_cookie(
            cookie_name(request, name),
            path="/",
            httponly=True,
            samesite="lax",
            secure=is_https(request),
        )


def _set(request: Request, response: Response, name: str, value: str, age: int | None) -> None:
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=age,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_https(request),
    )
