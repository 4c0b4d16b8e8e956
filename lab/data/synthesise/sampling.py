"""Rows drawn from a fitted model, with as little chance in them as rows allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.data.synthesise.model import marginal, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.data.synthesise.model import Model


def draw(model: Model, columns: int, rows: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Codes of new rows, shape (columns, rows).

    Each clique is drawn given what it shares with its parent, by systematic
    sampling: every combination appears as often as the model expects, rounded.
    """
    codes = np.zeros((columns, rows), dtype=np.int64)
    for at, clique in enumerate(model.tree.cliques):
        shared, belief = model.tree.separators[at], model.beliefs[at]
        fresh = tuple(column for column in clique if column not in shared)
        base = np.maximum(spread(marginal(belief, clique, shared), shared, clique), 1e-300)
        order = [clique.index(column) for column in (*shared, *fresh)]
        groups = int(np.prod([belief.shape[axis] for axis in order[: len(shared)]], initial=1))
        chances = np.transpose(belief / base, order).reshape(groups, -1)
        group = np.zeros(rows, dtype=np.int64)
        for column in shared:
            group = group * belief.shape[clique.index(column)] + codes[column]
        drawn = systematic(chances, group, random)
        for column in reversed(fresh):
            drawn, codes[column] = np.divmod(drawn, belief.shape[clique.index(column)])
    return codes


def systematic(
    chances: NDArray[np.float64], group: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    """One outcome per row, as often in each group as its chances say, rounded up or down.

    Args:
        chances: Chance of each outcome in each group, shape (groups, outcomes).
        group: Group of each row.
        random: Which rows get which outcome.
    """
    groups, outcomes = chances.shape
    rows = len(group)
    mixed = random.permutation(rows)
    narrow = np.uint16 if groups <= np.iinfo(np.uint16).max else np.int64  # sorted by radix
    order = mixed[np.argsort(group[mixed].astype(narrow), kind="stable")]
    sizes = np.bincount(group, minlength=groups)
    ordered = np.repeat(np.arange(groups), sizes)  # what group[order] is
    offsets: NDArray[np.float64] = random.random((groups,))
    # Places in a group, begun at its offset, as a share of its size.
    places = np.arange(rows) + np.repeat(offsets - (np.cumsum(sizes) - sizes), sizes)
    points = places / np.repeat(sizes, sizes)
    steps = np.cumsum(chances, axis=1)
    steps /= np.maximum(steps[:, -1:], 1e-300)
    steps[:, -1] = 1.0
    steps += np.arange(groups, dtype=np.float64)[:, None]
    found = np.searchsorted(steps.ravel(), points + ordered, side="right")
    outcome = np.minimum(found - ordered * outcomes, outcomes - 1)
    drawn = np.empty(rows, dtype=np.int64)
    drawn[order] = np.maximum(outcome, 0)
    return drawn


def split(
    codes: NDArray[np.int64],
    merged: NDArray[np.int64],
    weights: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Declared codes from merged ones, as often as each seemed to appear.

    Args:
        codes: Merged code of each row.
        merged: Merged code of each declared code.
        weights: How often each declared code seemed to appear, positive.
        random: Which rows get which code.
    """
    if len(merged) == merged.max() + 1:
        return np.argsort(merged)[codes]
    chances = np.zeros((int(merged.max()) + 1, len(merged)))
    chances[merged, np.arange(len(merged))] = weights
    return systematic(chances / chances.sum(axis=1, keepdims=True), codes, random)
