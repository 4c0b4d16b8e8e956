"""What the quarantine asks of whatever keeps its encrypted files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager

    from lab.domain.ids import IntakeId

RAW = "raw"
"""The name of the raw file; those of what is made of it are given by whoever makes it."""
STALE_SECONDS = 24 * 3600.0
"""An upload that was not touched for so long is not one any more."""


class Writable(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Write some more."""
        ...


class Draft(Writable, Protocol):
    """Something that is being written. It counts once it is kept, and then whole."""

    def keep(self) -> None:
        """Put it in place of what its name held; not to be lost from then on."""
        ...

    def drop(self) -> None:
        """Leave nothing of it. What was kept stays."""
        ...


class Readable(Protocol):
    """What was kept, from its beginning."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes; fewer only at the end."""
        ...


class Shelf(Protocol):
    """Keeps encrypted files under a dossier and a name; knows nothing of keys.

    Every call blocks, and is made in a thread.

    Raises:
        OSError: It failed; call again.
    """

    def draft(self, intake_id: IntakeId, name: str) -> Draft:
        """Begin a file."""
        ...

    def reading(self, intake_id: IntakeId, name: str) -> AbstractContextManager[Readable]:
        """Open what a name holds.

        Raises:
            FileNotFoundError: Nothing.
        """
        ...

    def destroy(self, intake_id: IntakeId) -> tuple[str, ...]:
        """Destroy everything of a dossier; return what was then looked for and not there."""
        ...

    def sweep(self) -> None:
        """Destroy the drafts that nobody has touched for a day."""
        ...


class Blobs(Protocol):
    """Small objects by key, in a place of the quarantine's own.

    Raises:
        OSError: It failed; call again.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store one, in place of what was there."""
        ...

    def get(self, key: str) -> bytes:
        """Return one.

        Raises:
            FileNotFoundError: It is not there.
        """
        ...

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Give those under a prefix, older versions too, with the time of each (Unix seconds)."""
        ...

    def remove(self, prefixes: Collection[str]) -> None:
        """Remove everything under these prefixes, every version of it."""
        ...
