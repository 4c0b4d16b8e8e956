"""Raw files, encrypted before they are kept, where no sandbox credential reaches.

They lie in a folder of the lab's own disk that is mounted in no sandbox, or, where several
processes of the lab share them, as pieces in a bucket whose one credential no sandbox is ever
given; its keeper sees no more than random bytes. While a run works on a table, that table lies
decrypted in a folder of the lab's account only; it is unlinked when the run ends, and at the
next start where the process was killed.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from lab.domain.errors import InvalidError, NotReadyError, Problem
from lab.domain.quantity import format_bytes
from lab.domain.secret import Secret
from lab.providers.quarantine.files import FileShelf, created
from lab.providers.quarantine.pieces import PIECE, WAITS, PieceShelf
from lab.providers.quarantine.sealing import CHUNK, Sealer, SealError, unsealed
from lab.providers.quarantine.shelf import RAW, Blobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path

    from lab.domain.ids import IntakeId
    from lab.providers.quarantine.shelf import Shelf

__all__ = ["Blobs", "FileQuarantine", "SealError", "SealedQuarantine", "StoreQuarantine"]

P = ParamSpec("P")
T = TypeVar("T")

_ID = re.compile(r"in-[0-9a-f]{10}", re.ASCII)
_NAME = re.compile(r"[a-z]{1,20}", re.ASCII)
_WORK = ".work"


class SealedQuarantine:
    """Implements ``lab.ports.Quarantine`` on a shelf.

    Args:
        shelf: Keeps what is encrypted.
        work: Where the folders of runs are made, mode 0700.
        key_file: Holds the lab's key, one line; read when first needed.
    """

    def __init__(self, *, shelf: Shelf, work: Path, key_file: Path) -> None:
        self._shelf, self._work, self._key_file = shelf, work, key_file

    async def receive(
        self, intake_id: IntakeId, chunks: AsyncIterator[bytes], *, limit_bytes: int
    ) -> tuple[str, int]:
        """Encrypt a raw file as it comes; return the SHA-256 of its bytes and their number.

        Raises:
            InvalidError: It is longer than the limit, or empty.
            NotReadyError: There is no key, or no place to keep it now.
        """
        key, known_as = self._key(), _known_as(_checked(intake_id), RAW)
        draft = await _in_thread(self._shelf.draft, intake_id, RAW)
        digest, size = hashlib.sha256(), 0
        try:
            sealer = Sealer(draft, key, name=known_as)
            async for block in _blocks(chunks):
                size += len(block)
                if size > limit_bytes:
                    facts = (("most", format_bytes(limit_bytes)),)
                    raise InvalidError([Problem("raw", "too_heavy", facts)])
                await _in_thread(_take, block, digest, sealer)
            if not size:
                raise InvalidError([Problem("raw", "empty")])
            await _in_thread(sealer.finish)
            await _in_thread(draft.keep)
        finally:
            await asyncio.to_thread(draft.drop)
        return digest.hexdigest(), size

    @contextmanager
    def opened(self, intake_id: IntakeId) -> Iterator[SealedWorkplace]:
        """Return a private folder for one run; whatever happens, nothing is left of it."""
        _checked(intake_id)
        folder = self._work / secrets.token_hex(8)
        for each in (self._work.parent, self._work, folder):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            yield SealedWorkplace(folder, self._shelf, key=self._key(), intake_id=intake_id)
        finally:
            shutil.rmtree(folder)

    async def destroy(self, intake_id: IntakeId) -> tuple[str, ...]:
        """Destroy everything of a dossier; return what was then looked for and not there.

        Raises:
            OSError: Something is still there; call again.
        """
        return await asyncio.to_thread(self._shelf.destroy, _checked(intake_id))

    async def sweep(self) -> int:
        """Destroy the folders of runs that ended with their process; return how many.

        Half-received files that nobody has touched for a day go too.
        """
        return await asyncio.to_thread(self._sweep)

    def _sweep(self) -> int:
        left = list(self._work.iterdir()) if self._work.is_dir() else []
        for folder in left:
            shutil.rmtree(folder)
        self._shelf.sweep()
        return len(left)

    def _key(self) -> bytes:
        try:
            text = self._key_file.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            # Nothing is taken that could not be kept as it must be.
            raise NotReadyError("quarantine", self._key_file.name, "no such secret") from error
        return Secret.checked(text, name=self._key_file.name).reveal().encode()


class FileQuarantine(SealedQuarantine):
    """On the lab's own disk.

    Args:
        folder: Made when first needed, mode 0700.
        key_file: Holds the lab's key, one line; read when first needed.
    """

    def __init__(self, *, folder: Path, key_file: Path) -> None:
        super().__init__(shelf=FileShelf(folder), work=folder / _WORK, key_file=key_file)


class StoreQuarantine(SealedQuarantine):
    """In a store that several processes share.

    Args:
        blobs: Made when first needed: only then is its credential read.
        folder: On this machine, for runs; made when first needed, mode 0700.
        key_file: Holds the lab's key, one line; read when first needed.
        piece: Bytes of one object.
        waits: Seconds between tries where the store fails.
    """

    def __init__(
        self,
        *,
        blobs: Callable[[], Blobs],
        folder: Path,
        key_file: Path,
        piece: int = PIECE,
        waits: Sequence[float] = WAITS,
    ) -> None:
        shelf = PieceShelf(blobs, piece=piece, waits=waits)
        super().__init__(shelf=shelf, work=folder / _WORK, key_file=key_file)


class SealedWorkplace:
    """Implements ``lab.ports.Workplace``."""

    def __init__(self, folder: Path, shelf: Shelf, *, key: bytes, intake_id: IntakeId) -> None:
        self._folder, self._shelf, self._key, self._intake_id = folder, shelf, key, intake_id

    @property
    def folder(self) -> Path:
        """Empty at first; readable by the lab only."""
        return self._folder

    def unseal(self, name: str) -> Path:
        """Decrypt what was kept under a name into the folder; ``raw`` is the raw file.

        Raises:
            SealError: It is not there, was changed, or was encrypted with another key.
            NotReadyError: It cannot be read, or there is no room for it.
        """
        target = self._folder / _checked_name(name)
        known_as = _known_as(self._intake_id, name)
        try:
            with self._shelf.reading(self._intake_id, name) as source, created(target) as out:
                for chunk in unsealed(source, self._key, name=known_as):
                    out.write(chunk)
        except FileNotFoundError as error:
            raise SealError(known_as) from error
        except OSError as error:
            raise NotReadyError("quarantine", "storage", _why(error)) from error
        return target

    def seal(self, path: Path, name: str) -> None:
        """Encrypt and keep a file under a name, in place of what it held.

        Raises:
            NotReadyError: It cannot be kept now.
        """
        draft = self._shelf.draft(self._intake_id, _checked_name(name))
        try:
            with path.open("rb") as source:
                sealer = Sealer(draft, self._key, name=_known_as(self._intake_id, name))
                while chunk := source.read(CHUNK):
                    sealer.write(chunk)
                sealer.finish()
            draft.keep()
        except OSError as error:
            raise NotReadyError("quarantine", "storage", _why(error)) from error
        finally:
            draft.drop()


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


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what the shelf does in a thread; say so where it cannot be done now."""
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except OSError as error:
        raise NotReadyError("quarantine", "storage", _why(error)) from error


def _why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _take(block: bytes, digest: hashlib._Hash, sealer: Sealer) -> None:
    digest.update(block)
    sealer.write(block)


def _known_as(intake_id: IntakeId, name: str) -> str:
    return f"{intake_id}/{name}"


def _checked(intake_id: IntakeId) -> IntakeId:
    if not _ID.fullmatch(intake_id):
        msg = f"'{intake_id}' is no dossier"
        raise ValueError(msg)
    return intake_id


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        msg = f"'{name}' is no name of a kept file"
        raise ValueError(msg)
    return name
