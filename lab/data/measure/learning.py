"""A small learner of its own, and what a release teaches it (train on it, try on real people).

Logistic regression on levels, one column against the rest for each answer, by Newton's method with
a ridge: no library is needed, and it does about as well on tables of words as larger ones do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lab.data.measure.features import Levels, one_hot, some
from lab.data.measure.report import Learning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.data.measure.coding import Codes, Floats

_RIDGE: Final = 1.0
_STEPS: Final = 8
_ENOUGH: Final = 1e-4
_MOST_ROWS: Final = 20_000
_MOST_ANSWERS: Final = 12
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
    sizes = [c.size for c in others]
    truth = goal.control if is_outside else goal.source[~kept]
    tried = [c.control if is_outside else c.source[~kept] for c in others]
    if truth is None or not len(truth) or not kept.any() or not len(goal.released):
        return None
    test = one_hot([t for t in tried if t is not None], sizes)

    def right(answers: Codes, features: Sequence[Codes]) -> float:
        chosen = rng.permutation(len(answers))[:_MOST_ROWS]
        found = _train(one_hot([f[chosen] for f in features], sizes), answers[chosen])
        guessed = np.argmax(test @ found, axis=1)
        return float((guessed == truth).mean())

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


def _train(features: Floats, answers: Codes) -> Floats:
    """Coefficients for each answer; one never seen is never given."""
    seen = np.unique(answers)
    found = np.zeros((features.shape[1], int(seen.max()) + 1))
    found[0] = -np.inf
    if len(seen) == 1:
        found[0, seen] = 0
    else:
        for answer in seen:
            found[:, answer] = logistic(features, (answers == answer).astype(np.float64))
    found[0] = np.maximum(found[0], -1e9)
    return found
