"""What the storage door lets through. Pure: one request in, one operation or a refusal out.

Objects and listings only. No bucket is made, configured or deleted here, no
address is signed in advance, nothing is copied from elsewhere, no identity is
managed, and none of the ways round a signature that S3 servers had is passed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lab.gateway import paths
from lab.gateway.refusals import not_allowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.gateway.paths import Target


class Payload(Enum):
    """How a body is written."""

    NONE = "none"
    PLAIN = "plain"
    SIGNED_CHUNKS = "signed_chunks"
    """``aws-chunked`` with a signature per chunk: unwrapped here."""


class Answer(Enum):
    """Who answers."""

    STORE = "store"
    BUCKETS = "buckets"
    LOCATION = "location"
    PRESENT = "present"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One allowed operation.

    Attributes:
        path: Encoded anew, so that the store reads what was checked.
        query: Encoded anew and sorted, as signatures want it.
        is_document: Whether the body is a small document to read whole.
    """

    answer: Answer
    path: str = "/"
    query: str = ""
    payload: Payload = Payload.NONE
    is_document: bool = False


_LIST = frozenset({
    "list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after",
    "encoding-type", "fetch-owner", "marker",
})  # fmt: skip
_NONE: frozenset[str] = frozenset()
_PART = frozenset({"partNumber"})
_UPLOAD = frozenset({"uploadId"})
_PARTS = frozenset({"max-parts", "part-number-marker", "encoding-type"})
_OBJECT: Mapping[str, tuple[tuple[frozenset[str], frozenset[str]], ...]] = {
    # What must stand in the address, and what may.
    "GET": ((_NONE, _PART), (_UPLOAD, _PARTS)),
    "HEAD": ((_NONE, _PART),),
    "PUT": ((_NONE, _NONE), (_UPLOAD | _PART, _NONE)),
    "DELETE": ((_NONE, _NONE), (_UPLOAD, _NONE)),
    "POST": ((frozenset({"uploads"}), _NONE), (_UPLOAD, _NONE)),
}
_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/,\s]+)/[0-9]{8}/[a-z0-9\-]+/s3/aws4_request\b.*", re.ASCII
)
_ENCODED_AGAIN = re.compile(r"%(2e|2f|5c|00)", re.ASCII | re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REFUSED_HEADERS = (
    "x-minio-", "x-amz-acl", "x-amz-grant-", "x-amz-object-lock-", "x-amz-website-",
    "x-amz-replication-", "x-amz-bucket-", "x-amz-server-side-", "x-amz-security-token",
    "x-amz-trailer", "x-amz-meta-snowball", "x-amz-meta-minio-snowball", "x-amz-mfa",
    "x-amz-bypass-", "x-amz-source-expected-", "x-amz-copy-source-server-", "x-amz-tagging",
    "x-seaweedfs-", "seaweed-", "x-amz-storage-class", "x-amz-request-payer", "x-amz-rename-",
    "x-amz-write-offset", "x-http-method", "x-method-override",
)  # fmt: skip
_KEPT = frozenset({
    "accept", "accept-encoding", "content-type", "content-md5", "content-language",
    "content-disposition", "cache-control", "expires", "range", "if-match", "if-none-match",
    "if-modified-since", "if-unmodified-since", "x-amz-metadata-directive", "user-agent",
    "x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c", "x-amz-checksum-sha1", "x-amz-checksum-sha256",
    "x-amz-copy-source-range", "x-amz-copy-source-if-match",
})  # fmt: skip


def check_signature(headers: Mapping[str, str], target: Target, grant: Mapping[str, Any]) -> None:
    """Refuse whoever does not name the sandbox's own door key in a signed header.

    Raises:
        RefusedError: It is not named, or named in the address.
    """
    names = {name.lower() for name in target.names}
    if any(n.startswith("x-amz-") or n in {"signature", "awsaccesskeyid"} for n in names):
        raise not_allowed("an address signed in advance")
    match = _CREDENTIAL.fullmatch(headers.get("Authorization", ""))
    if match is None or match[1] != grant["door_access_key"]:
        raise not_allowed("not signed with this sandbox's own door key")


def operation(
    method: str, target: Target, headers: Mapping[str, str], grant: Mapping[str, Any]
) -> Operation:
    """Return what is asked, if it is allowed.

    Raises:
        RefusedError: It is not.
    """
    # botocore names the operation in the address of some requests; it means nothing.
    query = tuple(pair for pair in target.query if pair[0] != "x-id")
    names = frozenset(name for name, _ in query)
    if len(names) != len(query):
        raise not_allowed("the same parameter twice")
    _check_headers(headers)
    bucket, _, key = target.path.lstrip("/").partition("/")
    if not bucket:
        return _service(method, names)
    if bucket not in {grant["bucket"], grant["read_bucket"]}:
        raise not_allowed("another bucket")
    if not key:
        return _bucket(method, bucket, query=query, grant=grant)
    if _ENCODED_AGAIN.search(key):
        raise not_allowed("a key that is encoded twice")
    if not may_touch(bucket, key, grant, write=method not in {"GET", "HEAD"}):
        raise not_allowed("a key outside what was granted")
    ways = _OBJECT.get(method, ())
    if not any(must <= names <= must | may for must, may in ways):
        raise not_allowed("no rule of the storage door allows this operation")
    if bucket != grant["bucket"] and names - {"partNumber"}:
        raise not_allowed("no rule of the storage door allows this operation")
    return Operation(
        answer=Answer.STORE,
        path=_path(bucket, key),
        query=_query(query),
        payload=_payload(method, headers),
        is_document=method == "POST",
    )


def _check_headers(headers: Mapping[str, str]) -> None:
    for name in headers:
        if name.lower().startswith(_REFUSED_HEADERS):
            raise not_allowed(f"the header {name.lower()[:40]}")


def may_touch(bucket: str, key: str, grant: Mapping[str, Any], *, write: bool) -> bool:
    """Tell whether a key is the sandbox's own, or below a granted prefix and only read."""
    if bucket == grant["bucket"]:
        return True
    return not write and any(f"{bucket}/{key}".startswith(p) for p in grant["read_prefixes"])


def kept_headers(headers: Mapping[str, str], grant: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that go on; a copy only from where the sandbox may read.

    Raises:
        RefusedError: It copies from elsewhere.
    """
    kept: dict[str, str] = {}
    for name, value in headers.items():
        plain = name.lower()
        if plain in _KEPT or plain.startswith("x-amz-meta-"):
            kept[plain] = value
        elif plain == "content-encoding":
            rest = ",".join(e for e in value.split(",") if e.strip().lower() != "aws-chunked")
            kept |= {plain: rest} if rest else {}
        elif plain == "x-amz-copy-source":
            kept[plain] = _copy_source(value, grant)
    return kept


def _service(method: str, names: frozenset[str]) -> Operation:
    if method == "GET" and not names - {"max-buckets", "prefix", "continuation-token"}:
        return Operation(answer=Answer.BUCKETS)
    raise not_allowed("no rule of the storage door allows this operation")


def _bucket(
    method: str, bucket: str, *, query: tuple[tuple[str, str], ...], grant: Mapping[str, Any]
) -> Operation:
    names = frozenset(name for name, _ in query)
    path = f"/{bucket}"
    if method == "HEAD" and not names:
        return Operation(answer=Answer.PRESENT)
    if method == "GET" and names == {"location"}:
        return Operation(answer=Answer.LOCATION)
    if method == "GET" and names <= _LIST:
        prefix = dict(query).get("prefix", "")
        if bucket != grant["bucket"]:
            _check_listed(bucket, prefix, grant)
        return Operation(answer=Answer.STORE, path=path, query=_query(query))
    if method == "POST" and names == {"delete"} and bucket == grant["bucket"]:
        return Operation(
            answer=Answer.STORE,
            path=path,
            query=_query(query),
            payload=Payload.PLAIN,
            is_document=True,
        )
    raise not_allowed("no rule of the storage door allows this operation")


def _check_listed(bucket: str, prefix: str, grant: Mapping[str, Any]) -> None:
    if not any(f"{bucket}/{prefix}".startswith(p) for p in grant["read_prefixes"]):
        raise not_allowed("a listing outside what was granted")


def _copy_source(value: str, grant: Mapping[str, Any]) -> str:
    target = paths.read(value if value.startswith("/") else f"/{value}")
    bucket, _, key = target.path.lstrip("/").partition("/")
    if target.query or not key or not may_touch(bucket, key, grant, write=False):
        raise not_allowed("a copy from outside what was granted")
    return _path(bucket, key)


def _payload(method: str, headers: Mapping[str, str]) -> Payload:
    if method not in {"PUT", "POST"}:
        return Payload.NONE
    said = headers.get("x-amz-content-sha256", "")
    chunked = "aws-chunked" in headers.get("Content-Encoding", "").lower()
    if said == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
        return Payload.SIGNED_CHUNKS
    if chunked or not (said == "UNSIGNED-PAYLOAD" or _HEX.fullmatch(said)):
        raise not_allowed("a body with an unsigned trailer, or signed in no known way")
    return Payload.PLAIN


def _path(bucket: str, key: str) -> str:
    return "/" + quote(f"{bucket}/{key}", safe="/-._~")


def _query(pairs: tuple[tuple[str, str], ...]) -> str:
    encoded = sorted((quote(n, safe="-._~"), quote(v, safe="-._~")) for n, v in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)
