"""Buckets and objects of any S3, by the ``minio`` client, in threads."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import Tags
from minio.deleteobjects import DeleteObject
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.sseconfig import Rule, SSEConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab.domain.secret import Secret

T = TypeVar("T")

OWNER_TAG = "vase-clos"
_CHUNK = 1024**2


class ObjectsError(Exception):
    """The store did not do what it was asked, or did not answer."""


class Objects:
    """What the lab itself does with buckets, as administrator."""

    def __init__(
        self, *, endpoint: str, region: str, access_key: str, secret_key: Secret, timeout: float
    ) -> None:
        url = urlsplit(endpoint)
        # No proxy, and few retries: whoever calls retries with backoff.
        pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=2, read=timeout), retries=False, maxsize=8
        )
        self._client = Minio(
            url.netloc,
            access_key=access_key,
            secret_key=secret_key.reveal(),
            region=region,
            secure=url.scheme == "https",
            http_client=pool,
        )

    async def call(self, function: Callable[[Minio], T]) -> T:
        """Run one function with the client in a thread.

        Raises:
            ObjectsError: Whatever it was that failed, in one line without secrets.
        """
        return await asyncio.to_thread(self.do, function)

    def do(self, function: Callable[[Minio], T]) -> T:
        """Run one function with the client, here.

        Raises:
            ObjectsError: Whatever it was that failed, in one line without secrets.
        """
        try:
            return function(self._client)
        except S3Error as error:
            raise ObjectsError(f"{error.code} {error.resource or ''}".strip()) from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise ObjectsError(type(error).__name__) from error


def make_bucket(
    client: Minio, bucket: str, owner: str, *, locks: bool = False, encrypts: bool = False
) -> None:
    """Make the bucket exist with its owner's label.

    Args:
        client: Of the administrator.
        bucket: Its name.
        owner: Written on it as a label.
        locks: Every version of an object stays, and may be held. Only a bucket that
            is made so can do it: an older one stays as it is.
        encrypts: What is written is encrypted with the server's own keys.
    """
    try:
        client.make_bucket(bucket, object_lock=locks)
    except S3Error as error:
        if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise
    tags = Tags.new_bucket_tags()
    tags[OWNER_TAG] = owner
    client.set_bucket_tags(bucket, tags)
    if encrypts:
        client.set_bucket_encryption(bucket, SSEConfig(Rule.new_sse_s3_rule()))


def has_locks(client: Minio, bucket: str) -> bool:
    """Tell whether objects of the bucket may be held."""
    try:
        client.get_object_lock_config(bucket)
    except S3Error as error:
        if error.code == "ObjectLockConfigurationNotFoundError":
            return False
        raise
    return True


def owner_of(client: Minio, bucket: str) -> str | None:
    """Return the label that :func:`make_bucket` gave it."""
    try:
        tags = client.get_bucket_tags(bucket)
    except S3Error as error:
        if error.code in {"NoSuchBucket", "NoSuchTagSet"}:
            return None
        raise
    return tags.get(OWNER_TAG) if tags else None


def remove_bucket(client: Minio, bucket: str) -> None:
    """Delete uploads in progress, every version of every object, then the bucket."""
    if not client.bucket_exists(bucket):
        return
    _abort_uploads(client, bucket)
    for include_version in (True, False):
        found = client.list_objects(bucket, recursive=True, include_version=include_version)
        names = (
            DeleteObject(o.object_name, o.version_id if include_version else None) for o in found
        )
        for failure in client.remove_objects(bucket, names):
            raise ServerError(f"{failure.code} while deleting from {bucket}", 500)
    try:
        client.remove_bucket(bucket)
    except S3Error as error:
        if error.code != "NoSuchBucket":
            raise


def _abort_uploads(client: Minio, bucket: str) -> None:
    # The client knows these calls, under a private name only.
    while uploads := client._list_multipart_uploads(bucket).uploads:  # noqa: SLF001
        for upload in uploads:
            client._abort_multipart_upload(bucket, upload.object_name, upload.upload_id or "")  # noqa: SLF001


def put_json(client: Minio, bucket: str, key: str, values: Any, *, holds: bool = False) -> None:
    """Store a small JSON document, held where asked."""
    data = io.BytesIO(json.dumps(values, sort_keys=True).encode())
    size = len(data.getbuffer())
    kind = "application/json"
    client.put_object(bucket, key, data, size, content_type=kind, legal_hold=holds)


def get_json(client: Minio, bucket: str, key: str) -> Any:
    """Read a small JSON document; ``None`` when it is not there.

    Raises:
        InvalidResponseError: What is there is no JSON.
    """
    try:
        with client.get_object(bucket, key) as reply:
            text = reply.read()
    except S3Error as error:
        if error.code in {"NoSuchKey", "NoSuchBucket"}:
            return None
        raise
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidResponseError(200, "application/json", None) from error


def chunks(client: Minio, bucket: str, key: str) -> Iterator[bytes]:
    """Read an object piece by piece."""
    with client.get_object(bucket, key) as reply:
        yield from reply.stream(_CHUNK)


def put_file(
    client: Minio, bucket: str, key: str, path: Path, *, media_type: str, holds: bool = False
) -> None:
    """Store a file, in parts when it is large, held where asked."""
    client.fput_object(bucket, key, str(path), content_type=media_type, legal_hold=holds)
