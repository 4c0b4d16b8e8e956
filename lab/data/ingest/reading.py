"""Reads a person's file into one typed Parquet file.

Two passes: the first reads the source, looks at every value and puts the batches aside on the
same disk; the second casts them. Memory is bounded by the size of a batch, whatever that of the
file; see ``tests/data/ingest/bench_ingest.py`` for what was measured.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.data.errors import DataError
from lab.data.ingest.columnar import Columnar
from lab.data.ingest.decide import decide
from lab.data.ingest.delimited import Delimited
from lab.data.ingest.excel import Excel
from lab.data.ingest.jsonlines import JsonLines, is_json_lines
from lab.data.ingest.model import ColumnOptions, Format, Options, Reading
from lab.data.ingest.names import header_warnings, safe_names
from lab.data.ingest.staging import check_options, options_by_place, stage
from lab.data.ingest.tables import check_count
from lab.data.ingest.text import hash_raw, survey
from lab.data.ingest.unpack import probe
from lab.data.ingest.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.data.ingest.decide import Spec
    from lab.data.ingest.model import Progress
    from lab.data.ingest.staging import Staged
    from lab.data.ingest.tables import Source, Told
    from lab.data.ingest.text import Text
    from lab.data.ingest.unpack import Origin

    Watch = Callable[[Progress], None]


def _ignore(_: Progress) -> None:
    return


def read(
    source: Path,
    target: Path,
    *,
    options: Options = Options(),  # noqa: B008  frozen
    progress: Callable[[Progress], None] = _ignore,
) -> Reading:
    """Read a file into one typed Parquet file, which appears whole or not at all.

    Args:
        source: CSV, TSV, text with semicolons, .xlsx, Parquet or JSON lines; text may be alone
            in a .zip, or in a .gz. What it is, is told by its content.
        target: Parquet file to write; its folder also holds the batches put aside, about the
            size of the unpacked source, until the reading ends.
        options: What a person decides.
        progress: Told of every step; when it raises, the reading stops and leaves nothing.

    Returns:
        What was read, and why so.

    Raises:
        DataError: The file cannot be read without guessing or losing something.
    """
    origin = probe(source, options.limits)
    sha256, table = _open(origin, options, progress)
    folder = tempfile.TemporaryDirectory(dir=target.parent, prefix=".ingest-")
    with folder as name:
        staged = stage(table, options, Path(name))
        told = table.told
        check_options(told.names, options)
        check_count(told.counted, staged.rows)
        if staged.rows == 0:
            raise DataError(
                "header_only",
                fr="Le fichier n’a qu’un en-tête : aucune rangée de données.",
                en="The file has a header only: no row of data.",
            )
        names = safe_names(told.names)
        specs = _decide(staged, told, options)
        columns, warned = write(
            staged, specs, names=(told.names, names), target=target, origin=origin, watch=progress
        )
    header = header_warnings(told.names, names) if options.has_header else []
    return Reading(
        sha256=sha256,
        bytes=origin.size,
        format=_format(table),
        encoding=told.encoding,
        delimiter=told.delimiter,
        sheet=told.sheet,
        rows=staged.rows,
        columns=columns,
        warnings=(*told.warnings, *header, *warned),
    )


def _open(origin: Origin, options: Options, watch: Watch) -> tuple[str, Source]:
    if origin.format is Format.PARQUET:
        return hash_raw(origin, watch), Columnar(origin, options, watch=watch)
    if origin.format is Format.EXCEL:
        return hash_raw(origin, watch), Excel(origin, options, watch=watch)
    sha256, text = survey(origin, options, watch)
    if _is_json(text, options):
        return sha256, JsonLines(text, options, watch=watch)
    return sha256, Delimited(text, options, watch=watch)


def _is_json(text: Text, options: Options) -> bool:
    if options.format is not None:
        return options.format is Format.JSON_LINES
    with closing(text.chunks(_ignore)) as chunks:
        return is_json_lines(next(chunks, b""))


def _decide(staged: Staged, told: Told, options: Options) -> dict[int, Spec]:
    asked = options_by_place(told.names, options)
    specs: dict[int, Spec] = {}
    for place, seen in staged.seen.items():
        try:
            spec = decide(
                seen,
                asked.get(place, ColumnOptions()),
                is_declared_text=place in told.declared_text,
                is_declared_number=place in told.declared_numbers,
            )
            specs[place] = replace(
                spec, has_codes=bool(seen.codes), is_grouped=bool(seen.facts["grouped"])
            )
        except DataError as error:
            given = told.names[place]
            raise DataError(
                error.reason,
                fr=f"Colonne « {given} » : {error.fr}",
                en=f"Column “{given}”: {error.en}",
            ) from error
    return specs


def _format(table: Source) -> Format:
    kinds = {
        Columnar: Format.PARQUET,
        Excel: Format.EXCEL,
        JsonLines: Format.JSON_LINES,
        Delimited: Format.DELIMITED,
    }
    return next(kind for cls, kind in kinds.items() if isinstance(table, cls))
