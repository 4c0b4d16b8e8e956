"""Second pass: batches put aside are cast and written as one Parquet file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq
from polars.exceptions import PolarsError

from lab.data.errors import DataError
from lab.data.ingest.cast import cast, dtype, kind_of
from lab.data.ingest.model import (
    ColumnReading,
    ColumnType,
    Progress,
    Sentence,
    Step,
    Suggestion,
    Warned,
)
from lab.data.ingest.nines import Nines, see_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.data.ingest.decide import Spec
    from lab.data.ingest.staging import Staged
    from lab.data.ingest.unpack import Origin

_GROUP_ROWS = 2**17


def write(
    staged: Staged,
    specs: dict[int, Spec],
    *,
    names: tuple[list[str], tuple[str, ...]],
    target: Path,
    origin: Origin,
    watch: Callable[[Progress], None],
) -> tuple[tuple[ColumnReading, ...], list[Warned]]:
    """Cast and write; the target appears only once it is whole.

    Args:
        staged: What the first pass left.
        specs: How to cast each column of text, by place.
        names: As given, and safe.
        target: Parquet file to write.
        origin: Whose size progress is told in.
        watch: Told of progress.

    Returns:
        What became of each column, and what to look at.

    Raises:
        DataError: ``cast_failed`` where a value would have been lost.
    """
    part = target.with_name(f"{target.name}.part")
    nines: dict[int, Nines] = {}
    nulls = [0] * len(names[1])
    exprs = [_expr(place, name, staged, specs) for place, name in enumerate(names[1])]
    writer: pq.ParquetWriter | None = None
    try:
        for done, file in enumerate(staged.files, start=1):
            frame = _complete(pl.read_ipc(file), len(names[1]))
            typed = _cast(frame, exprs)
            for place, column in enumerate(typed.get_columns()):
                nulls[place] += column.null_count()
            see_all(typed, nines)
            table = typed.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                writer = pq.ParquetWriter(
                    part, table.schema, compression="zstd", compression_level=1
                )
            writer.write_table(table, row_group_size=_GROUP_ROWS)
            file.unlink()
            told = origin.size * done // len(staged.files)
            watch(Progress(Step.WRITE, told, origin.size))
        if writer is not None:
            writer.close()
        _check(part, staged, specs, nulls=nulls, names=names[0])
        part.replace(target)
    finally:
        if writer is not None:
            writer.close()
        part.unlink(missing_ok=True)
    columns = tuple(
        _reading(place, pair, staged, specs, nines)
        for place, pair in enumerate(zip(*names, strict=True))
    )
    return columns, _warnings(columns, staged, specs)


def _expr(place: int, name: str, staged: Staged, specs: dict[int, Spec]) -> pl.Expr:
    if place in specs:
        spec = specs[place]
        made = cast(spec, str(place), name)
        # Times with an offset come out in UTC, others without a zone.
        return made if spec.how == "iso_zoned" else made.cast(dtype(spec.type))
    return pl.col(str(place)).cast(staged.types[place]).alias(name)


def _complete(frame: pl.DataFrame, width: int) -> pl.DataFrame:
    """Add the columns that came later (JSON lines)."""
    absent = [str(i) for i in range(width) if str(i) not in frame.columns]
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)


def _cast(frame: pl.DataFrame, exprs: list[pl.Expr]) -> pl.DataFrame:
    try:
        return frame.select(exprs)
    except PolarsError as error:
        raise DataError(
            "cast_failed",
            fr="Une valeur ne se lit pas comme le type de sa colonne : imposez le type texte.",
            en="A value does not read as its column's type: impose the text type.",
        ) from error


def _check(
    part: Path, staged: Staged, specs: dict[int, Spec], *, nulls: list[int], names: list[str]
) -> None:
    """Every row is in the file, and every value that was one still is."""
    rows = pq.read_metadata(part).num_rows
    if rows != staged.rows:
        raise DataError(
            "row_count_mismatch",
            fr=f"{staged.rows} rangées lues et {rows} écrites.",
            en=f"{staged.rows} rows read and {rows} written.",
        )
    for place, found in enumerate(nulls):
        if found != sum(_missing(place, staged, specs).values()):
            raise DataError(
                "cast_failed",
                fr=f"Colonne « {names[place]} » : des valeurs ne se lisent pas comme le type "
                "de la colonne; imposez le type texte.",
                en=f"Column “{names[place]}”: some values do not read as the column's type; "
                "impose the text type.",
            )


def _missing(place: int, staged: Staged, specs: dict[int, Spec]) -> dict[str, int]:
    """Cells that are null in the end, by what they held."""
    imposed = dict(staged.imposed.get(place, {}))
    if place not in specs:
        empty = staged.nulls[place] - sum(imposed.values())
        return ({"": empty} if empty else {}) | imposed
    seen = staged.seen[place]
    empty = seen.nulls + staged.absent[place] - sum(imposed.values())
    counts = ({"": empty} if empty else {}) | imposed
    if specs[place].type is not ColumnType.TEXT:
        for code, count in seen.codes.items():
            counts[code] = counts.get(code, 0) + count
    return counts


def _reading(
    place: int,
    names: tuple[str, str],
    staged: Staged,
    specs: dict[int, Spec],
    nines: dict[int, Nines],
) -> ColumnReading:
    given, safe = names
    missing = _missing(place, staged, specs)
    if place not in specs:
        says = Sentence("Type donné par le fichier.", "Type given by the file.")
        kind = kind_of(staged.types[place])
        found = nines[place].suggestions() if place in nines else ()
        return ColumnReading(given, safe, kind, says, missing, found)
    spec = specs[place]
    found = nines[place].suggestions() if place in nines else ()
    if spec.type is ColumnType.TEXT:
        found = tuple(_suggest(c, n) for c, n in sorted(staged.seen[place].codes.items()) if c)
    return ColumnReading(given, safe, spec.type, spec.why, missing, found, spec.unit)


def _suggest(code: str, count: int) -> Suggestion:
    says = Sentence(
        f"« {code} » (nombre : {count}) : est-ce un code pour une valeur manquante?",
        f"“{code}” (count: {count}): is it a code for a missing value?",
    )
    return Suggestion(code, count, says)


def _warnings(
    columns: tuple[ColumnReading, ...], staged: Staged, specs: dict[int, Spec]
) -> list[Warned]:
    warned: list[Warned] = []
    for place, column in enumerate(columns):
        if place not in specs:
            continue
        warned += specs[place].warned(column.name)
        count = staged.seen[place].formulas
        if count:
            says = Sentence(
                f"« {column.given} » : cellules qui commencent par = + - ou @ : {count}. Gardées "
                "telles quelles; un tableur les prendrait pour des formules.",
                f"“{column.given}”: cells that begin with = + - or @: {count}. Kept as they "
                "are; a spreadsheet program would take them for formulas.",
            )
            warned.append(Warned("formula_like", column.name, says))
    return warned
