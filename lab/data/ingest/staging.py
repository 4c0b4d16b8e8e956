"""First pass: every batch is looked at and put aside as it is, until types are known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from lab.data.errors import DataError
from lab.data.ingest import patterns
from lab.data.ingest.evidence import PLAIN_INTEGER, Evidence
from lab.data.ingest.names import safe_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.data.ingest.model import ColumnOptions, Options
    from lab.data.ingest.tables import Source

_ROWS_AT_LEAST = 20_000
_BYTES_AT_MOST = 48 * 2**20


@dataclass(slots=True)
class Staged:
    """What the first pass leaves.

    Attributes:
        files: Batches in order, as Arrow files; columns are named by place.
        rows: In all of them.
        seen: Evidence of each column of text, by place.
        nulls: Of each column that its format types by itself, by place.
        types: Of those columns.
        imposed: Values replaced as the options ask, by place.
        absent: Rows in which a column did not exist yet, by place (JSON lines).
    """

    files: list[Path] = field(default_factory=list)
    rows: int = 0
    seen: dict[int, Evidence] = field(default_factory=dict)
    nulls: Counter[int] = field(default_factory=Counter)
    types: dict[int, pl.DataType] = field(default_factory=dict)
    imposed: dict[int, Counter[str]] = field(default_factory=dict)
    absent: Counter[int] = field(default_factory=Counter)


def stage(source: Source, options: Options, folder: Path) -> Staged:
    """Look at every batch and put it aside in a folder.

    Raises:
        DataError: What the source raises.
    """
    staged = Staged()
    for batch in _large_enough(source.batches()):
        if not staged.files and not source.told.may_grow:
            check_options(source.told.names, options)  # a slip is told before hours of reading
        asked = options_by_place(source.told.names, options)
        clean = _replace(batch, asked, staged)
        _look(clean, staged)
        file = folder / f"{len(staged.files):07d}.arrow"
        clean.write_ipc(file, compression="lz4", compat_level=pl.CompatLevel.oldest())
        staged.files.append(file)
        staged.rows += clean.height
    return staged


def options_by_place(names: list[str], options: Options) -> dict[int, ColumnOptions]:
    """Find the columns that options name, as given or by safe name."""
    if not options.columns:
        return {}
    places = {name: place for place, name in reversed(list(enumerate(safe_names(names))))}
    places |= {name: place for place, name in reversed(list(enumerate(names)))}
    return {places[n]: asked for n, asked in options.columns.items() if n in places}


def check_options(names: list[str], options: Options) -> None:
    """Refuse options for a column that is not there.

    Raises:
        DataError: ``unknown_column``.
    """
    known = {*names, *safe_names(names)}
    for name in options.columns:
        if name not in known:
            raise DataError(
                "unknown_column",
                fr=f"Des options nomment la colonne « {name} », que le fichier n’a pas.",
                en=f"Options name the column “{name}”, which the file does not have.",
            )


def _replace(batch: pl.DataFrame, asked: dict[int, ColumnOptions], staged: Staged) -> pl.DataFrame:
    """Make nulls of empty cells and of the codes that options name."""
    texts = [name for name, kind in batch.schema.items() if kind == pl.String]
    clean = batch.with_columns(
        pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in texts
    )
    for place, choice in asked.items():
        name = str(place)
        if not choice.missing or name not in clean.columns:
            continue
        codes = [code.strip(patterns.SPACES) for code in choice.missing]
        column = clean[name]
        if column.dtype == pl.String:
            key = column.str.strip_chars(patterns.SPACES)
            hit = key.is_in(codes)
        else:
            key = column.cast(pl.String)
            hit = (
                column.cast(pl.Float64).is_in(_as_numbers(codes))
                if column.dtype.is_numeric()
                else key.is_in(codes)
            )
        counts = staged.imposed.setdefault(place, Counter())
        for code, count in key.filter(hit).value_counts().iter_rows():
            counts[str(code)] += int(count)
        clean = clean.with_columns(pl.when(~pl.lit(hit)).then(pl.col(name)).alias(name))
    return clean


def _as_numbers(codes: list[str]) -> list[float]:
    numbers: list[float] = []
    for code in codes:
        try:
            numbers.append(float(code.replace(",", ".")))
        except ValueError:
            continue
    return numbers


def _look(batch: pl.DataFrame, staged: Staged) -> None:
    first_row = staged.rows + 1
    integers = _plain_integers(batch, staged)
    for name, column in zip(batch.columns, batch.get_columns(), strict=True):
        place = int(name)
        if column.dtype == pl.String:
            if place not in staged.seen:
                staged.seen[place] = Evidence()
                staged.absent[place] = staged.rows
            if name in integers:
                nulls = column.null_count()
                staged.seen[place].take_integers(values=column.len() - nulls, nulls=nulls)
            else:
                staged.seen[place].see(column, first_row=first_row)
        else:
            staged.types[place] = column.dtype
            staged.nulls[place] += column.null_count()
    for place in staged.seen:
        if str(place) not in batch.columns:
            staged.absent[place] += batch.height


def _plain_integers(batch: pl.DataFrame, staged: Staged) -> set[str]:
    """Columns that go on holding plain integers, the most common ones, all in one go."""
    open_ = [
        name
        for name, kind in batch.schema.items()
        if kind == pl.String
        and (int(name) not in staged.seen or staged.seen[int(name)].may_be_integers)
    ]
    if not open_:
        return set()
    flags = batch.select(pl.col(open_).str.contains(PLAIN_INTEGER).all()).row(0)
    return {name for name, is_so in zip(open_, flags, strict=True) if is_so}


def _large_enough(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Join small batches: each column costs a little per batch, much for thousands of them."""
    held: list[pl.DataFrame] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += batch.height
        size += int(batch.estimated_size())
        if rows >= _ROWS_AT_LEAST or size >= _BYTES_AT_MOST:
            yield pl.concat(held, how="diagonal") if len(held) > 1 else held[0]
            held, rows, size = [], 0, 0
    if held:
        yield pl.concat(held, how="diagonal") if len(held) > 1 else held[0]
