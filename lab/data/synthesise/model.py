"""A graphical model fitted to noisy counts: post-processing, which costs no privacy.

The model is the one of McKenna, Sheldon and Miklau ("Graphical-model based
estimation and inference for differential privacy", 2019, arXiv:1901.09136): among
all tables of probabilities that factor over a junction tree, the one whose counts
are nearest the noisy ones, each weighed by its noise. It is found by mirror
descent, so that nothing is ever negative and everything is consistent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lab.data.synthesise.graph import Clique, JunctionTree, junction_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Factors = list[NDArray[np.float64]]

GAIN = 1e-4
"""Relative gain under which a step counts as none."""
PATIENCE = 8
"""Steps without a gain after which a fit is done."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Noisy counts over some columns.

    Attributes:
        columns: Which columns, increasing.
        counts: One count per combination of codes.
        sigma: Standard deviation of the noise of each count, same shape.
    """

    columns: Clique
    counts: NDArray[np.float64]
    sigma: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """Probabilities over a junction tree.

    Attributes:
        tree: The cliques.
        factors: Logarithm of the weights that each measurement brought, in their order.
        beliefs: Probability of each cell, one table per clique, consistent.
        total: How many records there seem to be.
    """

    tree: JunctionTree
    factors: tuple[NDArray[np.float64], ...]
    beliefs: tuple[NDArray[np.float64], ...]
    total: float


def total_of(measurements: Sequence[Measurement]) -> float:
    """How many records there seem to be: the mean of all sums, each weighed by its noise."""
    sums = np.array([one.counts.sum() for one in measurements])
    weights = np.array([1.0 / np.square(one.sigma).sum() for one in measurements])
    return float(max(1.0, (sums * weights).sum() / weights.sum()))


def fit(
    measurements: Sequence[Measurement],
    sizes: tuple[int, ...],
    *,
    start: Model | None = None,
    steps: int = 200,
    cancelled: Callable[[], bool] = lambda: False,
) -> Model:
    """The model nearest the noisy counts.

    Args:
        measurements: What was measured.
        sizes: How many codes each column has.
        start: A model fitted to the first of these measurements, to begin from.
        steps: Most steps of descent.
        cancelled: Asked at each step; the fit stops there when it says so.
    """
    tree = junction_tree(sizes, [one.columns for one in measurements])
    places = [tree.holding(one.columns) for one in measurements]
    total = total_of(measurements)
    known = () if start is None else start.factors
    factors = [*known, *(_begin(one) for one in measurements[len(known) :])]

    def at(tried: Factors) -> _Point:
        beliefs = _beliefs(tree, sizes, measurements, places, tried)
        return _Point(tried, beliefs, *_loss(tree, beliefs, measurements, places, total))

    steepest = sum(float(np.max(1.0 / one.sigma**2)) for one in measurements)
    best = _descend(at, factors, 1.0 / (total * steepest), steps, cancelled)
    return Model(tree, tuple(best.factors), tuple(best.beliefs), total)


@dataclass(frozen=True, slots=True)
class _Point:
    factors: Factors
    beliefs: list[NDArray[np.float64]]
    loss: float
    slopes: list[NDArray[np.float64]]


def _descend(
    at: Callable[[Factors], _Point],
    factors: Factors,
    pace: float,
    steps: int,
    cancelled: Callable[[], bool],
) -> _Point:
    """Mirror descent with the momentum of Nesterov (1983), begun anew when it overshoots.

    The restarts are those of O'Donoghue and Candès (2015, arXiv:1204.3982).
    """
    best = here = at(factors)
    momentum, idle, growth = 1.0, 0, 1.5  # longer steps, until the first that overshoots
    for _ in range(steps):
        if idle >= PATIENCE or cancelled():
            break
        landed = [f - pace * slope for f, slope in zip(here.factors, here.slopes, strict=True)]
        faster = (1.0 + math.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        push = (momentum - 1.0) / faster
        new = at([one + push * (one - old) for one, old in zip(landed, factors, strict=True)])
        if not new.loss <= here.loss:  # overshot, or not a number
            pace, growth = pace / 2.0, 1.0
            here, factors, momentum = best, best.factors, 1.0
            idle += 1
            continue
        idle = idle + 1 if here.loss - new.loss < GAIN * here.loss else 0
        here, factors, momentum = new, landed, faster
        best = new
        pace *= growth
    return best


def _beliefs(
    tree: JunctionTree,
    sizes: tuple[int, ...],
    measurements: Sequence[Measurement],
    places: Sequence[int],
    factors: Sequence[NDArray[np.float64]],
) -> list[NDArray[np.float64]]:
    potentials = [np.zeros([sizes[column] for column in clique]) for clique in tree.cliques]
    for one, at, factor in zip(measurements, places, factors, strict=True):
        potentials[at] += spread(factor, one.columns, tree.cliques[at])
    return calibrate(tree, potentials)


def calibrate(
    tree: JunctionTree, potentials: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Probabilities of each clique, consistent on what they share (two passes of messages)."""
    beliefs = [np.exp(np.maximum(one - one.max(), -300.0)) for one in potentials]
    upward: list[NDArray[np.float64]] = [np.empty(0)] * len(beliefs)
    for at in range(len(beliefs) - 1, -1, -1):
        parent = tree.parents[at]
        beliefs[at] = beliefs[at] / beliefs[at].sum()
        if parent is not None:
            upward[at] = marginal(beliefs[at], tree.cliques[at], tree.separators[at])
            beliefs[parent] = beliefs[parent] * spread(
                upward[at], tree.separators[at], tree.cliques[parent]
            )
    for at, parent in enumerate(tree.parents):
        if parent is None:
            continue
        known = marginal(beliefs[parent], tree.cliques[parent], tree.separators[at])
        ratio = known / np.maximum(upward[at], 1e-300)
        beliefs[at] = beliefs[at] * spread(ratio, tree.separators[at], tree.cliques[at])
    return beliefs


def marginal(table: NDArray[np.float64], clique: Clique, kept: Clique) -> NDArray[np.float64]:
    """Sums of a table over the columns that are not kept."""
    axes = tuple(axis for axis, column in enumerate(clique) if column not in kept)
    return np.asarray(table.sum(axis=axes)) if axes else table


def spread(table: NDArray[np.float64], held: Clique, clique: Clique) -> NDArray[np.float64]:
    """A view of a table that multiplies with one over more columns."""
    sizes = iter(table.shape)
    return table.reshape([next(sizes) if column in held else 1 for column in clique])


def _loss(
    tree: JunctionTree,
    beliefs: Sequence[NDArray[np.float64]],
    measurements: Sequence[Measurement],
    places: Sequence[int],
    total: float,
) -> tuple[float, list[NDArray[np.float64]]]:
    loss = 0.0
    slopes: list[NDArray[np.float64]] = []
    for one, at in zip(measurements, places, strict=True):
        expected = marginal(beliefs[at], tree.cliques[at], one.columns) * total
        away = (expected - one.counts) / one.sigma
        loss += 0.5 * float((away * away).sum())
        slopes.append(away / one.sigma)
    return loss, slopes


def _begin(one: Measurement) -> NDArray[np.float64]:
    if len(one.columns) > 1:
        return np.zeros(one.counts.shape)
    floor = np.maximum(one.sigma / 4.0, 0.5)  # an empty cell may fill again during the descent
    return np.asarray(np.log(np.maximum(one.counts, floor)))


def pairs(model: Model) -> dict[Clique, NDArray[np.float64]]:
    """Expected counts of every two columns, in one clique or not, exactly."""
    columns = sorted({column for clique in model.tree.cliques for column in clique})
    ones = [_one(model, column) for column in columns]
    found: dict[Clique, NDArray[np.float64]] = {
        (left, right): model.total * np.outer(ones[left], ones[right])
        for left, right in combinations(columns, 2)
    }
    near: list[list[int]] = [[] for _ in model.tree.cliques]
    for at, parent in enumerate(model.tree.parents):
        if parent is not None:
            near[at].append(parent)
            near[parent].append(at)
    for first in columns:
        found.update(_pairs_of(model, near, first))
    return found


def _one(model: Model, column: int) -> NDArray[np.float64]:
    at = model.tree.holding((column,))
    return marginal(model.beliefs[at], model.tree.cliques[at], (column,))


def _pairs_of(
    model: Model, near: list[list[int]], first: int
) -> dict[Clique, NDArray[np.float64]]:
    """Expected counts of a column with each later one of its connected part."""
    found: dict[Clique, NDArray[np.float64]] = {}
    start = model.tree.holding((first,))
    waiting = [(start, -1, _with_first(model, start, first))]
    while waiting:
        at, origin, joint = waiting.pop()
        for axis, second in enumerate(model.tree.cliques[at]):
            if second > first:
                axes = tuple(one + 1 for one in range(joint.ndim - 1) if one != axis)
                found[first, second] = model.total * joint.sum(axis=axes)
        waiting.extend(
            (other, at, _passed(model, at, other, joint, first))
            for other in near[at]
            if other != origin
        )
    return found


def _with_first(model: Model, at: int, column: int) -> NDArray[np.float64]:
    """P(column, clique) with the column as one more first axis, where the clique holds it."""
    belief, clique = model.beliefs[at], model.tree.cliques[at]
    axis = clique.index(column)
    size = belief.shape[axis]
    same = np.eye(size).reshape([
        size,
        *(size if one == axis else 1 for one in range(belief.ndim)),
    ])
    return np.asarray(belief[None] * same)


def _passed(
    model: Model, at: int, other: int, joint: NDArray[np.float64], column: int
) -> NDArray[np.float64]:
    """P(column, other clique), from P(column, this clique)."""
    here, there = model.tree.cliques[at], model.tree.cliques[other]
    if column in there:
        return _with_first(model, other, column)
    shared = model.tree.separators[at if model.tree.parents[at] == other else other]
    axes = tuple(axis + 1 for axis, one in enumerate(here) if one not in shared)
    known = joint.sum(axis=axes)
    belief = model.beliefs[other]
    base = np.maximum(spread(marginal(belief, there, shared), shared, there), 1e-300)
    size = len(known)
    shape = [size, *spread(np.empty(known.shape[1:]), shared, there).shape]
    passed: NDArray[np.float64] = (belief / base)[None] * known.reshape(shape)
    return passed
