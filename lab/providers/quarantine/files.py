"""Encrypted files in a folder of the lab's own disk."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from typing import TYPE_CHECKING, BinaryIO

from lab.providers.quarantine.shelf import RAW, STALE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.ids import IntakeId


class FileShelf:
    """Implements ``Shelf`` in a folder, which is made when first needed, mode 0700."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def draft(self, intake_id: IntakeId, name: str) -> FileDraft:
        """Begin a file."""
        place = self._folder / intake_id
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.mkdir(mode=0o700, exist_ok=True)
        return FileDraft(place, name)

    def reading(self, intake_id: IntakeId, name: str) -> BinaryIO:
        """Open what a name holds."""
        return (self._folder / intake_id / f"{name}.sealed").open("rb")

    def destroy(self, intake_id: IntakeId) -> tuple[str, ...]:
        """Destroy everything of a dossier; return what was then looked for and not there."""
        place = self._folder / intake_id
        names = {f"{RAW}.sealed"}
        if place.exists():
            names |= {path.name for path in place.iterdir()}
            shutil.rmtree(place)
        if place.exists():
            raise OSError(f"{place} is still there")
        return tuple(f"{intake_id}/{name}" for name in sorted(names))

    def sweep(self) -> None:
        """Destroy the drafts that nobody has touched for a day."""
        for draft in list(self._folder.glob(f"in-*/.{RAW}.*")):
            if time.time() - draft.stat().st_mtime > STALE_SECONDS:
                draft.unlink(missing_ok=True)


class FileDraft:
    """Implements ``Draft``: a hidden file beside what it will replace."""

    def __init__(self, place: Path, name: str) -> None:
        self._path = place / f".{name}.{secrets.token_hex(4)}"
        self._target = place / f"{name}.sealed"
        self._out = created(self._path)

    def write(self, data: bytes, /) -> int:
        """Write some more."""
        return self._out.write(data)

    def keep(self) -> None:
        """Put it in place of what its name held."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._path.replace(self._target)

    def drop(self) -> None:
        """Leave nothing of it."""
        self._out.close()
        self._path.unlink(missing_ok=True)


def created(path: Path) -> BinaryIO:
    """Make a file that only the lab's account reads."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
