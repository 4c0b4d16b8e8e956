"""Encrypted files as small objects, where several processes of the lab share them.

A file is written in pieces of 4 MiB under a word of its own, and counts once the small
list of its pieces stands under its name, so that it is there whole or not at all, and a
file of any size passes through the memory of a few pieces.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lab.providers.quarantine.sealing import SealError
from lab.providers.quarantine.shelf import RAW, STALE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lab.domain.ids import IntakeId
    from lab.providers.quarantine.shelf import Blobs

T = TypeVar("T")
log = logging.getLogger(__name__)

PIECE = 4 * 1024**2
WAITS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between tries: a store that starts anew does not cost a person the upload."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a name holds: how many pieces, under which word."""

    word: str
    count: int


class PieceShelf:
    """Implements ``Shelf`` over ``Blobs``.

    Args:
        waits: Seconds between tries of one call, the last one's failure being told.
    """

    def __init__(
        self, blobs: Callable[[], Blobs], *, piece: int = PIECE, waits: Sequence[float] = WAITS
    ) -> None:
        self._blobs, self._piece, self._waits = blobs, piece, waits

    def draft(self, intake_id: IntakeId, name: str) -> PieceDraft:
        """Begin a file."""
        return PieceDraft(self, f"{intake_id}/{name}", piece=self._piece)

    @contextmanager
    def reading(self, intake_id: IntakeId, name: str) -> Iterator[PieceReader]:
        """Open what a name holds."""
        place = f"{intake_id}/{name}"
        held = self.held(place)
        if held is None:
            raise FileNotFoundError(place)
        yield PieceReader(self, place, held)

    def destroy(self, intake_id: IntakeId) -> tuple[str, ...]:
        """Destroy everything of a dossier; return what was then looked for and not there."""
        prefix = f"{intake_id}/"
        names = {RAW, *(_name_of(key) for key, _ in self.do(lambda b: list(b.keys(prefix))))}
        self.do(lambda blobs: blobs.remove([prefix]))
        if left := self.do(lambda b: list(b.keys(prefix))):
            raise OSError(f"{left[0][0]} is still there")
        return tuple(f"{prefix}{name}.sealed" for name in sorted(names))

    def sweep(self) -> None:
        """Destroy the drafts that nobody has touched for a day."""
        touched: dict[tuple[str, str], float] = {}
        for key, at in self.do(lambda b: list(b.keys("in-"))):
            place, _, rest = key.rpartition("/")
            if rest.isdigit():
                place, _, word = place.rpartition("/")
                touched[place, word] = max(at, touched.get((place, word), at))
        for (place, word), at in touched.items():
            if time.time() - at <= STALE_SECONDS:
                continue
            try:
                held = self.held(place)
            except SealError:
                continue  # nobody knows which of them counts
            if held is None or held.word != word:
                self.remove(place, word)

    def held(self, place: str) -> Held | None:
        """Read the list of what a name holds; ``None`` where it holds nothing.

        Raises:
            SealError: It is no such list.
        """
        try:
            text = self.do(lambda blobs: blobs.get(_list_of(place)))
        except FileNotFoundError:
            return None
        try:
            read = json.loads(text)
            return Held(str(read["word"]), int(read["count"]))
        except (ValueError, KeyError, TypeError) as error:
            raise SealError(place) from error

    def keep(self, place: str, word: str, count: int) -> None:
        """Have a name hold these pieces, and let go of those it held."""
        try:
            before = self.held(place)
        except SealError:
            before = None
        text = json.dumps({"word": word, "count": count}, sort_keys=True).encode()
        self.do(lambda blobs: blobs.put(_list_of(place), text))
        if before is not None:
            try:
                self.remove(place, before.word)
            except OSError:
                # What was asked for is done; the sweep takes these, or the dossier's end.
                log.warning("old pieces stay for now", extra={"place": place})

    def put(self, place: str, word: str, number: int, data: bytes) -> None:
        """Store one piece."""
        self.do(lambda blobs: blobs.put(_piece_of(place, word, number), data))

    def get(self, place: str, word: str, number: int) -> bytes:
        """Return one piece.

        Raises:
            SealError: It is not there any more.
        """
        try:
            return self.do(lambda blobs: blobs.get(_piece_of(place, word, number)))
        except FileNotFoundError as error:
            raise SealError(place) from error

    def remove(self, place: str, word: str) -> None:
        """Remove the pieces under a word."""
        self.do(lambda blobs: blobs.remove([f"{place}/{word}/"]))

    def do(self, function: Callable[[Blobs], T]) -> T:
        """Ask the store, again where it fails: each call does the same however often it is made.

        Raises:
            FileNotFoundError: There is no such object.
            OSError: It failed each time.
        """
        for wait in self._waits:
            try:
                return function(self._blobs())
            except FileNotFoundError:
                raise
            except OSError:
                time.sleep(wait)
        return function(self._blobs())


class PieceDraft:
    """Implements ``Draft``."""

    def __init__(self, shelf: PieceShelf, place: str, *, piece: int) -> None:
        self._shelf, self._place, self._piece = shelf, place, piece
        self._word, self._count = secrets.token_hex(8), 0
        self._waiting, self._is_kept = bytearray(), False

    def write(self, data: bytes, /) -> int:
        """Write some more."""
        self._waiting += data
        while len(self._waiting) >= self._piece:
            self._put(bytes(self._waiting[: self._piece]))
            del self._waiting[: self._piece]
        return len(data)

    def keep(self) -> None:
        """Put it in place of what its name held."""
        if self._waiting:
            self._put(bytes(self._waiting))
            self._waiting.clear()
        self._shelf.keep(self._place, self._word, self._count)
        self._is_kept = True

    def drop(self) -> None:
        """Leave nothing of it."""
        if self._is_kept or not self._count:
            return
        try:
            self._shelf.remove(self._place, self._word)
        except OSError:
            # They are encrypted, no list names them, and the sweep takes them in a day.
            log.warning("pieces of a draft stay for now", extra={"place": self._place})

    def _put(self, data: bytes) -> None:
        # Counted first: a piece whose storing failed half-way must go with the others.
        self._count += 1
        self._shelf.put(self._place, self._word, self._count, data)


class PieceReader:
    """Implements ``Readable``: the pieces one after the other."""

    def __init__(self, shelf: PieceShelf, place: str, held: Held) -> None:
        self._shelf, self._place, self._held = shelf, place, held
        self._number, self._waiting = 0, bytearray()

    def read(self, size: int, /) -> bytes:
        """Return so many bytes; fewer only at the end."""
        while len(self._waiting) < size and self._number < self._held.count:
            self._number += 1
            self._waiting += self._shelf.get(self._place, self._held.word, self._number)
        data = bytes(self._waiting[:size])
        del self._waiting[:size]
        return data


def _list_of(place: str) -> str:
    return f"{place}/list.json"


def _piece_of(place: str, word: str, number: int) -> str:
    return f"{place}/{word}/{number:06d}"


def _name_of(key: str) -> str:
    return key.split("/")[1]
