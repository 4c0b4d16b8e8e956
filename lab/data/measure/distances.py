"""Distances between people and released rows, and the nearest rows, in bounded memory.

The distance is Gower's (Biometrics 27, 1971): mean over the columns of 0 or 1 for words, of the
difference over the range for numbers; a missing value is at 1 from any other. Against a label it
is the mean over the values that the label covers, so that a wide interval neither hides nor draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lab.data.measure.coding import Codes, Floats, Kind, Scale, Values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK_CELLS: Final = 1 << 18
"""Distances held at once: 1 MB for each array of a block, which a processor keeps near itself."""

TIE: Final = 1e-5
"""Distances closer than this are equal; single precision over a few hundred columns."""

Block = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """Rows of a table, each different one once.

    Attributes:
        columns: Values of the different rows.
        of_row: For each row of the table, the number of its different row.
        sizes: How many rows each stands for.
    """

    columns: tuple[Values, ...]
    of_row: Codes
    sizes: Codes


def distinct(columns: Sequence[Values], rows: int) -> Distinct:
    """Put equal rows together."""
    codes = np.zeros(rows, np.int64)
    size = 1
    for values in columns:
        levels, coded = np.unique(values, return_inverse=True)
        if size > (1 << 40) // max(len(levels), 1):
            kept, codes = np.unique(codes, return_inverse=True)
            size = len(kept)
        codes = codes * len(levels) + coded
        size *= max(len(levels), 1)
    _, first, of_row, sizes = np.unique(
        codes, return_index=True, return_inverse=True, return_counts=True
    )
    return Distinct(
        tuple(v[first] for v in columns), of_row.astype(np.int64), sizes.astype(np.int64)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """For each target, the rows at the smallest distance: all that are tied.

    Attributes:
        starts: Where each target's rows begin in ``rows``; one more at the end.
        rows: Numbers of rows, target after target.
        distance: The smallest distance of each target, 0 to 1.
    """

    starts: Codes
    rows: Codes
    distance: Floats


def nearest(scales: Sequence[Scale], targets: Sequence[Values], rows: Sequence[Values]) -> Nearest:
    """Find the nearest of ``rows`` to each of ``targets``, ties kept.

    Args:
        scales: How each column is compared; at least one.
        targets: Columns of people, values of the unprotected table's kind.
        rows: Columns of released rows, at least one row, best without repeats.
    """
    if not all(s.is_exact for s in scales):
        return _scan(scales, targets, rows)
    # Most people of a table have an equal in it: those are found by their number, without a scan.
    total = len(targets[0])
    order, first, sizes = equals(targets, rows)
    rest = np.flatnonzero(sizes == 0)
    scanned = _scan(scales, [t[rest] for t in targets], rows)
    sizes[rest] = np.diff(scanned.starts)
    distance = np.zeros(total)
    distance[rest] = scanned.distance
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
    is_rest = np.zeros(total, np.bool_)
    is_rest[rest] = True
    of_rest = np.repeat(is_rest, sizes)
    found = np.empty(starts[-1], np.int64)
    found[of_rest] = scanned.rows
    found[~of_rest] = order[(np.repeat(first, sizes) + within)[~of_rest]]
    return Nearest(starts, found, distance)


def equals(targets: Sequence[Values], rows: Sequence[Values]) -> tuple[Codes, Codes, Codes]:
    """Find the rows equal to each target: ``order[first : first + size]`` for each."""
    total = len(targets[0])
    both = [np.concatenate([t, r]) for t, r in zip(targets, rows, strict=True)]
    numbers = distinct(both, total + len(rows[0])).of_row
    order = np.argsort(numbers[total:], kind="stable")
    theirs = numbers[total:][order]
    first = np.searchsorted(theirs, numbers[:total], "left")
    return order, first, np.searchsorted(theirs, numbers[:total], "right") - first


def _scan(scales: Sequence[Scale], targets: Sequence[Values], rows: Sequence[Values]) -> Nearest:
    found: list[Codes] = []
    counts: list[Codes] = []
    smallest: list[Floats] = []
    for block in blocks(scales, targets, rows):
        low = block.min(axis=1)
        near = block <= (low + np.float32(TIE))[:, None]
        counts.append(near.sum(axis=1))
        found.append(np.nonzero(near)[1])
        smallest.append(low.astype(np.float64))
    sizes = np.concatenate([np.zeros(1, np.int64), *counts])
    return Nearest(
        np.cumsum(sizes),
        np.concatenate([np.zeros(0, np.int64), *found]),
        np.concatenate([np.zeros(0), *smallest]),
    )


def blocks(
    scales: Sequence[Scale], targets: Sequence[Values], rows: Sequence[Values]
) -> Iterator[Block]:
    """Distances of a few targets at a time to all rows; the same array is reused."""
    wide = len(rows[0])
    tall = max(1, BLOCK_CELLS // max(wide, 1))
    total = len(targets[0])
    sums = np.empty((min(tall, total), wide), np.float32)
    words = np.empty((min(tall, total), wide), np.uint16)
    differ = np.empty((min(tall, total), wide), np.bool_)
    sides = [_ready(*side) for side in zip(scales, targets, rows, strict=True)]
    for start in range(0, total, tall):
        part = slice(start, min(start + tall, total))
        high = part.stop - start
        block, unequal, count = sums[:high], differ[:high], words[:high]
        block[:], count[:] = 0, 0
        for scale, ours, theirs in sides:
            if scale.is_exact and scale.kind is Kind.WORD:
                np.not_equal(ours[part, None], theirs[None, :], out=unequal)
                count += unequal
            else:
                _add(block, scale, ours[part], theirs)
        block += count
        block /= len(scales)
        yield block


def _ready(scale: Scale, targets: Values, rows: Values) -> tuple[Scale, Values, Values]:
    """Make one column's values as narrow as they can be compared."""
    if not scale.is_exact:
        return scale, targets, rows
    if scale.kind is Kind.NUMBER:
        return scale, _scaled(scale, targets), _scaled(scale, rows)
    narrow = np.int16 if len(scale.words) <= np.iinfo(np.int16).max else np.int32
    return scale, targets.astype(narrow), rows.astype(narrow)


def _add(block: Block, scale: Scale, targets: Values, rows: Values) -> None:
    if scale.spans is not None:
        block += np.take(_to_spans(scale, targets, scale.spans), rows, axis=1)
    elif scale.covers is not None:
        sizes = np.maximum(scale.covers.sum(axis=1), 1)
        far = (1 - scale.covers.T[targets] / sizes).astype(np.float32)
        block += np.take(far, rows, axis=1)
    else:
        gap = np.subtract(targets[:, None], rows[None, :])
        np.abs(gap, out=gap)
        block += np.minimum(gap, np.float32(1), out=gap)


def _scaled(scale: Scale, values: Values) -> Block:
    """Numbers from 0 to 1; missing is 3, at 1 or more from any other and at 0 from itself."""
    scaled = (values - scale.low) / scale.width
    return np.where(np.isnan(values), 3.0, np.clip(scaled, -1.0, 2.0)).astype(np.float32)


def _to_spans(scale: Scale, targets: Values, spans: Floats) -> Block:
    """Mean distance to a number drawn evenly from each span, targets by spans."""
    low, high = (spans[:, 0] - scale.low) / scale.width, (spans[:, 1] - scale.low) / scale.width
    middle, wide = (low + high) / 2, high - low
    away = np.abs(((targets - scale.low) / scale.width)[:, None] - middle)
    inside = away < wide / 2
    mean = np.where(inside, wide / 4 + away**2 / np.where(wide > 0, wide, 1.0), away)
    return np.where(np.isnan(mean), 1.0, np.minimum(mean, 1.0)).astype(np.float32)
