"""The text of a file: hashed, its encoding known, given in UTF-8."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.data.errors import DataError
from lab.data.ingest.encoding import SingleByteSurvey, Utf8Survey, to_utf8
from lab.data.ingest.model import Progress, Sentence, Step, Warned
from lab.data.ingest.unpack import Wrapping

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from lab.data.ingest.model import Options
    from lab.data.ingest.unpack import Origin

    Watch = Callable[[Progress], None]

_MOST_LINES = 5
_UTF16_SHARE = 0.2
"""Share of NUL bytes past which text is UTF-16 that does not say so: Latin letters make half."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text that may be read any number of times.

    Attributes:
        origin: Where it comes from.
        encoding: Python codec name.
        warnings: What a person should look at.
    """

    origin: Origin
    encoding: str
    warnings: tuple[Warned, ...]

    def chunks(self, watch: Watch) -> Generator[bytes, None, None]:
        """Yield the text in UTF-8, without a byte-order mark, lines ended by a line feed."""
        raw = self.origin.chunks(Step.READ, watch)
        if self.encoding == "utf-8":
            return _with_line_feeds(_without_bom(raw))
        return _with_line_feeds(_without_nuls(to_utf8(raw, self.encoding)))


def hash_raw(origin: Origin, watch: Watch) -> str:
    """Hash the raw bytes only: SHA-256, lower-case hexadecimal."""
    return _hash(origin, watch, None)


def survey(origin: Origin, options: Options, watch: Watch) -> tuple[str, Text]:
    """Hash the raw bytes, then say in which encoding their text is.

    Plain text is hashed and looked at in one pass over the file; packed text needs two. A text
    that is not UTF-8 is read once more to weigh its letters.

    Raises:
        DataError: ``nul_byte``, ``utf16_without_bom``, ``utf32``, ``double_encoded``,
            ``mixed_encoding``, ``encoding_uncertain``, ``not_in_encoding``,
            ``unknown_encoding``.
    """
    seen, head = Utf8Survey(), _Head()

    def look(chunk: bytes) -> None:
        head.feed(chunk)
        if not head.is_utf16:
            seen.feed(chunk)

    if origin.wrapping is Wrapping.NONE:
        sha256 = _hash(origin, watch, look)
    else:
        sha256 = _hash(origin, watch, None)
        for chunk in origin.chunks(Step.ENCODING, watch):
            look(chunk)
    if not head.is_utf16:
        seen.feed(b"", is_last=True)
    return sha256, _judge(origin, options, (head, seen), watch)


@dataclass(slots=True)
class _Head:
    first: bytes = b""
    total: int = 0

    def feed(self, chunk: bytes) -> None:
        if len(self.first) < 4:  # noqa: PLR2004  the longest mark
            self.first = (self.first + chunk[:4])[:4]
        self.total += len(chunk)

    @property
    def is_utf16(self) -> bool:
        return self.first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _judge(
    origin: Origin, options: Options, evidence: tuple[_Head, Utf8Survey], watch: Watch
) -> Text:
    head, seen = evidence
    if head.total == 0:
        raise DataError("empty_file", fr="Le fichier est vide.", en="The file is empty.")
    if head.first in {codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE}:
        raise DataError(
            "utf32",
            fr="Le fichier est en UTF-32 : enregistrez-le en UTF-8.",
            en="The file is in UTF-32: save it as UTF-8.",
        )
    if head.is_utf16:
        return Text(origin, "utf-16", ())
    if options.encoding is not None and options.encoding.lower().startswith("utf-16"):
        return Text(origin, options.encoding, ())
    _check_nuls(head, seen)
    if options.encoding is not None:
        return _imposed(origin, options.encoding, seen)
    if seen.twice and seen.bad_line is None:
        raise _double_encoded(seen.twice)
    return Text(origin, "utf-8" if seen.bad_line is None else _weigh(origin, evidence, watch), ())


def _weigh(origin: Origin, evidence: tuple[_Head, Utf8Survey], watch: Watch) -> str:
    """Choose among the encodings of one byte a letter."""
    head, seen = evidence
    if head.first.startswith(codecs.BOM_UTF8):
        raise DataError(
            "not_in_encoding",
            fr=f"Ligne {seen.bad_line} : le fichier s’annonce en UTF-8 et n’en est pas.",
            en=f"Line {seen.bad_line}: the file says that it is UTF-8 and is not.",
        )
    weights = SingleByteSurvey()
    for chunk in origin.chunks(Step.ENCODING, watch):
        weights.feed(chunk)
    if weights.has_french_utf8:
        raise _mixed(origin.chunks(Step.ENCODING, watch))
    return weights.choose()


def _imposed(origin: Origin, encoding: str, seen: Utf8Survey) -> Text:
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise DataError(
            "unknown_encoding",
            fr=f"L’encodage « {encoding} » est inconnu.",
            en=f"The encoding “{encoding}” is unknown.",
        ) from error
    if name != "utf-8":
        return Text(origin, encoding, ())
    if seen.bad_line is not None:
        raise DataError(
            "not_in_encoding",
            fr=f"Ligne {seen.bad_line} : ce texte n’est pas en UTF-8.",
            en=f"Line {seen.bad_line}: this text is not in UTF-8.",
        )
    if not seen.twice:
        return Text(origin, "utf-8", ())
    found = _double_encoded(seen.twice)
    return Text(origin, "utf-8", (Warned(found.reason, None, Sentence(found.fr, found.en)),))


def _check_nuls(head: _Head, seen: Utf8Survey) -> None:
    if seen.nul_line is None:
        return
    if seen.nuls > _UTF16_SHARE * head.total:
        raise DataError(
            "utf16_without_bom",
            fr="Le fichier semble être en UTF-16 sans marque d’ordre : enregistrez-le en UTF-8, "
            "ou indiquez l’encodage.",
            en="The file seems to be UTF-16 without a byte-order mark: save it as UTF-8, or "
            "name the encoding.",
        )
    raise _nul(seen.nul_line, seen.nuls)


def _nul(line: int, count: int) -> DataError:
    return DataError(
        "nul_byte",
        fr=f"Ligne {line} : un caractère nul, qu’aucun texte ne contient ({count} vus).",
        en=f"Line {line}: a NUL character, which no text holds ({count} seen).",
    )


def _double_encoded(lines: list[int]) -> DataError:
    shown = ", ".join(map(str, lines))
    return DataError(
        "double_encoded",
        fr=f"Des lettres ont été encodées deux fois (« Ã© » au lieu de « é »), d’abord aux "
        f"lignes : {shown}. Exportez le fichier de nouveau en UTF-8.",
        en=f"Some letters were encoded twice (“Ã©” for “é”), first on lines: {shown}. "
        "Export the file again as UTF-8.",
    )


def _mixed(chunks: Iterable[bytes]) -> DataError:
    """Name the first lines of both kinds; only on the way to a refusal, so line by line."""
    utf8: list[int] = []
    other: list[int] = []
    line, tail = 1, b""
    for chunk in chunks:
        parts = (tail + chunk).split(b"\n")
        tail = parts.pop()[-(2**20) :]
        for part in parts:
            if not part.isascii():
                kind = utf8 if _is_utf8(part) else other
                if len(kind) < _MOST_LINES:
                    kind.append(line)
            line += 1
        if len(utf8) == len(other) == _MOST_LINES:
            break
    if tail and not tail.isascii():
        (utf8 if _is_utf8(tail) else other).append(line)
    in_utf8, in_other = (", ".join(map(str, kind[:_MOST_LINES])) for kind in (utf8, other))
    return DataError(
        "mixed_encoding",
        fr=f"Le fichier mêle deux encodages. Lignes en UTF-8 : {in_utf8 or 'aucune entière'}; "
        f"lignes dans un autre encodage : {in_other or 'aucune entière'}.",
        en=f"The file mixes two encodings. Lines in UTF-8: {in_utf8 or 'none as a whole'}; "
        f"lines in another encoding: {in_other or 'none as a whole'}.",
    )


def _is_utf8(part: bytes) -> bool:
    try:
        part.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _hash(origin: Origin, watch: Watch, look: Callable[[bytes], None] | None) -> str:
    digest = hashlib.sha256()
    with origin.path.open("rb") as raw:
        done = 0
        while chunk := raw.read(2**23):
            digest.update(chunk)
            if look is not None:
                look(chunk)
            done += len(chunk)
            watch(Progress(Step.HASH, done, origin.size))
    return digest.hexdigest()


def _without_bom(chunks: Iterable[bytes]) -> Iterator[bytes]:
    is_first = True
    for chunk in chunks:
        yield chunk.removeprefix(codecs.BOM_UTF8) if is_first else chunk
        is_first = False


def _without_nuls(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Refuse NUL characters, which only decoding shows in UTF-16."""
    line = 1
    for chunk in chunks:
        if b"\0" in chunk:
            raise _nul(line + chunk.count(b"\n", 0, chunk.index(b"\0")), chunk.count(b"\0"))
        line += chunk.count(b"\n")
        yield chunk


def _with_line_feeds(chunks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Turn the lone carriage returns of old Macintosh files into line feeds."""
    first = next(chunks, b"")
    while len(first) < 2**20 and b"\n" not in first:
        more = next(chunks, None)
        if more is None:
            break
        first += more
    is_old_mac = b"\r" in first and b"\n" not in first
    yield first.replace(b"\r", b"\n") if is_old_mac else first
    for chunk in chunks:
        yield chunk.replace(b"\r", b"\n") if is_old_mac else chunk
