"""Which encoding a text is in, from all its bytes.

UTF-8 proves itself: text of another encoding is practically never valid UTF-8 (RFC 3629, 1).
Encodings of one byte a letter accept nearly anything, so they are judged by what French would
show: accented letters inside words, in the case of their neighbours; guillemets and no-break
spaces at their edges.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

CANDIDATES = ("cp1252", "latin-1", "mac_roman", "cp850")
_INSIDE, _FINAL, _UPPER, _INITIAL, _ALONE = range(5)
_LETTERS = "éèàçêîôûëïâùüœæ"
_MARKS = "«»“”‘’–—…€°²³½¼¾™®©•·\u00a0\u00ad\u202f"
_LEAST_SHARE = 0.4
_CLEAR_MARGIN = 0.15
_MOST_LINES = 5

_FRENCH_IN_UTF8 = re.compile(
    rb"\xc3[\x80-\xbf]|\xc2[\xab\xbb\xa0\xb0]|\xc5[\x92\x93]|\xe2\x80[\x93-\xa6]"
)
_TWICE_STARTS = (b"\xc3\x83", b"\xc3\x82", b"\xc3\xa2\xe2\x82\xac", b"\xc3\x85", b"\xe2\x88\x9a")
_LATIN_TAILS = "".join(
    sorted({bytes([b]).decode(c, "ignore") for b in range(0x80, 0xC0) for c in CANDIDATES[:2]})
)
_MAC_TAILS = "".join(
    bytes([b]).decode("mac_roman") for b in (*range(0x80, 0x90), *range(0xA0, 0xC0))
)
_TWICE = re.compile(
    f"Ã[{re.escape(_LATIN_TAILS)}]|Â[«»\u00a0°]|â€[{re.escape(_LATIN_TAILS)}]|Å[“’]"
    f"|√[{re.escape(_MAC_TAILS)}]"
)


@dataclass(slots=True)
class Utf8Survey:
    """Whether bytes that come chunk by chunk are UTF-8, and where they look encoded twice.

    Attributes:
        lines: Ends of line seen.
        bad_line: First line that is not UTF-8, or None.
        nul_line: First line that holds a NUL byte, or None.
        nuls: NUL bytes seen.
        twice: First lines that look encoded twice.
    """

    lines: int = 0
    bad_line: int | None = None
    nul_line: int | None = None
    nuls: int = 0
    twice: list[int] = field(default_factory=list)
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("strict")
    )
    _edge: bytes = b""

    def feed(self, chunk: bytes, *, is_last: bool = False) -> None:
        """Look at the next bytes."""
        nuls = chunk.count(0)
        if nuls and self.nul_line is None:
            self.nul_line = self.lines + 1 + chunk.count(b"\n", 0, chunk.find(0))
        self.nuls += nuls
        if self.bad_line is None:
            try:
                self._decoder.decode(chunk, is_last)
            except UnicodeDecodeError as error:
                # The decoder may hold up to 3 bytes of the chunk before.
                held = len(error.object) - len(chunk)
                self.bad_line = self.lines + 1 + chunk.count(b"\n", 0, max(error.start - held, 0))
            else:
                self._look_for_twice(chunk)
        self.lines += chunk.count(b"\n")

    def _look_for_twice(self, chunk: bytes) -> None:
        around = self._edge + chunk
        self._edge = chunk[-8:]
        if len(self.twice) >= _MOST_LINES or chunk.isascii():
            return
        if not any(start in around for start in _TWICE_STARTS):
            return
        text = around.decode("utf-8", "ignore")
        first = self.lines + 1 - (around.count(b"\n") - chunk.count(b"\n"))
        for found in _TWICE.finditer(text):
            line = first + text.count("\n", 0, found.start())
            if line not in self.twice:
                self.twice.append(line)
            if len(self.twice) >= _MOST_LINES:
                return


@dataclass(slots=True)
class SingleByteSurvey:
    """Counts bytes over 127 by what stands beside them.

    Attributes:
        counts: int64[5, 256]: place in the word, byte.
        has_french_utf8: Whether some of the text is UTF-8 French: the file is then mixed.
    """

    counts: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((5, 256), dtype=np.int64)
    )
    has_french_utf8: bool = False

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes. A letter on a chunk's edge counts as having no neighbour."""
        if chunk.isascii():
            return
        self.has_french_utf8 = self.has_french_utf8 or bool(_FRENCH_IN_UTF8.search(chunk))
        codes = np.frombuffer(b"\n" + chunk + b"\n", dtype=np.uint8)
        at = np.flatnonzero(codes >= 0x80)  # noqa: PLR2004  past ASCII
        before, after = _CASE[codes[at - 1]], _CASE[codes[at + 1]]
        has_lower = (before == _LOW) | (after == _LOW)
        has_upper = (before == _UP) | (after == _UP)
        place = np.full(at.size, _INSIDE)
        place[(before == _LOW) & (after == _NONE)] = _FINAL
        place[has_upper & ~has_lower & (before != _NONE)] = _UPPER
        place[(before == _NONE) & (after != _NONE)] = _INITIAL
        place[(before != _LOW) & (before != _UP) & (after == _NONE)] = _ALONE
        cells = np.bincount(place * 256 + codes[at], minlength=5 * 256)
        self.counts += cells.reshape(5, 256)

    def choose(self) -> str:
        """Name the encoding under which the text reads as French.

        Raises:
            DataError: ``encoding_uncertain``.
        """
        seen = self.counts.sum(axis=0)
        total = int(seen.sum())
        scores = {name: score for name in CANDIDATES if (score := self._score(name)) is not None}
        best = max(scores, key=lambda name: scores[name]) if scores else None
        if best is not None and scores[best] > _LEAST_SHARE * total:
            here = [bytes([b]).decode(best) for b in np.flatnonzero(seen)]
            rivals = (
                name
                for name in scores
                if [bytes([b]).decode(name, "ignore") for b in np.flatnonzero(seen)] != here
            )
            margin = min((scores[best] - scores[name] for name in rivals), default=total)
            if margin > _CLEAR_MARGIN * total:
                return best
        raise DataError(
            "encoding_uncertain",
            fr="Ce texte n’est pas en UTF-8 et rien n’y désigne clairement un autre encodage : "
            "indiquez-le, ou enregistrez le fichier en UTF-8.",
            en="This text is not UTF-8 and nothing in it clearly tells another encoding: "
            "name it, or save the file as UTF-8.",
        )

    def _score(self, name: str) -> float | None:
        """Sum of the plausibility of what was seen; None when a byte means nothing there."""
        total = 0.0
        for byte in np.flatnonzero(self.counts.sum(axis=0)):
            try:
                character = bytes([byte]).decode(name)
            except UnicodeDecodeError:
                return None
            for place in range(5):
                total += float(self.counts[place, byte]) * _plausibility(character, place)
        return total


def _plausibility(character: str, place: int) -> float:
    """From -1 (never in French) to 1 (what French is made of)."""
    if character in _MARKS:
        if place in {_INSIDE, _UPPER}:
            return 1.0 if character == "’" else 0.2 if place == _UPPER else -1.0
        return 0.5
    is_french, is_lower = character.lower() in _LETTERS, character.islower()
    if place == _UPPER:
        return (-0.3 if is_lower else 1.0) if is_french else -1.0
    if place in {_INITIAL, _ALONE}:
        weight = 1.0 if place == _INITIAL or character in "àÀ" else 0.1
        return weight if is_french else -0.5 if character.isalpha() else -1.0
    if is_french:
        return 1.0 if is_lower else -1.0
    return -0.2 if is_lower else -1.0


_NONE, _LOW, _UP, _HIGH = range(4)
_CASE = np.zeros(256, dtype=np.uint8)
_CASE[ord("a") : ord("z") + 1] = _LOW
_CASE[ord("A") : ord("Z") + 1] = _UP
_CASE[0x80:] = _HIGH


def to_utf8(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Give the same text in UTF-8, without a byte-order mark.

    Raises:
        DataError: ``not_in_encoding``, with the line.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, is_first = 1, True
    try:
        for chunk in chunks:
            text = decoder.decode(chunk)
            if is_first and text:
                text, is_first = text.removeprefix("\ufeff"), False
            line += text.count("\n")
            yield text.encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeError as error:
        if isinstance(error, UnicodeDecodeError):
            line += error.object[: error.start].decode(encoding, "ignore").count("\n")
        raise DataError(
            "not_in_encoding",
            fr=f"Ligne {line} : ce texte n’est pas en {encoding}.",
            en=f"Line {line}: this text is not in {encoding}.",
        ) from error
