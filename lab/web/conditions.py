"""Versions, idempotency keys and pages of lists, as HTTP headers say them."""

import re
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Header, Query, Request, Response

from lab.domain.errors import InvalidError, Problem
from lab.domain.member import Member
from lab.services.keys import IdempotencyKey, earlier, remember
from lab.web.problems import WebError
from lab.web.wiring import Lab

_ETAG = re.compile(r'\s*(?:W/)?"([0-9]{1,15})"\s*', re.ASCII)
_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
MOST_ITEMS = 200


def set_etag(response: Response, version: int) -> None:
    """Say which version this is."""
    response.headers["ETag"] = f'"{version}"'


def _if_match(
    if_match: Annotated[
        str | None,
        Header(description="ETag d’une lecture / ETag of a read", examples=['"3"']),
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match)
    if match is None:
        raise InvalidError([Problem("If-Match", "bad_format", (("example", '"3"'),))])
    return int(match[1])


IfMatch = Annotated[int | None, Depends(_if_match)]
"""The version that the caller has read, if it said so."""


def _key(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="1 à 200 caractères visibles / 1 to 200 visible characters",
            examples=["b8d2c3"],
        ),
    ] = None,
) -> str | None:
    return checked_key(idempotency_key)


def checked_key(value: str | None) -> str | None:
    """Return the key as given.

    Raises:
        InvalidError: It is empty, too long, or holds what cannot be seen.
    """
    if value is not None and not _KEY.fullmatch(value):
        facts = (("shortest", "1"), ("longest", "200"))
        raise InvalidError([Problem("Idempotency-Key", "bad_length", facts)])
    return value


Key = Annotated[str | None, Depends(_key)]
"""The idempotency key, if the caller sent one."""


def key_for(value: str | None, request: Request, body: Any) -> IdempotencyKey | None:
    """Tie a key to what was sent with it and where."""
    if value is None:
        return None
    return IdempotencyKey.of(value, {"path": request.url.path, "body": body})


async def made_before(lab: Lab, actor: Member, key: IdempotencyKey | None) -> str | None:
    """Return the id of what the key made before, or nothing.

    Raises:
        KeyReusedError: It came with another body then.
    """
    if key is None:
        return None
    async with lab.store.read() as tx:
        return await earlier(tx, actor.id, key)


async def keep_key(lab: Lab, actor: Member, key: IdempotencyKey | None, made: str) -> None:
    """Keep what the key made. What is made this way has a name that is taken only once."""
    if key is None:
        return
    async with lab.store.begin() as tx:
        if await earlier(tx, actor.id, key) is None:
            await remember(tx, actor.id, key, made, lab.clock.now())


async def never_before(lab: Lab, actor: Member, key: IdempotencyKey | None) -> None:
    """Refuse to make a secret twice: only its hash was kept, so it cannot be shown again.

    Raises:
        WebError: The key made one before.
    """
    if await made_before(lab, actor, key) is not None:
        raise WebError("shown_once", HTTPStatus.CONFLICT)


class Paging(NamedTuple):
    """Which part of a list."""

    after: str
    limit: int


def _paging(
    after: Annotated[
        str, Query(max_length=400, description="Curseur de la page d’avant / Cursor")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 50,
) -> Paging:
    return Paging(after, limit)


Part = Annotated[Paging, Depends(_paging)]


def link_next(request: Request, response: Response, cursor: str) -> None:
    """Say where the list goes on."""
    if cursor:
        url = request.url.include_query_params(after=cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
