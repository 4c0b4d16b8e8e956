"""The storage door: one bucket and some read-only prefixes of an S3."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from aiohttp import web
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3
from multidict import CIMultiDict

from lab import grants
from lab.domain.attempt import Rule
from lab.gateway import paths, refusals
from lab.gateway.aws_chunked import unwrap
from lab.gateway.refusals import RefusedError, not_allowed, not_granted
from lab.gateway.relay import Outgoing, go_on, read_document
from lab.gateway.storage_rules import Answer, Payload, check_signature, kept_headers, operation

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from lab.domain.ids import SandboxId
    from lab.gateway.book import GrantBook
    from lab.gateway.relay import Relay
    from lab.gateway.storage_rules import Operation

_UNSIGNED = "UNSIGNED-PAYLOAD"
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class StorageDoor:
    """Checks, forgets the sandbox's signature, and signs anew with its real credential."""

    rule = Rule.DOOR_STORAGE
    refusal = staticmethod(refusals.s3_problem)

    def __init__(self, *, book: GrantBook, relay: Relay, max_document_bytes: int) -> None:
        self._book, self._relay, self._most = book, relay, max_document_bytes

    async def handle(self, request: web.BaseRequest, sandbox_id: SandboxId) -> web.StreamResponse:
        """Pass one request on, or refuse it.

        Raises:
            RefusedError: It is refused, or the store does not answer.
        """
        grant = self._book.get(sandbox_id, grants.STORAGE)
        if grant is None:
            raise not_granted("storage")
        target = paths.read(request.raw_path)
        check_signature(request.headers, target, grant)
        asked = operation(request.method, target, request.headers, grant)
        kept = kept_headers(request.headers, grant)
        match asked.answer:
            case Answer.PRESENT:
                return web.Response(headers={"x-amz-bucket-region": grant["region"]})
            case Answer.LOCATION:
                return _xml(f'<LocationConstraint xmlns="{_NAMESPACE}"/>')
            case Answer.BUCKETS:
                return _xml(_buckets(grant))
            case Answer.STORE:
                return await self._store(request, asked, kept, grant)

    async def _store(
        self,
        request: web.BaseRequest,
        asked: Operation,
        kept: dict[str, str],
        grant: dict[str, Any],
    ) -> web.StreamResponse:
        if asked.payload is Payload.NONE and request.can_read_body:
            raise not_allowed("a body where none belongs")
        go_on(request)
        body, length, digest = await self._body(request, asked)
        if length is not None:
            kept["content-length"] = str(length)
        url = f"{grant['endpoint']}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        outgoing = Outgoing(
            method=request.method,
            url=url,
            headers=_signed(request.method, url, kept, digest=digest, grant=grant),
            body=body,
        )
        return await self._relay.pass_on(request, outgoing)

    async def _body(
        self, request: web.BaseRequest, asked: Operation
    ) -> tuple[bytes | AsyncIterable[bytes] | None, int | None, str]:
        """Return what goes on, how long it is, and how its hash is told to the store."""
        said = request.headers.get("x-amz-content-sha256", _UNSIGNED)
        if asked.payload is Payload.NONE:
            return None, None, _EMPTY
        if asked.payload is Payload.SIGNED_CHUNKS:
            size = _size(request.headers.get("x-amz-decoded-content-length", ""))
            return unwrap(request.content, size_bytes=size), size, _UNSIGNED
        if asked.is_document:
            document = await read_document(request, most_bytes=self._most)
            return document, len(document), said
        if request.content_length is None:
            raise RefusedError("length_required", "say how long the object is", status=411)
        if request.content_length == 0:
            return b"", 0, said
        return request.content.iter_any(), request.content_length, said


def _signed(
    method: str, url: str, kept: dict[str, str], *, digest: str, grant: dict[str, Any]
) -> CIMultiDict[str]:
    now, parts = datetime.now(UTC), urlsplit(url)
    to_sign = {name: value for name, value in kept.items() if name.startswith("x-amz-")}
    to_sign |= {
        "host": parts.netloc,
        "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-content-sha256": digest,
    }
    signed = sign_v4_s3(
        method=method,
        url=parts,
        region=grant["region"],
        headers=dict(to_sign),
        credentials=Credentials(grant["access_key"], grant["secret_key"]),
        content_sha256=digest,
        date=now,
    )
    return CIMultiDict(kept | {name: str(value) for name, value in signed.items()})


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:  # noqa: PLR2004  1 PB
        raise not_allowed("a body that does not say how long it is")
    return int(text)


def _buckets(grant: dict[str, Any]) -> str:
    names = [grant["bucket"], *([grant["read_bucket"]] if grant["read_prefixes"] else [])]
    each = "".join(
        f"<Bucket><Name>{escape(name)}</Name>"
        "<CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
        for name in names
    )
    owner = f"<Owner><ID>{escape(grant['bucket'])}</ID></Owner>"
    return (
        f'<ListAllMyBucketsResult xmlns="{_NAMESPACE}">{owner}<Buckets>{each}</Buckets>'
        "</ListAllMyBucketsResult>"
    )


def _xml(text: str) -> web.Response:
    return web.Response(body=(_XML + text).encode(), content_type="application/xml")
