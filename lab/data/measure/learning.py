"""A small learner of its own, and what a release teaches it (train on it, try on real people).

Logistic regression on levels, one answer against the rest, by Newton's method with a ridge: no
library is needed, and it does about as well on tables of words as larger ones do. Every feature is
"this column has this level", so sums over rows are counts of levels and of pairs of levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from lab.data.measure.association import cramer_v
from lab.data.measure.features import Levels, some
from lab.data.measure.report import Learning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.data.measure.coding import Bits, Codes, Floats

_RIDGE: Final = 1.0
_STEPS: Final = 8
_ENOUGH: Final = 1e-4
_MOST_ROWS: Final = 20_000
_MOST_ANSWERS: Final = 12
_MOST_LEVELS: Final = 400
_FURTHEST: Final = 30.0


def logistic(features: Floats, answers: Floats) -> Floats:
    """Coefficients of a logistic regression with a ridge on all but the first.

    Args:
        features: Rows by features; the first is 1.
        answers: 0 or 1 for each row.
    """
    width = features.shape[1]
    ridge = np.full(width, _RIDGE)
    ridge[0] = 1e-6
    found = np.zeros(width)
    for _ in range(_STEPS):
        score = sigmoid(features @ found)
        weight = np.maximum(score * (1 - score), 1e-6)
        slope = features.T @ (answers - score) - ridge * found
        curve = (features * weight[:, None]).T @ features + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        found += step
        if float(np.abs(step).max()) < _ENOUGH:
            break
    return np.asarray(found, np.float64)


def sigmoid(values: Floats) -> Floats:
    """Shares from log odds, without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -_FURTHEST, _FURTHEST))), np.float64)


def learn(
    columns: Sequence[Levels], target: str | None, rng: np.random.Generator
) -> Learning | None:
    """Train on the source and on the release, try both on people outside.

    Without people outside, a quarter of the source is kept from the source's own training.

    Args:
        columns: The tables; nothing is learnt with fewer than two columns.
        target: What to learn; None takes the last column of words with two to twelve answers.
        rng: Seeded.
    """
    goal = _goal(columns, target)
    others = [c for c in columns if goal is not None and c.name != goal.name]
    if goal is None or not others:
        return None
    is_outside = goal.control is not None and len(goal.control) > 0
    kept = (
        np.ones(len(goal.source), np.bool_) if is_outside else ~some(len(goal.source), 0.25, rng)
    )
    others = _telling(goal, others)
    sizes = [c.size for c in others]
    truth = goal.control if is_outside else goal.source[~kept]
    tried = [c.control if is_outside else c.source[~kept] for c in others]
    if truth is None or not len(truth) or not kept.any() or not len(goal.released):
        return None
    test = [t for t in tried if t is not None]

    def right(answers: Codes, features: Sequence[Codes]) -> float:
        chosen = rng.permutation(len(answers))[:_MOST_ROWS]
        found = _train([f[chosen] for f in features], sizes, answers[chosen])
        return float((found.guess(test) == truth).mean())

    return Learning(
        goal.name,
        from_source=right(goal.source[kept], [c.source[kept] for c in others]),
        from_released=right(goal.released, [c.released for c in others]),
        commonest=float((truth == np.bincount(goal.source[kept]).argmax()).mean()),
        is_outside=is_outside,
    )


def _goal(columns: Sequence[Levels], target: str | None) -> Levels | None:
    fits = [c for c in columns if 1 < len(np.unique(c.source)) <= _MOST_ANSWERS]
    if target is not None:
        return next((c for c in columns if c.name == target), None)
    words = [c for c in fits if c.values is None]
    chosen = words or fits
    return chosen[-1] if chosen else None


def _telling(goal: Levels, columns: Sequence[Levels]) -> list[Levels]:
    """Columns that say most about the goal in the source, as many as can be weighed at once."""
    strength = [cramer_v(c.source, goal.source) for c in columns]
    kept: list[Levels] = []
    for at in np.argsort(-np.array(strength), kind="stable"):
        if not kept or sum(c.size for c in kept) + columns[at].size <= _MOST_LEVELS:
            kept.append(columns[at])
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    answers: Codes
    starts: Codes
    weights: Floats

    def guess(self, columns: Sequence[Codes]) -> Codes:
        scores = self.weights[:, -1] + sum(
            (self.weights[:, a + c].T for a, c in zip(self.starts, columns, strict=True)),
            np.zeros((len(columns[0]), 1)),
        )
        return np.asarray(self.answers[np.argmax(scores, axis=1)], np.int64)


def _train(columns: Sequence[Codes], sizes: Sequence[int], answers: Codes) -> _Model:
    """Weights of every level for each answer that was seen, and a constant at the end."""
    seen = np.unique(answers)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]).astype(np.int64)
    weights = np.stack([_weigh(columns, starts, answers == answer) for answer in seen])
    return _Model(seen, starts[:-1], weights)


def _weigh(columns: Sequence[Codes], starts: Codes, is_answer: Bits) -> Floats:
    width = int(starts[-1]) + 1
    ridge = np.full(width, _RIDGE)
    ridge[-1] = 1e-6
    found = np.zeros(width)
    truth = is_answer.astype(np.float64)
    for _ in range(_STEPS):
        odds = np.full(len(truth), found[-1])
        for start, column in zip(starts, columns, strict=False):
            odds += found[start + column]
        score = sigmoid(odds)
        slope = np.append(_sums(columns, starts, truth - score), (truth - score).sum())
        curve = _curvature(columns, starts, np.maximum(score * (1 - score), 1e-6))
        curve[np.diag_indices(width)] += ridge
        step = np.linalg.solve(curve, slope - ridge * found)
        found += step
        if float(np.abs(step).max()) < _ENOUGH:
            break
    return np.asarray(found, np.float64)


def _sums(columns: Sequence[Codes], starts: Codes, values: Floats) -> Floats:
    parts = [
        np.bincount(c, weights=values, minlength=int(b - a))
        for c, a, b in zip(columns, starts, starts[1:], strict=False)
    ]
    return np.concatenate(parts)


def _curvature(columns: Sequence[Codes], starts: Codes, weights: Floats) -> Floats:
    """Weighted counts of every pair of levels, the constant last."""
    width = int(starts[-1]) + 1
    curve = np.zeros((width, width))
    sums = _sums(columns, starts, weights)
    curve[:-1, -1] = curve[-1, :-1] = sums
    curve[-1, -1] = weights.sum()
    curve[np.arange(width - 1), np.arange(width - 1)] = sums
    for i, first in enumerate(columns):
        for j in range(i):
            tall, wide = int(starts[i + 1] - starts[i]), int(starts[j + 1] - starts[j])
            cells = np.bincount(first * wide + columns[j], weights=weights, minlength=tall * wide)
            table = cells.reshape(tall, wide)
            curve[starts[i] : starts[i + 1], starts[j] : starts[j + 1]] = table
            curve[starts[j] : starts[j + 1], starts[i] : starts[i + 1]] = table.T
    return curve
