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
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from lab.data.synthesise.graph import Clique, JunctionTree, junction_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

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
    fitting = _Fitting(measurements, sizes)
    known = () if start is None else start.factors
    factors = [*known, *(_begin(one) for one in measurements[len(known) :])]
    steepest = sum(float(np.max(1.0 / one.sigma**2)) for one in measurements)
    pace = 1.0 / (fitting.total * steepest)
    best = _descend(fitting.at, _flat(factors), pace, steps, cancelled)
    parts = tuple(part.copy() for part in fitting.parts(best.factors))
    return Model(fitting.tree, parts, tuple(best.beliefs), fitting.total)


@dataclass(frozen=True, slots=True)
class _Point:
    """A place in the descent; factors and slopes of all measurements in one row."""

    factors: NDArray[np.float64]
    beliefs: list[NDArray[np.float64]]
    loss: float
    slopes: NDArray[np.float64]


def _descend(
    at: Callable[[NDArray[np.float64]], _Point],
    factors: NDArray[np.float64],
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
        landed = here.factors - pace * here.slopes
        faster = (1.0 + math.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        push = (momentum - 1.0) / faster
        new = at(landed + push * (landed - factors))
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


class _Fitting:
    """What each step of a descent needs, laid out once: most tables are small and steps many."""

    def __init__(self, measurements: Sequence[Measurement], sizes: tuple[int, ...]) -> None:
        self.tree = junction_tree(sizes, [one.columns for one in measurements])
        self.total = total_of(measurements)
        self._measurements, cliques = measurements, self.tree.cliques
        self._places = [self.tree.holding(one.columns) for one in measurements]
        self._shapes = [tuple(sizes[column] for column in clique) for clique in cliques]
        self._counts = _flat([one.counts for one in measurements])
        self._sigma = _flat([one.sigma for one in measurements])
        ends = np.cumsum([one.counts.size for one in measurements]).tolist()
        self._ranges = list(pairwise([0, *ends]))
        self._wholes = self._sources()

    def parts(self, row: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The table of each measurement in a row of all of them."""
        shaped = zip(self._measurements, self._ranges, strict=True)
        return [row[start:end].reshape(one.counts.shape) for one, (start, end) in shaped]

    def at(self, factors: NDArray[np.float64]) -> _Point:
        """Beliefs with these factors, how far they are from what was measured, and which way."""
        potentials = [np.zeros(shape) for shape in self._shapes]
        for one, place, factor in zip(
            self._measurements, self._places, self.parts(factors), strict=True
        ):
            potentials[place] += spread(factor, one.columns, self.tree.cliques[place])
        beliefs = calibrate(self.tree, potentials)
        away = (self._expected(beliefs) * self.total - self._counts) / self._sigma
        return _Point(factors, beliefs, 0.5 * float(away @ away), away / self._sigma)

    def _expected(self, beliefs: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        found: list[NDArray[np.float64]] = [np.empty(0)] * len(self._measurements)
        for at, whole in self._wholes:
            one, place = self._measurements[at], self._places[at]
            if whole is None:
                found[at] = marginal(beliefs[place], self.tree.cliques[place], one.columns)
            else:
                found[at] = marginal(found[whole], self._measurements[whole].columns, one.columns)
        return _flat(found)

    def _sources(self) -> list[tuple[int, int | None]]:
        """Pairs, then each column alone with a pair that it is summed from, if there is one."""
        order = sorted(
            range(len(self._measurements)), key=lambda at: -len(self._measurements[at].columns)
        )
        holds: dict[int, int] = {}
        found: list[tuple[int, int | None]] = []
        for at in order:
            columns = self._measurements[at].columns
            found.append((at, holds.get(columns[0]) if len(columns) == 1 else None))
            if len(columns) > 1:
                holds.update(dict.fromkeys(columns, at))
        return found


def _flat(tables: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([table.ravel() for table in tables])


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
    walk = _Walk(model)
    for first in columns:
        found.update(walk.pairs_of(first))
    return found


def _one(model: Model, column: int) -> NDArray[np.float64]:
    at = model.tree.holding((column,))
    return marginal(model.beliefs[at], model.tree.cliques[at], (column,))


class _Walk:
    """Goes from a column's clique to all others, with what it says of what they share.

    Only the columns shared with the next clique go along, never a whole clique.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._near: list[list[int]] = [[] for _ in model.tree.cliques]
        self._shared: dict[tuple[int, int], Clique] = {}
        self._given: dict[tuple[int, int, Clique], NDArray[np.float64]] = {}
        for at, parent in enumerate(model.tree.parents):
            if parent is not None:
                self._near[at].append(parent)
                self._near[parent].append(at)
                self._shared[at, parent] = self._shared[parent, at] = model.tree.separators[at]

    def pairs_of(self, first: int) -> dict[Clique, NDArray[np.float64]]:
        """Expected counts of a column with each later one of its connected part."""
        found: dict[Clique, NDArray[np.float64]] = {}
        start = self._model.tree.holding((first,))
        waiting = [(start, -1, np.empty(0))]
        while waiting:
            at, origin, known = waiting.pop()
            for second in self._model.tree.cliques[at]:
                if second > first and (first, second) not in found:
                    both = self._joint(first, (second,), at, origin, known)
                    found[first, second] = self._model.total * both
            for other in self._near[at]:
                if other != origin:
                    shared = self._shared[at, other]
                    # What holds the column itself needs to be told nothing.
                    is_here = first in shared
                    passed = known if is_here else self._joint(first, shared, at, origin, known)
                    waiting.append((other, at, passed))
        return found

    def _joint(
        self, first: int, wanted: Clique, at: int, origin: int, known: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """P(first, wanted columns of a clique), from P(first, what it shares with its origin)."""
        clique, belief = self._model.tree.cliques[at], self._model.beliefs[at]
        if first in clique:
            both = tuple(sorted((first, *wanted)))
            return np.moveaxis(marginal(belief, clique, both), both.index(first), 0)
        shared = self._shared[origin, at]
        both = tuple(sorted({*shared, *wanted}))
        given = self._given.get((origin, at, wanted))
        if given is None:
            base = np.maximum(marginal(belief, clique, shared), 1e-300)
            given = marginal(belief, clique, both) / spread(base, shared, both)
            self._given[origin, at, wanted] = given
        shape = spread(np.empty(known.shape[1:]), shared, both).shape
        joint = known.reshape([len(known), *shape]) * given
        axes = tuple(axis + 1 for axis, one in enumerate(both) if one not in wanted)
        return np.asarray(joint.sum(axis=axes)) if axes else joint
