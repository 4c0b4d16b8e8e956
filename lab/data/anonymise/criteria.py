"""Which classes satisfy a criterion, decided in whole numbers: no rounding at a threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import numpy as np

from lab.data.anonymise.model import (
    DistinctL,
    EntropyL,
    EqualT,
    HierarchicalT,
    OrderedT,
    RecursiveCL,
    exact,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from numpy.typing import NDArray

    from lab.data.anonymise.encode import Coded
    from lab.data.anonymise.model import Criterion

_CELLS = 2_000_000
"""Distributions are laid out for so many cells at once: some 50 MB."""
_NEAR = 1e-9
"""Entropies closer to their threshold than this are compared in whole numbers."""
_SAFE = 2**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histograms:
    """What one sensitive column holds in each class.

    Attributes:
        classes: For each pair of a class and a value in it, the class; ascending.
        values: For each pair, the value's code.
        counts: For each pair, its rows.
        sizes: Rows of each class.
    """

    classes: NDArray[np.int64]
    values: NDArray[np.int64]
    counts: NDArray[np.int64]
    sizes: NDArray[np.int64]


def histograms(
    classes: NDArray[np.int64], values: NDArray[np.int64], counts: NDArray[np.int64], kinds: int
) -> Histograms:
    """Sum counts by class (ascending from 0, none left out) and value (below ``kinds``)."""
    pairs, inverse = np.unique(classes * kinds + values, return_inverse=True)
    summed = np.bincount(inverse, weights=counts).astype(np.int64)
    owners = pairs // kinds
    sizes = np.bincount(owners, weights=summed).astype(np.int64)
    return Histograms(classes=owners, values=pairs % kinds, counts=summed, sizes=sizes)


def satisfied(criterion: Criterion, found: Histograms, column: Coded) -> NDArray[np.bool_]:
    """For each class, whether it satisfies the criterion. ``column`` is of the whole table."""
    if isinstance(criterion, DistinctL):
        return np.bincount(found.classes, minlength=len(found.sizes)) >= criterion.l
    if isinstance(criterion, EntropyL):
        return _entropy(criterion.l, found)
    if isinstance(criterion, RecursiveCL):
        return _recursive(criterion, found)
    if isinstance(criterion, EqualT):
        return _equal(exact(criterion.t), found, column.counts)
    if isinstance(criterion, OrderedT):
        return _ordered(exact(criterion.t), found, column.counts, in_order(criterion, column))
    if isinstance(criterion, HierarchicalT):
        return _hierarchical(criterion, found, column)
    assert_never(criterion)


def _entropy(least: int, found: Histograms) -> NDArray[np.bool_]:
    # H >= log l, times the class's size n: n log n - sum of c log c >= n log l.
    counts, sizes = found.counts.astype(np.float64), found.sizes.astype(np.float64)
    weights = counts * np.log(counts)
    inside = np.bincount(found.classes, weights=weights, minlength=len(sizes))
    surplus = sizes * np.log(sizes / least) - inside
    result: NDArray[np.bool_] = surplus >= 0
    for near in np.flatnonzero(np.abs(surplus) <= _NEAR * sizes):
        low, high = np.searchsorted(found.classes, [near, near + 1])
        result[near] = entropy_reaches(found.counts[low:high].tolist(), least)
    return result


def entropy_reaches(counts: list[int], least: int) -> bool:
    """Whether the entropy of ``counts`` is at least log(least), exactly: n^n >= l^n x prod c^c."""
    common = math.gcd(*counts)
    shares = [count // common for count in counts]
    total = sum(shares)
    taken: int = math.prod(share**share for share in shares)
    reached: bool = total**total >= least**total * taken
    return reached


def _recursive(criterion: RecursiveCL, found: Histograms) -> NDArray[np.bool_]:
    order = np.lexsort((-found.counts, found.classes))
    classes, counts = found.classes[order], found.counts[order]
    starts = np.searchsorted(classes, np.arange(len(found.sizes)))
    place = np.arange(len(classes)) - starts[classes]
    tail = np.where(place >= criterion.l - 1, counts, 0)
    rest = np.bincount(classes, weights=tail, minlength=len(starts)).astype(np.int64)
    c = exact(criterion.c)
    most = counts[starts]
    if max(c.numerator, c.denominator) * int(found.sizes.max(initial=1)) < _SAFE:
        return most * c.denominator < rest * c.numerator
    return np.array([m < c * r for m, r in zip(most.tolist(), rest.tolist(), strict=True)], bool)


def _within(
    moved: NDArray[np.int64], unit: int, t: Fraction, sizes: NDArray[np.int64], rows: int
) -> NDArray[np.bool_]:
    """Whether moved / (unit x size x rows) is at most t, for each class."""
    high = unit * int(sizes.max(initial=1)) * rows * max(t.numerator, t.denominator)
    if high < _SAFE:
        return moved * t.denominator <= sizes * (unit * rows * t.numerator)
    return np.array(
        [
            m * t.denominator <= s * unit * rows * t.numerator
            for m, s in zip(moved.tolist(), sizes.tolist(), strict=True)
        ],
        bool,
    )


def _equal(t: Fraction, found: Histograms, totals: NDArray[np.int64]) -> NDArray[np.bool_]:
    # Twice the distance is the sum of |c N - C n| over n N; for absent values that is C n, and
    # over all values C sums to N.
    rows, sizes = int(totals.sum()), found.sizes
    expected = totals[found.values] * sizes[found.classes]
    beyond = np.abs(found.counts * rows - expected) - expected
    summed = np.zeros(len(sizes), dtype=np.int64)
    np.add.at(summed, found.classes, beyond)
    return _within(summed + sizes * rows, 2, t, sizes, rows)


def in_order(criterion: OrderedT, column: Coded) -> NDArray[np.int64]:
    """Codes of a column's values from first to last: as given, then the natural order.

    Texts that are all numbers stand as numbers; missing comes last.
    """
    given = {value: place for place, value in enumerate(criterion.order)}

    def number(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return math.nan

    present = [value for value in column.values if value is not None]
    numbers = all(math.isfinite(number(value)) for value in present)

    def place(code: int) -> tuple[int, bool, float, str]:
        value = column.values[code]
        if value is None:
            return given.get(None, len(given)), True, 0, ""
        return given.get(value, len(given)), False, number(value) if numbers else 0, value

    return np.array(sorted(range(len(column.values)), key=place), dtype=np.int64)


def _ordered(
    t: Fraction, found: Histograms, totals: NDArray[np.int64], order: NDArray[np.int64]
) -> NDArray[np.bool_]:
    if len(order) == 1:
        return np.ones(len(found.sizes), dtype=bool)
    rows = int(totals.sum())
    moved = np.empty(len(found.sizes), dtype=np.int64)
    for low, high, surplus in _surpluses(found, totals):
        moved[low:high] = np.abs(np.cumsum(surplus[:, order], axis=1)).sum(axis=1)
    return _within(moved, len(order) - 1, t, found.sizes, rows)


def _hierarchical(criterion: HierarchicalT, found: Histograms, column: Coded) -> NDArray[np.bool_]:
    hierarchy = criterion.hierarchy
    hierarchy.covers(column.values)
    paths = [(value, *hierarchy.of(value)) for value in column.values]
    rows, height = int(column.counts.sum()), hierarchy.height - 1
    moved = np.zeros(len(found.sizes), dtype=np.int64)
    for low, high, leaves in _surpluses(found, column.counts):
        below, nodes = leaves, np.arange(len(paths))
        for level in range(1, height + 1):
            names = {path[level]: None for path in paths}
            numbers = {name: number for number, name in enumerate(names)}
            above = np.array([numbers[path[level]] for path in paths], dtype=np.int64)
            parent = np.zeros(below.shape[1], dtype=np.int64)
            parent[nodes] = above
            gained, lost = np.zeros((2, high - low, len(names)), dtype=np.int64)
            np.add.at(gained.T, parent, np.maximum(below, 0).T)
            np.add.at(lost.T, parent, np.maximum(-below, 0).T)
            moved[low:high] += level * np.minimum(gained, lost).sum(axis=1)
            below, nodes = gained - lost, above
    return _within(moved, max(height, 1), exact(criterion.t), found.sizes, rows)


def _surpluses(
    found: Histograms, totals: NDArray[np.int64]
) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Runs of classes (from, to) with c N - C n for each value: what they have too much of."""
    rows, classes = int(totals.sum()), len(found.sizes)
    step = max(1, _CELLS // len(totals))
    for low in range(0, classes, step):
        high = min(low + step, classes)
        first, last = np.searchsorted(found.classes, [low, high])
        dense = -found.sizes[low:high, None] * totals
        dense[found.classes[first:last] - low, found.values[first:last]] += (
            found.counts[first:last] * rows
        )
        yield low, high, dense
