"""Where MLflow's server keeps artifacts, seen from outside: MLflow itself deletes rows only."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.domain.secret import Secret

WORKSPACES = "workspaces"
"""MLflow puts what belongs to a workspace below this name and the workspace's own."""


class ArtifactsError(Exception):
    """The place of artifacts failed; call again."""


class Artifacts(Protocol):
    """Artifacts by workspace. Every method raises :class:`ArtifactsError`."""

    def has(self, workspace: str) -> bool:
        """Tell whether a workspace has any."""
        ...

    def workspaces(self) -> frozenset[str]:
        """Return which workspaces may have any: those that :meth:`has` is worth asking for."""
        ...

    def delete(self, workspace: str) -> None:
        """Delete all of a workspace's, for good. Deleting none succeeds."""
        ...


class FolderArtifacts:
    """Artifacts in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root / WORKSPACES

    def has(self, workspace: str) -> bool:
        """Tell whether a workspace has any."""
        return (self._root / workspace).exists()

    def workspaces(self) -> frozenset[str]:
        """Return which workspaces have any."""
        try:
            return frozenset(path.name for path in self._root.iterdir())
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise ArtifactsError(f"artifacts: {type(error).__name__}") from error

    def delete(self, workspace: str) -> None:
        """Delete all of a workspace's, for good."""
        try:
            with suppress(FileNotFoundError):
                shutil.rmtree(self._root / workspace)
        except OSError as error:
            raise ArtifactsError(f"artifacts: {type(error).__name__}") from error


class BucketArtifacts:
    """Artifacts in a bucket.

    Args:
        root: ``s3://bucket`` or ``s3://bucket/prefix``, as the server is told.
        endpoint: Of the object store.
        region: The store's.
        access_key: Of somebody who may list and delete there, every version included.
        secret_key: Its secret.
        timeout: Seconds that the store may take to answer.
    """

    def __init__(
        self,
        *,
        root: str,
        endpoint: str,
        region: str,
        access_key: str,
        secret_key: Secret,
        timeout: float,
    ) -> None:
        place, url = urlsplit(root), urlsplit(endpoint)
        self._bucket = place.netloc
        self._prefix = "/".join(part for part in (place.path.strip("/"), WORKSPACES) if part) + "/"
        self._client = Minio(
            url.netloc,
            access_key=access_key,
            secret_key=secret_key.reveal(),
            region=region,
            secure=url.scheme == "https",
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=2, read=timeout), retries=False, maxsize=4
            ),
        )

    def has(self, workspace: str) -> bool:
        """Tell whether a workspace has any."""
        with _told():
            # By object, not by folder: SeaweedFS shows folders that hold nothing any more.
            prefix = f"{self._prefix}{workspace}/"
            found = self._client.list_objects(self._bucket, prefix, recursive=True)
            return next(iter(found), None) is not None

    def workspaces(self) -> frozenset[str]:
        """Return which workspaces have any."""
        with _told():
            found = self._client.list_objects(self._bucket, self._prefix)
            names = (str(each.object_name).removeprefix(self._prefix) for each in found)
            return frozenset(name.strip("/") for name in names)

    def delete(self, workspace: str) -> None:
        """Delete uploads in progress and every version of every object."""
        prefix = f"{self._prefix}{workspace}/"
        with _told():
            self._abort_uploads(prefix)
            for versions in (True, False):
                failures = self._client.remove_objects(self._bucket, self._below(prefix, versions))
                for failure in failures:
                    raise ArtifactsError(f"artifacts: {failure.code}")

    def _below(self, prefix: str, versions: bool) -> Iterator[DeleteObject]:  # noqa: FBT001
        found = self._client.list_objects(
            self._bucket, prefix, recursive=True, include_version=versions
        )
        return (DeleteObject(o.object_name, o.version_id if versions else None) for o in found)

    def _abort_uploads(self, prefix: str) -> None:
        # The client knows these calls, under a private name only.
        while uploads := self._client._list_multipart_uploads(  # noqa: SLF001
            self._bucket, prefix=prefix
        ).uploads:
            for each in uploads:
                self._client._abort_multipart_upload(  # noqa: SLF001
                    self._bucket, each.object_name, each.upload_id or ""
                )


@contextmanager
def _told() -> Iterator[None]:
    """Say whatever the store did in one line without secrets."""
    try:
        yield
    except S3Error as error:
        raise ArtifactsError(f"artifacts: {error.code}") from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise ArtifactsError(f"artifacts: {type(error).__name__}") from error
