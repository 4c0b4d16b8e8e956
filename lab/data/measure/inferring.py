"""Attribute inference: a secret guessed from the released rows nearest to what is known.

After Giomi and others (PoPETs 2023). All rows at the smallest distance vote: the commonest word,
or the median number, right within 5 %. In a generalised table these rows are a class, and the vote
is the homogeneity attack of Machanavajjhala and others (TKDD 2007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lab.data.measure.coding import MISSING, Codes, Floats, Kind, Scale, Values, View
from lab.data.measure.distances import Distinct, distinct, nearest
from lab.data.measure.trials import Trial, of_scores, sample, trial

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOSE_ENOUGH: Final = 0.05
"""A guessed number is right within this part of the true one."""


def inference(tables: View, secret: str, *, attempts: int, rng: np.random.Generator) -> Trial:
    """Try to guess ``secret`` of each person from their other columns.

    People whose secret is missing are not attacked.

    Args:
        tables: The three tables: what is known, and the secret; at least one released row.
        secret: A column of ``tables``.
        attempts: How many people of each side.
        rng: Seeded.
    """
    known = tables.only([s.name for s in tables.scales if s.name != secret])
    hidden = tables.only([secret])
    scale = hidden.scales[0]
    rows = distinct(known.released, known.rows[2])
    people = _some(scale, hidden.source[0], attempts, rng)
    guess = _Guesses(scale, rows, hidden.released[0])
    scores = _score(known, guess, [c[people] for c in known.source], hidden.source[0][people])
    control = None
    if known.control is not None and hidden.control is not None and tables.rows[1]:
        others = _some(scale, hidden.control[0], attempts, rng)
        theirs = [c[others] for c in known.control]
        control = of_scores(_score(known, guess, theirs, hidden.control[0][others]))
    everybody = len(people) == int(_there(scale, hidden.source[0]).sum())
    return trial(of_scores(scores), control, is_exhaustive=everybody)


def _there(scale: Scale, values: Values) -> Values:
    return ~np.isnan(values) if scale.kind is Kind.NUMBER else values != MISSING


def _some(scale: Scale, values: Values, attempts: int, rng: np.random.Generator) -> Codes:
    there = np.flatnonzero(_there(scale, values))
    return there[sample(len(there), attempts, rng)]


def _score(known: View, guess: _Guesses, targets: Sequence[Values], truth: Values) -> Floats:
    if not len(truth):
        return np.zeros(0)
    people = distinct(targets, len(truth))
    if known.scales:
        found = nearest(known.scales, people.columns, guess.rows.columns)
        ties = [found.rows[a:b] for a, b in zip(found.starts, found.starts[1:], strict=False)]
    else:
        ties = [np.zeros(1, np.int64)]
    guesses = np.array([guess.of(t) for t in ties])[people.of_row]
    if guess.scale.kind is Kind.WORD:
        return np.asarray(guesses == truth, np.float64)
    return np.asarray(np.abs(guesses - truth) <= CLOSE_ENOUGH * np.abs(truth), np.float64)


class _Guesses:
    """What the released rows with some different rows' numbers say of the secret."""

    def __init__(self, scale: Scale, rows: Distinct, secret: Values) -> None:
        self.scale, self.rows = scale, rows
        self._order = np.argsort(rows.of_row, kind="stable")
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows.sizes)])
        self._secret = secret[self._order]
        if scale.spans is not None:
            self._secret = scale.spans[self._secret].mean(axis=1)
        self._known: dict[int, float] = {}

    def of(self, ties: Codes) -> float:
        """Give the guess: code of a word, or a number; NaN when nothing is said."""
        if len(ties) != 1:
            parts = [self._secret[self._starts[t] : self._starts[t + 1]] for t in ties]
            return self._vote(np.concatenate(parts))
        at = int(ties[0])
        if at not in self._known:
            self._known[at] = self._vote(self._secret[self._starts[at] : self._starts[at + 1]])
        return self._known[at]

    def _vote(self, values: Values) -> float:
        if self.scale.kind is Kind.NUMBER:
            said = values[~np.isnan(values)]
            return float(np.median(said)) if len(said) else float("nan")
        votes: Floats = np.bincount(values).astype(np.float64)
        if self.scale.covers is not None:
            covers = self.scale.covers[: len(votes)]
            votes = votes @ (covers / np.maximum(covers.sum(axis=1, keepdims=True), 1))
        votes[MISSING] = 0
        return float(votes.argmax()) if votes.any() else float("nan")
