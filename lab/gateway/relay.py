"""Passes one request on to a service and its answer back, piece by piece."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from lab.gateway.refusals import RefusedError, upstream_down

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from multidict import CIMultiDictProxy

PIECE = 256 * 1024

HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "proxy-connection",
})  # fmt: skip
_NOT_BACK = HOP_BY_HOP | {"server", "set-cookie", "www-authenticate", "alt-svc", "date"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What is said to the service.

    Attributes:
        url: As it goes over the wire; never requoted.
        body: Nothing, a whole document, or a stream.
        add: Headers that replace the service's own in the answer.
    """

    method: str
    url: str
    headers: CIMultiDict[str]
    body: bytes | AsyncIterable[bytes] | None = None
    add: CIMultiDict[str] = field(default_factory=CIMultiDict)


class Relay:
    """One pool of connections to the services behind the doors."""

    def __init__(self, *, idle_seconds: float) -> None:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=64, use_dns_cache=False),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=idle_seconds),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            requote_redirect_url=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close connections."""
        await self._session.close()

    async def pass_on(self, request: web.BaseRequest, outgoing: Outgoing) -> web.StreamResponse:
        """Send it, and stream the answer to whoever asked.

        Raises:
            RefusedError: The service did not answer.
        """
        try:
            reply = await self._send(outgoing)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise upstream_down("the service behind this door does not answer") from error
        async with reply:
            answer = web.StreamResponse(status=reply.status, reason=reply.reason)
            _copy_back(reply.headers, answer)
            answer.headers.update(outgoing.add)
            await answer.prepare(request)
            try:
                async for piece in reply.content.iter_chunked(PIECE):
                    await answer.write(piece)
                await answer.write_eof()
            except (aiohttp.ClientError, TimeoutError) as error:
                # Half an answer is out already: cut it, so that nobody takes it for the whole.
                if request.transport is not None:
                    request.transport.abort()
                raise asyncio.CancelledError from error
            return answer

    async def fetch(self, outgoing: Outgoing, *, most_bytes: int) -> tuple[int, str, bytes]:
        """Send it and return status, media type and the whole body of a small answer.

        Raises:
            RefusedError: The service did not answer, or said too much.
        """
        try:
            async with await self._send(outgoing) as reply:
                body = await reply.content.read(most_bytes + 1)
                while len(body) <= most_bytes and (more := await reply.content.read(PIECE)):
                    body += more
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise upstream_down("the service behind this door does not answer") from error
        if len(body) > most_bytes:
            raise upstream_down("the service answered with more than expected")
        return reply.status, reply.content_type, body

    async def _send(self, outgoing: Outgoing) -> aiohttp.ClientResponse:
        return await self._session.request(
            outgoing.method,
            URL(outgoing.url, encoded=True),
            headers=outgoing.headers,
            data=outgoing.body,
            allow_redirects=False,
        )


async def read_document(request: web.BaseRequest, *, most_bytes: int) -> bytes:
    """Read a body that is checked before it goes on.

    Raises:
        RefusedError: It is too large.
    """
    too_large = RefusedError("too_large", f"a document may have {most_bytes} bytes", status=413)
    if (request.content_length or 0) > most_bytes:
        raise too_large
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > most_bytes:
            raise too_large
    return bytes(body)


def go_on(request: web.BaseRequest) -> None:
    """Tell a client that waits for it that its body is wanted; refusals come before."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _copy_back(headers: CIMultiDictProxy[str], answer: web.StreamResponse) -> None:
    for name, value in headers.items():
        if name.lower() not in _NOT_BACK:
            answer.headers.add(name, value)
