"""Distance to the closest record: are released rows nearer to the source than to other people?

A release that learnt only what is true of the population is nearest to a person of the source as
often as the source's share of all people compared. A synthesiser that copies a part of its rows is
nearer by about that part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.data.measure.distances import TIE, Distinct, blocks, distinct, equals
from lab.data.measure.intervals import Interval, Rate
from lab.data.measure.trials import of_scores, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lab.data.measure.coding import Floats, Scale, Values, View


@dataclass(frozen=True, slots=True)
class Closest:
    """How the released rows lie.

    Attributes:
        nearer: Released rows nearer to the source than to people outside; tied people share.
        expected: The share that chance gives.
        excess: Share beyond chance, 0 none, 1 all: about the part of rows that were copied.
        equal_to_source: Share of the released rows equal to a row of the source.
        equal_to_outside: Share of them equal to a person outside.
    """

    nearer: Rate
    expected: float
    excess: Interval
    equal_to_source: float
    equal_to_outside: float


def closest(tables: View, *, attempts: int, rng: np.random.Generator) -> Closest | None:
    """Compare the distances of released rows to the source and to people outside.

    Args:
        tables: The three tables; at least one released row and column.
        attempts: How many released rows.
        rng: Seeded.

    Returns:
        None without people outside: there is nothing to compare with.
    """
    if tables.control is None or not tables.rows[0] or not tables.rows[1]:
        return None
    some = sample(tables.rows[2], attempts, rng)
    rows = distinct([c[some] for c in tables.released], len(some))
    ours, our_count = _smallest(tables.scales, tables.source, tables.rows[0], rows.columns)
    theirs, their_count = _smallest(tables.scales, tables.control, tables.rows[1], rows.columns)
    expected = tables.rows[0] / (tables.rows[0] + tables.rows[1])
    # Of the people at the smallest distance, those of the source: chance gives ``expected`` of
    # them however many are tied, which "nearer, or half" would not.
    scores = np.where(ours < theirs, 1.0, 0.0)
    tied = np.abs(ours - theirs) <= TIE
    scores[tied] = (our_count / (our_count + their_count))[tied]
    nearer = of_scores(scores[rows.of_row])
    share = nearer.share

    def beyond(value: float) -> float:
        return (value - expected) / (1 - expected)

    return Closest(
        nearer,
        expected,
        Interval(beyond(share.estimate), beyond(share.lower), beyond(share.upper)),
        float((ours <= TIE)[rows.of_row].mean()),
        float((theirs <= TIE)[rows.of_row].mean()),
    )


def _smallest(
    scales: Sequence[Scale], people: Sequence[Values], count: int, rows: Sequence[Values]
) -> tuple[Floats, Floats]:
    """Smallest distance of each row to the people, and how many are at it."""
    different = distinct(people, count)
    smallest = np.full(len(rows[0]), np.inf, np.float32)
    counts = np.zeros(len(rows[0]))
    rest = np.arange(len(rows[0]))
    if all(s.is_exact for s in scales):
        order, first, found = equals(rows, different.columns)
        equal = np.flatnonzero(found > 0)
        smallest[equal] = 0
        counts[equal] = different.sizes[order[first[equal]]]
        rest = np.flatnonzero(found == 0)
    if len(rest):
        smallest[rest], counts[rest] = _scan(scales, different, [r[rest] for r in rows])
    return smallest.astype(np.float64), counts


def _scan(
    scales: Sequence[Scale], people: Distinct, rows: Sequence[Values]
) -> tuple[NDArray[np.float32], Floats]:
    smallest = np.full(len(rows[0]), np.inf, np.float32)
    counts = np.zeros(len(rows[0]))
    start = 0
    for block in blocks(scales, people.columns, rows):
        sizes = people.sizes[start : start + len(block)].astype(np.float32)
        start += len(block)
        low = block.min(axis=0)
        near = sizes @ (block <= low + np.float32(TIE)).astype(np.float32)
        counts = np.where(low < smallest - TIE, near, counts + near * (low <= smallest + TIE))
        np.minimum(smallest, low, out=smallest)
    return smallest, counts
