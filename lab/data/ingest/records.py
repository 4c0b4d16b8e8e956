"""Cuts delimited text into blocks of whole records, and counts them by its own means.

The structure (quotes, delimiters, ends of line) is found with array operations over the bytes,
without any CSV library: its count of records is therefore a check on the library that reads the
values. Quoting is that of RFC 4180: a quote opens a field only at its beginning, is doubled
inside, and closes it at its end; anything else is refused with its place rather than guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from lab.data.ingest.model import Limits

    Places = npt.NDArray[np.int64]
    Bytes = npt.NDArray[np.uint8]

_LF, _CR = 10, 13
_MOST_LINES = 10


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records.

    Attributes:
        data: UTF-8 text; every record but perhaps the very last ends with a line feed.
        ends: For each record, the offset just after it, int64[records].
        blank: For each record, whether it is an empty line, bool[records].
        fields: For each record, its number of fields, int64[records].
        first_line: Line of the file on which the block begins, from 1.
    """

    data: bytes
    ends: Places
    blank: npt.NDArray[np.bool_]
    fields: Places
    first_line: int

    def line_of(self, record: int) -> int:
        """Line of the file on which a record begins, from 1."""
        start = int(self.ends[record - 1]) if record else 0
        return self.first_line + self.data.count(b"\n", 0, start)


def cut(chunks: Iterable[bytes], *, delimiter: str, quote: str, limits: Limits) -> Iterator[Block]:
    """Yield blocks of whole records.

    Raises:
        DataError: ``stray_quote``, ``unclosed_quote``, ``cell_too_large``.
    """
    cutter = _Cutter(ord(delimiter), ord(quote) if quote else None, limits)
    tail, line = b"", 1
    for chunk in chunks:
        buffer = tail + chunk if tail else chunk
        block = cutter.block(buffer, line, is_last=False)
        if block is None:
            tail = buffer
            cutter.check_tail(tail, line)
            continue
        yield block
        tail = buffer[len(block.data) :]
        line += block.data.count(b"\n")
        cutter.check_tail(tail, line)
    if tail:
        last = cutter.block(tail, line, is_last=True)
        if last is not None:
            yield last


def check_widths(block: Block, expected: int) -> None:
    """Refuse records that have another number of fields.

    Raises:
        DataError: ``ragged_rows``, with the first lines.
    """
    wrong = np.flatnonzero((block.fields != expected) & ~block.blank)
    if wrong.size == 0:
        return
    first = wrong[:_MOST_LINES]
    places = [f"{block.line_of(int(i))} ({int(block.fields[i])})" for i in first]
    shown = ", ".join(places) + (", …" if wrong.size > _MOST_LINES else "")
    raise DataError(
        "ragged_rows",
        fr=f"Des lignes n’ont pas {expected} colonnes comme la première; "
        f"ligne (nombre de colonnes) : {shown}.",
        en=f"Some lines do not have {expected} columns as the first one does; "
        f"line (number of columns): {shown}.",
    )


@dataclass(frozen=True, slots=True)
class _Cutter:
    delimiter: int
    quote: int | None
    limits: Limits

    def block(self, buffer: bytes, line: int, *, is_last: bool) -> Block | None:
        codes: Bytes = np.frombuffer(buffer, dtype=np.uint8)
        mask = (codes == self.delimiter) | (codes == _LF)
        quoted = self.quote is not None and bytes([self.quote]) in buffer
        if quoted:
            mask |= codes == self.quote
        places: Places = np.flatnonzero(mask)
        kinds = codes[places]
        if quoted:
            is_quote = kinds == self.quote
            inside = (np.cumsum(is_quote, dtype=np.int32) & 1).astype(np.bool_)
            self._check_quotes(codes, places[is_quote], inside[is_quote], line)
            if is_last and inside.size and inside[-1]:
                self._fail_unclosed(codes, int(places[is_quote][-1]), line)
            keep = ~inside & ~is_quote
            places, kinds = places[keep], kinds[keep]
        is_end = kinds == _LF
        ends = places[is_end] + 1
        has_rest = is_last and (ends.size == 0 or int(ends[-1]) < len(buffer))
        if ends.size == 0 and not has_rest:
            return None
        so_far = np.cumsum(kinds == self.delimiter)
        marks = so_far[is_end]
        stop = len(buffer) if has_rest else int(ends[-1])
        if has_rest:
            ends = np.append(ends, stop)
            marks = np.append(marks, so_far[-1] if so_far.size else 0)
        fields = np.diff(marks, prepend=0) + 1
        starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1]))
        blank = (ends - starts == 1) & (codes[starts] == _LF)
        crlf = (ends - starts == 2) & (codes[starts] == _CR)  # noqa: PLR2004  "\r\n"
        crlf[crlf] = codes[starts[crlf] + 1] == _LF
        self._check_cells(codes, places[places < stop], stop, line)
        return Block(buffer[:stop], ends, blank | crlf, fields.astype(np.int64), line)

    def check_tail(self, tail: bytes, line: int) -> None:
        """Bound what is held: an incomplete record is never longer than its cells may be."""
        if len(tail) <= self.limits.max_cell_bytes:
            return
        codes: Bytes = np.frombuffer(tail, dtype=np.uint8)
        places: Places = np.flatnonzero(codes == self.delimiter)
        if self.quote is not None:
            quotes = np.flatnonzero(codes == self.quote)
            if quotes.size % 2:
                start = int(quotes[-1])
                if len(tail) - start > self.limits.max_cell_bytes:
                    self._fail_unclosed(codes, start, line)
                return
            before = np.searchsorted(quotes, places)
            places = places[before % 2 == 0]
        self._check_cells(codes, places, len(tail), line)

    def _check_cells(self, codes: Bytes, places: Places, stop: int, line: int) -> None:
        edges = np.concatenate(([-1], places, [stop]))
        sizes = np.diff(edges) - 1
        worst = int(np.argmax(sizes))
        if int(sizes[worst]) <= self.limits.max_cell_bytes:
            return
        at = int(edges[worst]) + 1
        row, column = self._place(codes, at, line)
        size, most = int(sizes[worst]), self.limits.max_cell_bytes
        raise DataError(
            "cell_too_large",
            fr=f"Ligne {row}, colonne {column} : une cellule de {size} octets dépasse la "
            f"limite de {most} octets.",
            en=f"Line {row}, column {column}: a cell of {size} bytes is over the limit of "
            f"{most} bytes.",
        )

    def _check_quotes(self, codes: Bytes, quotes: Places, inside: Places, line: int) -> None:
        limits = np.zeros(256, dtype=np.bool_)
        limits[[self.delimiter, _LF, self.quote or 0]] = True
        opening, closing = quotes[inside.astype(np.bool_)], quotes[~inside.astype(np.bool_)]
        opening = opening[opening > 0]
        wrong_open = opening[~limits[codes[opening - 1]]]
        closing = closing[closing < codes.size - 1]
        after = codes[closing + 1]
        wrong_close = closing[~limits[after]]
        # A carriage return may follow only where a line feed follows it (or has yet to come).
        ahead = np.minimum(wrong_close + 2, codes.size - 1)
        ends_line = (codes[wrong_close + 1] == _CR) & (
            (codes[ahead] == _LF) | (wrong_close + 2 >= codes.size)
        )
        wrong_close = wrong_close[~ends_line]
        wrong = np.concatenate((wrong_open, wrong_close))
        if wrong.size == 0:
            return
        row, column = self._place(codes, int(wrong.min()), line)
        raise DataError(
            "stray_quote",
            fr=f"Ligne {row}, colonne {column} : un guillemet au milieu d’une cellule, ou un "
            "guillemet jamais fermé plus haut. Doublez-le, ou indiquez que les guillemets "
            "n’ont pas de sens.",
            en=f"Line {row}, column {column}: a quote in the middle of a cell, or a quote "
            "never closed above. Double it, or say that quotes mean nothing.",
        )

    def _fail_unclosed(self, codes: Bytes, at: int, line: int) -> None:
        row, column = self._place(codes, at, line)
        raise DataError(
            "unclosed_quote",
            fr=f"Ligne {row}, colonne {column} : un guillemet s’ouvre et ne se ferme jamais.",
            en=f"Line {row}, column {column}: a quote opens and never closes.",
        )

    def _place(self, codes: Bytes, at: int, line: int) -> tuple[int, int]:
        """Line of the file and column of the table of an offset, both from 1."""
        before = codes[:at]
        row = line + int(np.count_nonzero(before == _LF))
        outside = np.ones(at, dtype=np.bool_)
        if self.quote is not None:
            outside = (np.cumsum(before == self.quote) & 1) == 0
        ends = np.flatnonzero((before == _LF) & outside)
        start = int(ends[-1]) + 1 if ends.size else 0
        marks = (before[start:] == self.delimiter) & outside[start:]
        return row, int(np.count_nonzero(marks)) + 1
