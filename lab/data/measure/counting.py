"""Counting classes: how many rows look alike to somebody who knows the quasi-identifiers.

k: Sweeney, IJUFKS 10 (2002). l (distinct): Machanavajjhala and others, TKDD 1 (2007). t: Li, Li
and Venkatasubramanian, ICDE 2007. Risk of one row against somebody who knows that the person is
in the table (prosecutor): one over the size of its class; El Emam and Dankar, JAMIA 15 (2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SUPPRESSED: Final = "*"
"""What a suppressed value looks like; a null in every quasi-identifier says the same."""

_DENSE: Final = 1 << 25
"""Most cells that are counted in one array (256 MB); beyond that they are sorted."""
_NEAR: Final = 1 << 22
"""Whole numbers closer together than this are their own codes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the classes of a table say.

    Attributes:
        rows: Rows that belong to a class.
        suppressed: Rows whose quasi-identifiers were all removed; in no class.
        classes: Number of classes.
        k: Size of the smallest class; 0 without rows.
        unique_share: Share of the rows alone in their class.
        average_risk: Mean over the rows of one over the size of their class.
        maximal_risk: One over ``k``; 0 without rows.
        under: For each threshold asked for, the share of rows in a smaller class.
        sizes: Histogram: size of class, number of classes of that size.
    """

    rows: int
    suppressed: int
    classes: int
    k: int
    unique_share: float
    average_risk: float
    maximal_risk: float
    under: tuple[tuple[int, float], ...]
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Diversity:
    """How much the classes say about one sensitive column.

    Attributes:
        column: Its name.
        l: Smallest number of different values in a class; 0 without rows.
        t: Largest distance from a class's distribution to the whole table's, 0 to 1: half the
            sum of differences for words, the ordered distance of Li and others for numbers.
    """

    column: str
    l: int  # noqa: E741  # its name everywhere
    t: float


def require(table: pl.DataFrame, columns: Sequence[str]) -> None:
    """Make sure that the columns are there.

    Raises:
        DataError: ``missing_column``.
    """
    for name in columns:
        if name not in table.columns:
            raise DataError(
                "missing_column",
                fr=f"La colonne «\u00a0{name}\u00a0» n’est pas dans la table.",
                en=f"Column “{name}” is not in the table.",
            )


def count(
    table: pl.DataFrame, columns: Sequence[str], *, thresholds: Sequence[int] = (5, 11)
) -> Counts:
    """Count the classes of ``columns``.

    Args:
        table: Any table; nulls are a value like another.
        columns: Quasi-identifiers; none puts every row into one class.
        thresholds: Sizes below which a class is said to be small.

    Raises:
        DataError: ``missing_column``.
    """
    require(table, columns)
    kept = in_classes(table, columns)
    sizes, classes = _histogram(kept, columns)
    rows = int(kept.height)
    total = int(classes.sum())
    smallest = int(sizes[0]) if rows else 0
    weights = sizes * classes

    def share(chosen: NDArray[np.bool_]) -> float:
        return float(weights[chosen].sum()) / rows if rows else 0.0

    return Counts(
        rows=rows,
        suppressed=int(table.height) - rows,
        classes=total,
        k=smallest,
        unique_share=share(sizes == 1),
        average_risk=total / rows if rows else 0.0,
        maximal_risk=1 / smallest if smallest else 0.0,
        under=tuple((k, share(sizes < k)) for k in thresholds),
        sizes=tuple((int(s), int(c)) for s, c in zip(sizes, classes, strict=True)),
    )


def in_classes(table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Rows of ``table`` with at least one quasi-identifier left."""
    if not columns:
        return table
    gone = [
        pl.col(c).is_null() | (pl.col(c) == SUPPRESSED)
        if table.schema[c] == pl.String
        else pl.col(c).is_null()
        for c in columns
    ]
    return table.filter(~pl.all_horizontal(gone))


def diversity(
    table: pl.DataFrame, columns: Sequence[str], sensitive: Sequence[str]
) -> tuple[Diversity, ...]:
    """Count l and t of every sensitive column in the classes of ``columns``.

    Raises:
        DataError: ``missing_column``.
    """
    require(table, [*columns, *sensitive])
    kept = in_classes(table, columns)
    if not kept.height:
        return tuple(Diversity(name, 0, 0.0) for name in sensitive)
    marked = _class_codes(kept, columns)
    return tuple(_diversity(kept[name], marked) for name in sensitive)


def _histogram(
    table: pl.DataFrame, columns: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not table.height:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    counts = np.bincount(_class_codes(table, columns))
    sizes, classes = np.unique(counts, return_counts=True)
    return sizes.astype(np.int64), classes.astype(np.int64)


def _class_codes(table: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.int64]:
    """Number of each row's class, from 0 without a gap.

    Columns become small whole numbers, mixed into one; when the product of their sizes grows past
    a table that can be counted directly, what was mixed so far is renumbered.
    """
    codes = np.zeros(table.height, np.int64)
    size = 1
    room = max(4 * table.height, 1 << 16)
    for name in columns:
        column, width = _small(table[name])
        codes = codes * width + column
        size *= width
        if size > room:
            codes, size = _renumber(codes, size)
    return _renumber(codes, size)[0]


def _small(values: pl.Series) -> tuple[NDArray[np.int64], int]:
    """Small whole numbers, 0 for missing; in the order of the values where they are numbers."""
    if values.dtype.is_integer() or values.dtype == pl.Date:
        plain = values.to_physical().cast(pl.Int64, strict=False)
        low, high = plain.min(), plain.max()
        near = isinstance(low, int) and isinstance(high, int) and high - low < _NEAR
        if near and plain.null_count() == values.null_count():
            codes = (plain - low + 1).fill_null(0).to_numpy().astype(np.int64)
            return _renumber(codes, int(codes.max(initial=0)) + 1)
    if values.dtype == pl.String:
        plain = values.cast(pl.Categorical).to_physical().cast(pl.Int64) + 1
        codes = plain.fill_null(0).to_numpy()
    else:
        codes = values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return _renumber(codes, int(codes.max(initial=0)) + 1)


def _renumber(codes: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], int]:
    if size <= _DENSE:
        seen = np.zeros(size, np.bool_)
        seen[codes] = True
        numbers = np.cumsum(seen, dtype=np.int64) - 1
        return numbers[codes], int(numbers[-1]) + 1 if len(numbers) else 0
    values, inverse = np.unique(codes, return_inverse=True)
    return inverse.astype(np.int64), len(values)


def _diversity(values: pl.Series, classes: NDArray[np.int64]) -> Diversity:
    numeric = values.dtype.is_numeric() or values.dtype.is_temporal()
    ranks, width = _small(values)
    cells, size = _tally(classes * width + ranks, (int(classes.max()) + 1) * width)
    of_class, of_value = cells // width, cells % width
    starts = np.flatnonzero(np.r_[True, of_class[1:] != of_class[:-1]])
    distinct = np.diff(np.r_[starts, len(cells)])
    inside = size / np.repeat(np.add.reduceat(size, starts), distinct)
    overall = np.bincount(ranks, minlength=width) / len(ranks)
    distance = _ordered if numeric and width > 1 else _equal
    furthest = distance(inside, of_value, starts, overall)
    return Diversity(values.name, int(distinct.min()), float(furthest.max()))


def _tally(codes: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if size <= _DENSE:
        counts = np.bincount(codes, minlength=size)
        cells = np.flatnonzero(counts)
        return cells.astype(np.int64), counts[cells].astype(np.int64)
    cells, sizes = np.unique(codes, return_counts=True)
    return cells, sizes.astype(np.int64)


def _equal(
    inside: NDArray[np.float64],
    of_value: NDArray[np.int64],
    starts: NDArray[np.int64],
    overall: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Half the sum of differences; a value that a class lacks adds its whole share."""
    there = overall[of_value]
    terms = np.abs(inside - there) - there
    return np.clip((np.add.reduceat(terms, starts) + 1) / 2, 0.0, 1.0)


def _ordered(
    inside: NDArray[np.float64],
    of_value: NDArray[np.int64],
    starts: NDArray[np.int64],
    overall: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean over the ranks of the difference between two cumulated shares.

    Between two values that a class has, its cumulated share stands still while the table's grows:
    each such stretch is a difference of prefix sums, split where the table's share passes it.
    """
    steps = len(overall) - 1
    grown = np.cumsum(overall)[:-1]
    prefix = np.r_[0.0, np.cumsum(grown)]
    total = np.cumsum(inside)
    before = np.repeat((total - inside)[starts], np.diff(np.r_[starts, len(inside)]))
    level = total - before
    ends = np.r_[of_value[1:], steps]
    ends[np.r_[starts[1:] - 1, len(inside) - 1]] = steps
    begins = np.minimum(of_value, steps)
    ends = np.maximum(ends, begins)
    turn = np.clip(np.searchsorted(grown, level), begins, ends)
    below = level * (turn - begins) - (prefix[turn] - prefix[begins])
    above = (prefix[ends] - prefix[turn]) - level * (ends - turn)
    first = prefix[np.minimum(of_value[starts], steps)]
    means: NDArray[np.float64] = (np.add.reduceat(below + above, starts) + first) / steps
    return np.clip(means, 0.0, 1.0)
