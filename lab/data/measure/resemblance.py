"""How far a release is from its source: shares of combinations, associations, propensity.

Shares: total variation distance, half the sum of differences.
Propensity: mean square error about one half, Woo and others (J. Privacy and Confidentiality 1,
2009), here cross-fitted over pairs of columns, so that two tables with the same columns and other
links between them are told apart.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Final

import numpy as np

from lab.data.measure.association import cramer_v, pearson
from lab.data.measure.features import Levels, some
from lab.data.measure.learning import logistic, sigmoid
from lab.data.measure.report import Association, Marginals, Propensity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.data.measure.coding import Bits, Codes, Floats

_MOST_COMBINATIONS: Final = 300
_MOST_PAIRS: Final = 60
_MOST_ROWS: Final = 20_000
_FEWEST_ROWS: Final = 8


def distance(first: Sequence[Codes], second: Sequence[Codes], sizes: Sequence[int]) -> float:
    """Total variation distance between the joint shares of some columns of two tables, 0 to 1.

    A table without rows is at 1 from one with rows.
    """
    if not len(first[0]) or not len(second[0]):
        return float(len(first[0]) != len(second[0]))
    cells, width = _cells([np.concatenate(p) for p in zip(first, second, strict=True)], sizes)
    ours = np.bincount(cells[: len(first[0])], minlength=width) / len(first[0])
    theirs = np.bincount(cells[len(first[0]) :], minlength=width) / len(second[0])
    return float(np.abs(ours - theirs).sum() / 2)


def _cells(columns: Sequence[Codes], sizes: Sequence[int]) -> tuple[Codes, int]:
    codes, width = columns[0], sizes[0]
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        codes, width = codes * size + column, width * size
    if width > max(4 * len(codes), 1 << 16):
        kept, codes = np.unique(codes, return_inverse=True)
        width = len(kept)
    return codes.astype(np.int64), width


def marginals(columns: Sequence[Levels], order: int, rng: np.random.Generator) -> Marginals:
    """Distances of the shares of ``order`` columns at a time; a drawn part when there are many."""
    chosen = _combinations(len(columns), order, _MOST_COMBINATIONS, rng)
    found = [
        distance(
            [columns[i].source for i in several],
            [columns[i].released for i in several],
            [columns[i].size for i in several],
        )
        for several in chosen
    ]
    if not found:
        return Marginals(order, 0, 0.0, 0.0, ())
    worst = int(np.argmax(found))
    names = tuple(columns[i].name for i in chosen[worst])
    return Marginals(order, len(found), float(np.mean(found)), found[worst], names)


def _combinations(
    columns: int, order: int, most: int, rng: np.random.Generator
) -> list[tuple[int, ...]]:
    if comb(columns, order) <= most:
        return list(combinations(range(columns), order))
    drawn = {
        tuple(sorted(int(i) for i in rng.choice(columns, order, replace=False)))
        for _ in range(most)
    }
    return sorted(drawn)


def associations(
    columns: Sequence[Levels], rng: np.random.Generator
) -> tuple[Association, Association]:
    """Differences of Pearson's correlation (numbers) and of Cramér's V (all other pairs)."""
    numbers: list[tuple[float, tuple[str, ...]]] = []
    others: list[tuple[float, tuple[str, ...]]] = []
    for i, j in _combinations(len(columns), 2, _MOST_COMBINATIONS, rng):
        first, second = columns[i], columns[j]
        names = (first.name, second.name)
        if first.values is not None and second.values is not None:
            gap = pearson(first.values[0], second.values[0]) - pearson(
                first.values[1], second.values[1]
            )
            numbers.append((abs(gap), names))
        else:
            gap = cramer_v(first.source, second.source) - cramer_v(first.released, second.released)
            others.append((abs(gap), names))
    return _association("pearson", numbers), _association("cramer_v", others)


def _association(measure: str, found: Sequence[tuple[float, tuple[str, ...]]]) -> Association:
    if not found:
        return Association(measure, 0, 0.0, 0.0, ())
    largest = max(found, key=lambda f: f[0])
    mean = float(np.mean([f[0] for f in found]))
    return Association(measure, len(found), mean, largest[0], largest[1])


def propensity(columns: Sequence[Levels], rng: np.random.Generator) -> Propensity:
    """Tell released rows from source rows with a classifier fitted on other rows.

    A third of the rows gives, for each pair of columns, how much commoner each cell is in one
    table; a third weighs these by logistic regression; the last third is told apart. As many rows
    of each table.
    """
    rows = min(len(columns[0].source), len(columns[0].released), _MOST_ROWS) if columns else 0
    if rows < _FEWEST_ROWS:
        return Propensity(0.0, 0.5)
    ours = rng.permutation(len(columns[0].source))[:rows]
    theirs = rng.permutation(len(columns[0].released))[:rows]
    joined = [np.concatenate([c.source[ours], c.released[theirs]]) for c in columns]
    answers = np.repeat([0.0, 1.0], rows)
    counting = some(2 * rows, 1 / 3, rng)
    rest = np.flatnonzero(~counting)
    weighing = np.zeros(2 * rows, np.bool_)
    weighing[rng.permutation(rest)[: len(rest) // 2]] = True
    told = ~counting & ~weighing
    features = _log_ratios(joined, [c.size for c in columns], answers, counting, rng)
    found = logistic(features[weighing], answers[weighing])
    score = sigmoid(features[told] @ found)
    return Propensity(
        float(((score - 0.5) ** 2).mean()),
        float(((score > 0.5) == answers[told]).mean()),  # noqa: PLR2004  # half
    )


def _log_ratios(
    columns: Sequence[Codes],
    sizes: Sequence[int],
    answers: Floats,
    counting: Bits,
    rng: np.random.Generator,
) -> Floats:
    order = min(2, len(columns))
    wide = [np.ones(len(answers))]
    for several in _combinations(len(columns), order, _MOST_PAIRS, rng):
        cells, width = _cells([columns[i] for i in several], [sizes[i] for i in several])
        theirs = np.bincount(cells[counting], weights=answers[counting], minlength=width)
        all_of_them = np.bincount(cells[counting], minlength=width)
        wide.append(np.log((theirs + 1) / (all_of_them - theirs + 1))[cells])
    return np.stack(wide, axis=1)
