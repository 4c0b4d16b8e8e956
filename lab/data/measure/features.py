"""Columns as a few levels each, so that any two tables can be compared and learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lab.data.measure.coding import MISSING, Bits, Codes, Floats, Kind, Scale, Values, View
from lab.data.measure.decoding import decode

BINS: Final = 16
"""Most levels of a number: quantiles of the source."""
WORDS: Final = 64
"""Most levels of a word: the commonest of the source, and one for all others."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """One column of the three tables as levels 0, 1, ...

    Attributes:
        name: The column's.
        kind: Whether levels are ranges of numbers or words.
        size: Number of levels; level 0 is a missing value.
        source: Level of each source row.
        released: Level of each released row.
        control: Level of each person outside; None without.
        values: For numbers, the values of source and release themselves; None for words.
    """

    name: str
    kind: Kind
    size: int
    source: Codes
    released: Codes
    control: Codes | None
    values: tuple[Floats, Floats] | None


def levels(tables: View, rng: np.random.Generator) -> tuple[Levels, ...]:
    """Put every column on levels of the source; what a label covers is drawn from it evenly."""
    return tuple(
        _levels(
            scale,
            tables.source[i],
            decode(scale, tables.released[i], rng),
            None if tables.control is None else tables.control[i],
        )
        for i, scale in enumerate(tables.scales)
    )


def _levels(scale: Scale, source: Values, released: Values, control: Values | None) -> Levels:
    if scale.kind is Kind.NUMBER:
        known = source[~np.isnan(source)]
        cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else known

        def place(values: Values) -> Codes:
            at = 1 + np.searchsorted(cuts, values, "right")
            return np.where(np.isnan(values), MISSING, at).astype(np.int64)

        return Levels(
            scale.name,
            scale.kind,
            len(cuts) + 2,
            place(source),
            place(released),
            None if control is None else place(control),
            (source, released),
        )
    common = np.bincount(source, minlength=len(scale.words))
    common[MISSING] = 0
    kept = np.argsort(-common, kind="stable")[:WORDS]
    kept = kept[common[kept] > 0]
    new = np.full(len(scale.words), len(kept) + 1, np.int64)
    new[kept] = np.arange(1, len(kept) + 1)
    new[MISSING] = MISSING
    return Levels(
        scale.name,
        scale.kind,
        len(kept) + 2,
        new[source],
        new[released],
        None if control is None else new[control],
        None,
    )


def some(rows: int, part: float, rng: np.random.Generator) -> Bits:
    """Mark ``part`` of the rows, drawn evenly."""
    marked = np.zeros(rows, np.bool_)
    marked[rng.permutation(rows)[: round(rows * part)]] = True
    return marked
