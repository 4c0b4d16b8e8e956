"""A table as small integers: what the search works on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.data.anonymise.hierarchy import Hierarchy, Label
    from lab.data.anonymise.model import Problem

_LOG2 = math.log(2)
_DIGITS = 1e10
"""ARX drops what comes after ten decimals of each column's loss; so do we, to say the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """A column's values as integers, numbered as they first appear in the table.

    Attributes:
        codes: One per row.
        values: The text of each code; None is the missing value.
        counts: Rows with each code.
    """

    codes: NDArray[np.int64]
    values: tuple[Label, ...]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Generalised:
    """A quasi-identifier at all its levels.

    Attributes:
        coded: The raw column.
        maps: For each level, the code of the label of each raw code.
        labels: For each level, the label of each of its codes.
        entropies: For each level, the sum that ``column_loss`` turns into a loss.
    """

    coded: Coded
    maps: tuple[NDArray[np.int64], ...]
    labels: tuple[tuple[Label, ...], ...]
    entropies: tuple[float, ...]


def coded(column: pl.Series) -> Coded:
    """The column's values numbered in order of first appearance."""
    column = column.alias("value")
    values = column.unique(maintain_order=True)
    numbered = values.to_frame().with_columns(code=pl.int_range(pl.len()))
    codes = column.to_frame().join(
        numbered, on="value", how="left", nulls_equal=True, maintain_order="left"
    )["code"]
    array = codes.to_numpy().astype(np.int64)
    return Coded(
        codes=array,
        values=tuple(values.cast(pl.String).to_list()),
        counts=np.bincount(array, minlength=len(values)).astype(np.int64),
    )


def generalised(column: pl.Series, hierarchy: Hierarchy) -> Generalised:
    """The column at all levels of its hierarchy.

    Raises:
        DataError: ``value_outside_hierarchy``.
    """
    raw = coded(column)
    hierarchy.covers(raw.values)
    rows = [hierarchy.of(value) for value in raw.values]
    maps = [np.arange(len(raw.values), dtype=np.int64)]
    labels: list[tuple[Label, ...]] = [raw.values]
    for level in range(hierarchy.height - 1):
        numbers: dict[Label, int] = {}
        map_ = [numbers.setdefault(row[level], len(numbers)) for row in rows]
        maps.append(np.array(map_, dtype=np.int64))
        labels.append(tuple(numbers))
    return Generalised(
        coded=raw,
        maps=tuple(maps),
        labels=tuple(labels),
        entropies=tuple(_entropy(raw.counts, map_) for map_ in maps),
    )


def _entropy(counts: NDArray[np.int64], map_: NDArray[np.int64]) -> float:
    """Sum over raw values of count x log2(count / count of its label): 0 or less.

    Added one by one, in order of first appearance, with a quotient of natural logarithms: so
    ARX does, and any other order changes the last digits.
    """
    above = np.bincount(map_, weights=counts)[map_]
    total = 0.0
    for count, share in zip(counts.tolist(), (counts / above).tolist(), strict=True):
        total += count * (math.log(share) / _LOG2)
    return total


def suppressed_entropy(counts: NDArray[np.int64]) -> float:
    """Sum over values of count x log2(count / all): what suppressing such rows loses, negated."""
    numbers: list[int] = counts[counts > 0].tolist()
    total = sum(numbers)
    return sum((n * (math.log(n / total) / _LOG2) for n in numbers), 0.0)


def column_loss(entropy: float) -> float:
    """The loss of one column, in bits, cut after ten decimals."""
    return math.floor(-entropy * _DIGITS) / _DIGITS if entropy else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """A whole problem as integers.

    Rows that agree on every quasi-identifier and sensitive column are one *atom*.

    Attributes:
        quasi: Quasi-identifiers, in the problem's order.
        sensitive: Sensitive columns by name.
        rows: Number of rows.
        first: For each atom, a row.
        counts: For each atom, its rows.
        atom_of_row: One per row.
        codes: For each quasi-identifier and level, one code per atom.
        together: One code per atom for all sensitive columns together.
        kinds: How many such codes there may be.
    """

    quasi: tuple[Generalised, ...]
    sensitive: dict[str, Coded]
    rows: int
    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    atom_of_row: NDArray[np.int64]
    codes: tuple[tuple[NDArray[np.int64], ...], ...]
    together: NDArray[np.int64]
    kinds: int

    @property
    def heights(self) -> tuple[int, ...]:
        """Levels of each quasi-identifier."""
        return tuple(len(quasi.maps) for quasi in self.quasi)


def encoded(problem: Problem) -> Encoded:
    """The problem's table, encoded.

    Raises:
        DataError: ``value_outside_hierarchy``.
    """
    quasi = tuple(
        generalised(problem.table[q.column], q.hierarchy) for q in problem.quasi_identifiers
    )
    sensitive = {name: coded(problem.table[name]) for name in problem.model.sensitive}
    raw = [quasi_.coded for quasi_ in quasi]
    kinds = [*sensitive.values()]
    together, size = mixed([s.codes for s in kinds], [len(s.values) for s in kinds])
    columns, sizes = [c.codes for c in raw], [len(c.values) for c in raw]
    keys, _ = mixed([*columns, together], [*sizes, size])
    _, first, inverse, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return Encoded(
        quasi=quasi,
        sensitive=sensitive,
        rows=problem.table.height,
        first=first,
        counts=counts.astype(np.int64),
        atom_of_row=inverse,
        codes=tuple(tuple(map_[q.coded.codes[first]] for map_ in q.maps) for q in quasi),
        together=together[first] if kinds else np.zeros(len(first), dtype=np.int64),
        kinds=size,
    )


def mixed(columns: list[NDArray[np.int64]], sizes: list[int]) -> tuple[NDArray[np.int64], int]:
    """One key per row for several columns of codes (mixed radix), and how many there may be.

    Keys that would pass 62 bits are numbered again on the way; their order stays.
    """
    key, space = np.zeros(1, dtype=np.int64), 1
    for column, size in zip(columns, sizes, strict=True):
        if size == 1:
            continue
        if space * size >= 2**62:
            distinct, key = np.unique(key, return_inverse=True)
            space = len(distinct)
        key, space = key * size + column, space * size
    if len(key) == 1 and columns:
        key = np.zeros(len(columns[0]), dtype=np.int64)
    return key, space
