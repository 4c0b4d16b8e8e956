"""Small objects of one service of the lab, in a bucket of its own."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeVar

from minio.deleteobjects import DeleteObject
from minio.error import S3Error, ServerError

from lab.providers.s3.objects import ObjectsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from minio import Minio

    from lab.providers.s3.objects import Objects

T = TypeVar("T")

_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion"})


class BucketBlobs:
    """Objects by key. Every call blocks, and is made in a thread.

    Raises:
        OSError: The store failed or refused; call again.
    """

    def __init__(self, objects: Objects, bucket: str) -> None:
        self._objects, self._bucket = objects, bucket

    def put(self, key: str, data: bytes) -> None:
        """Store one, in place of what was there."""
        self._do(lambda client: client.put_object(self._bucket, key, io.BytesIO(data), len(data)))

    def get(self, key: str) -> bytes:
        """Return one.

        Raises:
            FileNotFoundError: It is not there.
        """

        def read(client: Minio) -> bytes | None:
            try:
                with client.get_object(self._bucket, key) as reply:
                    return bytes(reply.read())
            except S3Error as error:
                if error.code in _ABSENT:
                    return None
                raise

        data = self._do(read)
        if data is None:
            raise FileNotFoundError(key)
        return data

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Give those under a prefix, older versions too, with the time of each (Unix seconds)."""

        def listed(client: Minio) -> list[tuple[str, float]]:
            found = client.list_objects(
                self._bucket, prefix=prefix, recursive=True, include_version=True
            )
            return [(o.object_name, o.last_modified.timestamp()) for o in found]

        yield from self._do(listed)

    def remove(self, prefixes: Collection[str]) -> None:
        """Remove everything under these prefixes, every version of it."""

        def remove(client: Minio) -> None:
            for prefix in prefixes:
                found = client.list_objects(
                    self._bucket, prefix=prefix, recursive=True, include_version=True
                )
                gone = (DeleteObject(o.object_name, o.version_id) for o in found)
                for failure in client.remove_objects(self._bucket, gone):
                    raise ServerError(f"{failure.code} while deleting from {self._bucket}", 500)

        self._do(remove)

    def _do(self, function: Callable[[Minio], T]) -> T:
        try:
            return self._objects.do(function)
        except ObjectsError as error:
            raise OSError(str(error)) from error
