"""Raw files on the lab's own disk, encrypted, where no sandbox credential reaches.

They are never in the object store, and the folder is mounted in no sandbox. While a run
works on a table, that table lies decrypted in a folder of the lab's account only; it is
unlinked when the run ends, and at the next start where the process was killed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from lab.domain.errors import InvalidError, NotReadyError, Problem
from lab.domain.quantity import format_bytes
from lab.domain.secret import Secret
from lab.providers.quarantine.sealing import CHUNK, Sealer, SealError, unsealed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from lab.domain.ids import IntakeId

__all__ = ["FileQuarantine", "SealError"]

RAW = "raw"
_ID = re.compile(r"in-[0-9a-f]{10}", re.ASCII)
_NAME = re.compile(r"[a-z]{1,20}", re.ASCII)
_WORK = ".work"
_STALE_SECONDS = 24 * 3600.0
"""An upload that was not touched for so long is not one any more."""


class FileQuarantine:
    """Implements ``lab.ports.Quarantine`` in a folder.

    Args:
        folder: Made when first needed, mode 0700.
        key_file: Holds the lab's key, one line; read when first needed.
    """

    def __init__(self, *, folder: Path, key_file: Path) -> None:
        self._folder, self._key_file = folder, key_file

    async def receive(
        self, intake_id: IntakeId, chunks: AsyncIterator[bytes], *, limit_bytes: int
    ) -> tuple[str, int]:
        """Encrypt a raw file as it comes; return the SHA-256 of its bytes and their number.

        Raises:
            InvalidError: It is longer than the limit, or empty.
        """
        place = await asyncio.to_thread(self._place, intake_id)
        draft = place / f".{RAW}.{secrets.token_hex(4)}"
        digest, size = hashlib.sha256(), 0
        out = await asyncio.to_thread(_created, draft)
        try:
            with out:
                sealer = Sealer(out, self._key(), name=_known_as(intake_id, RAW))
                async for block in _blocks(chunks):
                    size += len(block)
                    if size > limit_bytes:
                        facts = (("most", format_bytes(limit_bytes)),)
                        raise InvalidError([Problem("raw", "too_heavy", facts)])
                    await asyncio.to_thread(_take, block, digest, sealer)
                if not size:
                    raise InvalidError([Problem("raw", "empty")])
                sealer.finish()
                out.flush()
                await asyncio.to_thread(os.fsync, out.fileno())
            draft.replace(place / f"{RAW}.sealed")
        finally:
            draft.unlink(missing_ok=True)
        return digest.hexdigest(), size

    @contextmanager
    def opened(self, intake_id: IntakeId) -> Iterator[FileWorkplace]:
        """Return a private folder for one run; whatever happens, nothing is left of it."""
        place = self._place(intake_id)
        folder = self._folder / _WORK / secrets.token_hex(8)
        folder.mkdir(mode=0o700, parents=True)
        try:
            yield FileWorkplace(folder, place, key=self._key(), intake_id=intake_id)
        finally:
            shutil.rmtree(folder)

    async def destroy(self, intake_id: IntakeId) -> tuple[str, ...]:
        """Destroy everything of a dossier; return what was then looked for and not there.

        Raises:
            OSError: Something is still there; call again.
        """
        return await asyncio.to_thread(self._destroy, intake_id)

    async def sweep(self) -> int:
        """Destroy the folders of runs that ended with their process; return how many.

        Half-received files that nobody has touched for a day go too.
        """
        return await asyncio.to_thread(self._sweep)

    def _destroy(self, intake_id: IntakeId) -> tuple[str, ...]:
        place = self._folder / _checked(intake_id)
        names = {f"{RAW}.sealed"}
        if place.exists():
            names |= {path.name for path in place.iterdir()}
            shutil.rmtree(place)
        left = [name for name in sorted(names) if (place / name).exists()]
        if left or place.exists():
            raise OSError(f"{place} is still there")
        return tuple(f"{intake_id}/{name}" for name in sorted(names))

    def _sweep(self) -> int:
        work = self._folder / _WORK
        left = list(work.iterdir()) if work.is_dir() else []
        for folder in left:
            shutil.rmtree(folder)
        for draft in list(self._folder.glob(f"in-*/.{RAW}.*")):
            if time.time() - draft.stat().st_mtime > _STALE_SECONDS:
                draft.unlink(missing_ok=True)
        return len(left)

    def _place(self, intake_id: IntakeId) -> Path:
        place = self._folder / _checked(intake_id)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def _key(self) -> bytes:
        try:
            text = self._key_file.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            # Not on a cluster yet: nothing is taken that could not be kept as it must be.
            raise NotReadyError("quarantine", self._key_file.name, "no such secret") from error
        return Secret.checked(text, name=self._key_file.name).reveal().encode()


class FileWorkplace:
    """Implements ``lab.ports.Workplace``."""

    def __init__(self, folder: Path, place: Path, *, key: bytes, intake_id: IntakeId) -> None:
        self._folder, self._place, self._key, self._intake_id = folder, place, key, intake_id

    @property
    def folder(self) -> Path:
        """Empty at first; readable by the lab only."""
        return self._folder

    def unseal(self, name: str) -> Path:
        """Decrypt what was kept under a name into the folder; ``raw`` is the raw file.

        Raises:
            SealError: It is not there, was changed, or was encrypted with another key.
        """
        target = self._folder / _checked_name(name)
        known_as = _known_as(self._intake_id, name)
        try:
            with (self._place / f"{name}.sealed").open("rb") as source, _created(target) as out:
                for chunk in unsealed(source, self._key, name=known_as):
                    out.write(chunk)
        except FileNotFoundError as error:
            raise SealError(known_as) from error
        return target

    def seal(self, path: Path, name: str) -> None:
        """Encrypt and keep a file under a name, in place of what it held."""
        draft = self._place / f".{_checked_name(name)}.{secrets.token_hex(4)}"
        try:
            with path.open("rb") as source, _created(draft) as out:
                sealer = Sealer(out, self._key, name=_known_as(self._intake_id, name))
                while chunk := source.read(CHUNK):
                    sealer.write(chunk)
                sealer.finish()
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self._place / f"{name}.sealed")
        finally:
            draft.unlink(missing_ok=True)


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what comes in blocks of a size that is worth a thread."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= CHUNK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _take(block: bytes, digest: hashlib._Hash, sealer: Sealer) -> None:
    digest.update(block)
    sealer.write(block)


def _created(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _known_as(intake_id: IntakeId, name: str) -> str:
    return f"{intake_id}/{name}"


def _checked(intake_id: IntakeId) -> str:
    if not _ID.fullmatch(intake_id):
        msg = f"'{intake_id}' is no dossier"
        raise ValueError(msg)
    return intake_id


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        msg = f"'{name}' is no name of a kept file"
        raise ValueError(msg)
    return name
