"""Reads delimited text in blocks of whole records."""

from __future__ import annotations

import csv
import io
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from lab.data.errors import DataError
from lab.data.ingest.dialect import check_delimiter, find_delimiter
from lab.data.ingest.model import Sentence, Warned
from lab.data.ingest.records import check_widths, cut
from lab.data.ingest.tables import Told, check_columns, check_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.data.ingest.model import Options, Progress
    from lab.data.ingest.records import Block
    from lab.data.ingest.text import Text

_SAMPLE_BYTES = 2**20


class Delimited:
    """A table in delimited text; every column is text until its values decide."""

    def __init__(self, text: Text, options: Options, *, watch: Callable[[Progress], None]) -> None:
        self._text, self._options, self._watch = text, options, watch
        self._told = Told(encoding=text.encoding, warnings=list(text.warnings))
        self._blank_lines = 0

    @property
    def told(self) -> Told:
        """What is told beside the batches."""
        return self._told

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows, empty lines left out of tables of several columns.

        Raises:
            DataError: What the text holds that cannot be read; see ``records``.
        """
        options, told = self._options, self._told
        chunks = self._text.chunks(self._watch)
        first = next(chunks, b"")
        told.delimiter = delimiter = (
            check_delimiter(options.delimiter)
            if options.delimiter
            else find_delimiter(first[:_SAMPLE_BYTES], quote=options.quote, limits=options.limits)
        )
        blocks = cut(
            chain([first], chunks), delimiter=delimiter, quote=options.quote, limits=options.limits
        )
        for block in blocks:
            start = 0
            if not told.names:
                start = self._begin(block)
                if not told.names:
                    continue
            check_widths(block, len(told.names))
            if start < block.ends.size:
                yield self._batch(block, start)
        if not told.names:
            raise DataError(
                "empty_file",
                fr="Le fichier ne contient que des lignes vides.",
                en="The file holds nothing but empty lines.",
            )
        self._tell_blank_lines()

    def _begin(self, block: Block) -> int:
        """Take names from the first record that is not empty; say where data begin."""
        filled = (~block.blank).nonzero()[0]
        if filled.size == 0:
            return 0
        at = int(filled[0])
        check_columns(int(block.fields[at]), self._options.limits)
        if not self._options.has_header:
            self._told.names = [f"colonne_{i + 1}" for i in range(int(block.fields[at]))]
            return at
        start = int(block.ends[at - 1]) if at else 0
        text = block.data[start : int(block.ends[at])].decode("utf-8").removesuffix("\n")
        self._told.names = self._split(text.removesuffix("\r"))
        return at + 1

    def _split(self, record: str) -> list[str]:
        delimiter, quote = self._told.delimiter or ",", self._options.quote
        if not quote:
            return record.split(delimiter)
        csv.field_size_limit(max(self._options.limits.max_cell_bytes, 131_072))
        lines = io.StringIO(record, newline="")
        rows = csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True)
        return next(iter(rows), [""])

    def _batch(self, block: Block, start: int) -> pl.DataFrame:
        told, options = self._told, self._options
        offset = int(block.ends[start - 1]) if start else 0
        data = block.data[offset:] if offset else block.data
        batch = pl.read_csv(
            io.BytesIO(data),
            has_header=False,
            schema={str(i): pl.String for i in range(len(told.names))},
            separator=told.delimiter or ",",
            quote_char=options.quote or None,
        )
        blank = block.blank[start:]
        check_count(blank.size, batch.height)
        if len(told.names) > 1 and blank.any():
            self._blank_lines += int(blank.sum())
            batch = batch.filter(pl.Series(~blank))
        told.counted += batch.height
        return batch

    def _tell_blank_lines(self) -> None:
        if self._blank_lines:
            says = Sentence(
                f"Lignes entièrement vides, laissées de côté : {self._blank_lines}.",
                f"Wholly empty lines, left out: {self._blank_lines}.",
            )
            self._told.warnings.append(Warned("blank_lines", None, says))
