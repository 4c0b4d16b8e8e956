"""Published data sets: immutable in the data bucket, copied once to a read-only folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from lab.domain.dataset import DatasetFile
from lab.domain.errors import ProviderError, StateError, TerminalProviderError
from lab.domain.sandbox import Stage
from lab.providers.s3 import objects
from lab.providers.s3.objects import ObjectsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from minio import Minio

    from lab.domain.dataset import DatasetRef, DatasetVersion
    from lab.providers.s3.objects import Objects

T = TypeVar("T")

_CHUNK = 1024**2


class DatasetStorage:
    """Keeps the bytes of published versions.

    A version is published by the manifest that is written last, outside every
    prefix that a sandbox may read; without it there is nothing to mount. Where
    the store can, every object of it is under a legal hold: nobody deletes or
    replaces it, not even by mistake with the administrator's key, until somebody
    with that right lifts the hold. A retention period would not do: what turns
    out to name a person must be deletable that day.

    Args:
        folder: Where versions are copied for sandboxes to mount, read-only; without it
            nothing is copied.
        encrypts: The bucket is made so that the server encrypts what is written.
    """

    def __init__(
        self, *, objects: Objects, bucket: str, folder: Path | None, encrypts: bool = False
    ) -> None:
        self._objects, self._bucket, self._folder = objects, bucket, folder
        self._encrypts = encrypts
        self._locks: dict[DatasetRef, asyncio.Lock] = {}

    async def publish(self, version: DatasetVersion, files: Mapping[str, Path]) -> None:
        """Store a version. Publishing the very same again changes nothing.

        Args:
            version: What is said of it; its checksums must be those of ``files``.
            files: Where each of its files lies now, by name.

        Raises:
            ValueError: A file is missing, unsafe in name, or not what its checksum says.
            StateError: The version is published with other bytes; publish another version.
            ProviderError: The store failed; call again.
        """
        await asyncio.to_thread(_check_files, version, files)
        wanted = [asdict(f) for f in sorted(version.files, key=lambda f: f.name)]

        def put(client: Minio) -> bool:
            objects.make_bucket(client, self._bucket, "data", locks=True, encrypts=self._encrypts)
            holds = objects.has_locks(client, self._bucket)
            there = objects.get_json(client, self._bucket, _manifest(version.ref))
            if there is not None:
                return bool(there == wanted)
            for file in version.files:
                objects.put_file(
                    client,
                    self._bucket,
                    version.prefix + file.name,
                    files[file.name],
                    media_type=file.media_type,
                    holds=holds,
                )
            objects.put_json(client, self._bucket, _manifest(version.ref), wanted, holds=holds)
            return True

        if not await self._call(put):
            raise StateError("dataset version", version.prefix, state="published", wanted="change")

    async def published(self, ref: DatasetRef) -> tuple[DatasetFile, ...] | None:
        """Return what a published version holds; ``None`` when it is not published.

        Raises:
            ProviderError: The store failed; call again.
        """
        there = await self._call(
            lambda client: objects.get_json(client, self._bucket, _manifest(ref))
        )
        return None if there is None else tuple(DatasetFile(**file) for file in there)

    def path(self, ref: DatasetRef) -> Path:
        """Return the folder that holds its read-only copy, whether it is there or not.

        Raises:
            ValueError: Nothing is copied here.
        """
        if self._folder is None:
            raise ValueError("this storage copies no data sets")
        return self._folder / ref.dataset_id / f"v{ref.version}"

    def is_ready(self, ref: DatasetRef) -> bool:
        """Tell whether a sandbox can be given it: copied, where it is copied at all."""
        return self._folder is None or self.path(ref).is_dir()

    async def prepare(self, ref: DatasetRef) -> None:
        """Get a version ready for sandboxes: copied, where it is copied at all.

        Raises:
            TerminalProviderError: It was never published, or its bytes are not what was published.
            ProviderError: The store failed; call again.
        """
        if self._folder is not None:
            await self.materialise(ref)
        elif await self.published(ref) is None:
            raise _unpublished(ref)

    async def materialise(self, ref: DatasetRef) -> Path:
        """Return the folder of its read-only copy, making the copy the first time.

        Raises:
            TerminalProviderError: It was never published, or its bytes are not what was published.
            ProviderError: The store failed; call again.
        """
        target = self.path(ref)
        async with self._locks.setdefault(ref, asyncio.Lock()):
            if target.is_dir():
                return target
            files = await self.published(ref)
            if files is None:
                raise _unpublished(ref)
            await self._call(lambda client: self._copy(client, ref, files))
        return target

    async def fetch(self, ref: DatasetRef, name: str, folder: Path) -> Path:
        """Return a copy of one file of a published version, in a folder, its bytes checked.

        Raises:
            TerminalProviderError: It was never published, or is not what was published.
            ProviderError: The store failed; call again.
        """
        found = [file for file in await self.published(ref) or () if file.name == name]
        if not found:
            raise _unpublished(ref)
        path = folder / name
        await self._call(lambda client: self._copy_file(client, ref, found[0], path))
        return path

    def _copy(self, client: Minio, ref: DatasetRef, files: tuple[DatasetFile, ...]) -> None:
        target = self.path(ref)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
        try:
            partial.mkdir()
            for file in files:
                self._copy_file(client, ref, file, partial / file.name)
            for folder, _, _ in os.walk(partial, topdown=False):
                os.chmod(folder, 0o555)  # noqa: PTH101, S103  any sandbox's uid reads it
            partial.rename(target)
        except OSError:
            if not target.is_dir():  # another process was first: its copy is as good
                raise
        finally:
            _remove_tree(partial)

    def _copy_file(self, client: Minio, ref: DatasetRef, file: DatasetFile, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, key = hashlib.sha256(), f"{ref.dataset_id}/v{ref.version}/{file.name}"
        with path.open("xb") as out:
            for chunk in objects.chunks(client, self._bucket, key):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        path.chmod(0o444)
        if digest.hexdigest() != file.sha256:
            raise TerminalProviderError(Stage.DATA, f"{key} is not what was published")

    async def _call(self, function: Callable[[Minio], T]) -> T:
        try:
            return await self._objects.call(function)
        except ObjectsError as error:
            raise ProviderError(Stage.DATA, str(error)) from error


def _unpublished(ref: DatasetRef) -> TerminalProviderError:
    name = f"{ref.dataset_id} v{ref.version}"
    return TerminalProviderError(Stage.DATA, f"data set {name} is not published")


def _manifest(ref: DatasetRef) -> str:
    return f".published/{ref.dataset_id}/v{ref.version}.json"


def _check_files(version: DatasetVersion, files: Mapping[str, Path]) -> None:
    if not version.files or {f.name for f in version.files} != set(files):
        msg = f"files must be exactly {sorted(f.name for f in version.files)}"
        raise ValueError(msg)
    for file in version.files:
        parts = PurePosixPath(file.name).parts
        if not parts or file.name.startswith("/") or {"..", "."} & set(parts):
            msg = f"'{file.name}' is no safe file name"
            raise ValueError(msg)
        digest = hashlib.sha256()
        with files[file.name].open("rb") as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != file.sha256:
            msg = f"'{file.name}' is not what its checksum says"
            raise ValueError(msg)


def _remove_tree(folder: Path) -> None:
    with suppress(FileNotFoundError):
        for each, _, _ in os.walk(folder):
            os.chmod(each, 0o700)  # noqa: PTH101
        shutil.rmtree(folder)
