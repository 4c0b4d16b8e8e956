"""The best choice of levels, exactly: nothing that loses less satisfies the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.data.anonymise.encode import column_loss, encoded, suppressed_entropy
from lab.data.anonymise.failing import failures
from lab.data.anonymise.groups import Groups, rolled_up, root
from lab.data.anonymise.lattice import FAILS, Lattice
from lab.data.anonymise.model import Loss, Problem
from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lab.data.anonymise.hierarchy import Words

_CACHED = 4_000_000
"""Atoms kept for rolling up: some 64 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a search is.

    Attributes:
        decided: Nodes known to hold or to fail.
        nodes: All nodes.
        examined: Nodes whose classes were counted.
    """

    decided: int
    nodes: int
    examined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnUse:
    """What is left of one quasi-identifier.

    Attributes:
        column: Its name.
        level: The level chosen; 0 is raw.
        words: That level's name.
        kept: Share of the column's entropy that remains, 0 to 1; 1 when it had none.
        labels: How many different labels are published at most.
    """

    column: str
    level: int
    words: Words
    kept: float
    labels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A choice of levels that satisfies the model.

    Attributes:
        levels: One per quasi-identifier, in the problem's order.
        loss: In bits over the whole table, as the problem's ``Loss`` says.
        rows: Rows of the table.
        suppressed: Rows that must be removed.
        classes: Classes that are published.
        smallest: Rows of the smallest published class; 0 when nothing is.
        average: Rows of the average published class; 0 when nothing is.
        columns: What is left of each quasi-identifier.
        examined: Nodes whose classes were counted.
        nodes: Nodes in the lattice.
    """

    levels: tuple[int, ...]
    loss: float
    rows: int
    suppressed: int
    classes: int
    smallest: int
    average: float
    columns: tuple[ColumnUse, ...]
    examined: int
    nodes: int


def search(
    problem: Problem,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Solution:
    """The choice of levels that loses least; of equals, the lowest, then the first.

    Raises:
        DataError: ``no_solution``, ``cancelled``, ``lattice_too_large``, and
            ``value_outside_hierarchy``.
    """
    return top(problem, 1, progress=progress, cancelled=cancelled)[0]


def top(
    problem: Problem,
    n: int,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Solution, ...]:
    """Up to ``n`` choices for a person, best first; none is another one generalised further.

    Raises:
        DataError: Those of ``search``.
    """
    hunt = _Hunt(problem, progress, cancelled)
    found: list[Solution] = []
    while len(found) < max(n, 1) and (solution := hunt.best()) is not None:
        found.append(solution)
    if not found:
        raise DataError(
            "no_solution",
            fr="Aucun choix de niveaux ne satisfait ce modèle avec cette part de suppression.",
            en="No choice of levels satisfies this model with this share of suppression.",
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What counting the classes of one node says."""

    hopeless_rows: int
    failing_rows: int
    loss: float


class _Hunt:
    """One search: the lattice, what was seen of it, and classes to roll up from."""

    def __init__(
        self,
        problem: Problem,
        progress: Callable[[Progress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._problem, self._progress, self._cancelled = problem, progress, cancelled
        self._limit = problem.suppressible_rows
        self._encoded = encoded(problem)
        self._lattice = Lattice(self._encoded)
        self._seen: dict[tuple[int, ...], _Look] = {}
        self._taken = np.zeros(len(self._lattice.losses), dtype=bool)
        bottom = (0,) * len(self._encoded.quasi)
        self._roots = [root(self._encoded)]
        self._root_levels = np.array([bottom])
        self._root_sizes = np.array([len(self._encoded.counts)])

    def best(self) -> Solution | None:
        """The best node that is neither taken nor above one that is; then it is taken."""
        lattice, best, least = self._lattice, -1, (float("inf"), 0)
        for node in lattice.order.tolist():
            if lattice.losses[node] > least[0]:
                break
            if self._taken[node] or lattice.state[node] == FAILS:
                continue
            if not lattice.settle(node, self._may_hold):
                continue
            levels = lattice.levels(node)
            look = self._look(levels)
            if look.failing_rows <= self._limit and (look.loss, sum(levels)) < least:
                best, least = node, (look.loss, sum(levels))
                if look.loss == lattice.losses[node]:
                    break  # what follows loses as much before suppression, or stands higher
        if best < 0:
            return None
        levels = lattice.levels(best)
        lattice.above(levels, self._taken)
        return self._solution(levels)

    def _may_hold(self, levels: tuple[int, ...]) -> bool:
        return self._look(levels).hopeless_rows <= self._limit

    def _look(self, levels: tuple[int, ...]) -> _Look:
        seen = self._seen.get(levels)
        if seen is None:
            if self._cancelled():
                raise DataError(
                    "cancelled", fr="La recherche a été annulée.", en="The search was cancelled."
                )
            seen = self._counted(levels)
            self._seen[levels] = seen
            decided = int(np.count_nonzero(self._lattice.state))
            self._progress(
                Progress(
                    decided=decided, nodes=len(self._lattice.losses), examined=len(self._seen)
                )
            )
        return seen

    def _counted(self, levels: tuple[int, ...]) -> _Look:
        groups = self._groups(levels)
        hopeless, failing = failures(self._problem, self._encoded, groups, self._limit)
        sizes = groups.sizes
        failing_rows = int(sizes[failing].sum())
        loss = float("inf")
        if failing_rows <= self._limit:
            loss = self._loss(levels, groups, failing)
        return _Look(
            hopeless_rows=int(sizes[hopeless].sum()), failing_rows=failing_rows, loss=loss
        )

    def _groups(self, levels: tuple[int, ...]) -> Groups:
        below = np.flatnonzero((self._root_levels <= np.array(levels)).all(axis=1))
        finer = self._roots[below[np.argmin(self._root_sizes[below])]]
        groups = rolled_up(self._encoded, finer, levels)
        if int(self._root_sizes.sum()) + len(groups.atoms) <= _CACHED:
            self._roots.append(groups)
            self._root_levels = np.vstack([self._root_levels, levels])
            self._root_sizes = np.append(self._root_sizes, len(groups.atoms))
        return groups

    def _loss(self, levels: tuple[int, ...], groups: Groups, failing: NDArray[np.bool_]) -> float:
        if self._problem.loss is Loss.GENERALISATION or not failing.any():
            return float(self._lattice.losses[self._lattice.node(levels)])
        parts = failing[groups.of_part]
        loss = 0.0
        for axis, (quasi, level) in enumerate(zip(self._encoded.quasi, levels, strict=True)):
            entropy = quasi.entropies[level]
            codes = self._encoded.codes[axis][level][groups.atoms[parts]]
            lost = np.bincount(codes, weights=groups.counts[parts]).astype(np.int64)
            entropy += suppressed_entropy(lost)
            loss += column_loss(entropy)
        return loss

    def _solution(self, levels: tuple[int, ...]) -> Solution:
        groups = self._groups(levels)
        _, failing = failures(self._problem, self._encoded, groups, self._limit)
        sizes = groups.sizes
        kept = sizes[~failing]
        return Solution(
            levels=levels,
            loss=self._look(levels).loss,
            rows=self._encoded.rows,
            suppressed=int(sizes[failing].sum()),
            classes=len(kept),
            smallest=int(kept.min()) if len(kept) else 0,
            average=float(kept.mean()) if len(kept) else 0.0,
            columns=tuple(
                self._use(axis, level, len(quasi.labels[level]))
                for axis, (quasi, level) in enumerate(
                    zip(self._encoded.quasi, levels, strict=True)
                )
            ),
            examined=len(self._seen),
            nodes=len(self._lattice.losses),
        )

    def _use(self, axis: int, level: int, labels: int) -> ColumnUse:
        quasi = self._problem.quasi_identifiers[axis]
        raw = self._encoded.quasi[axis]
        most = column_loss(suppressed_entropy(raw.coded.counts))
        lost = column_loss(raw.entropies[level])
        return ColumnUse(
            column=quasi.column,
            level=level,
            words=quasi.hierarchy.levels[level],
            kept=1 - lost / most if most else 1.0,
            labels=labels,
        )
