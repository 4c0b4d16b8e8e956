"""Junction trees: which columns are modelled together, and how the groups are joined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Clique = tuple[int, ...]
"""Columns modelled together, increasing."""


@dataclass(frozen=True, slots=True)
class JunctionTree:
    """Cliques in an order where each one's parent comes before it.

    Attributes:
        cliques: The cliques; the first one of each connected part is a root.
        parents: Position of each clique's parent, None for a root.
        separators: Columns shared with the parent, empty for a root.
    """

    cliques: tuple[Clique, ...]
    parents: tuple[int | None, ...]
    separators: tuple[Clique, ...]

    def holding(self, columns: Iterable[int]) -> int:
        """Position of the smallest clique that holds all of these columns.

        Raises:
            LookupError: None does.
        """
        wanted = set(columns)
        held = [at for at, clique in enumerate(self.cliques) if wanted <= set(clique)]
        if not held:
            raise LookupError(wanted)
        return min(held, key=lambda at: len(self.cliques[at]))


def cells(clique: Sequence[int], sizes: Sequence[int]) -> int:
    """How many cells a table over these columns has."""
    return math.prod(sizes[column] for column in clique)


def junction_tree(sizes: Sequence[int], measured: Iterable[Sequence[int]]) -> JunctionTree:
    """A junction tree in which every measured group of columns is within one clique.

    Triangulation eliminates the column whose clique is smallest at each step (the
    min-weight heuristic; Kjærulff 1990); the tree is a spanning forest of greatest
    separators (Jensen and Jensen 1994).
    """
    maximal = [tuple(_columns(clique)) for _, clique in _maximal(sizes, measured)]
    maximal.sort(key=lambda clique: (-len(clique), clique))
    links = sorted(
        (
            (len(set(maximal[left]) & set(maximal[right])), left, right)
            for left, right in combinations(range(len(maximal)), 2)
            if set(maximal[left]) & set(maximal[right])
        ),
        key=lambda link: (-link[0], link[1], link[2]),
    )
    part = list(range(len(maximal)))

    def root(at: int) -> int:
        while part[at] != at:
            at = part[at]
        return at

    near: list[list[int]] = [[] for _ in maximal]
    for _, left, right in links:
        if root(left) != root(right):
            part[root(left)] = root(right)
            near[left].append(right)
            near[right].append(left)
    return _rooted(maximal, near)


def weight(sizes: Sequence[int], measured: Iterable[Sequence[int]]) -> int:
    """Cells of all cliques of that junction tree together: what a fit costs."""
    return sum(cost for cost, _ in _maximal(sizes, measured))


def _maximal(sizes: Sequence[int], measured: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """Cells and columns (one bit each) of the cliques that elimination makes, none in another."""
    # Asked for each pair that might be measured, so it must be quick.
    near = [0] * len(sizes)
    for group in measured:
        for left, right in combinations(group, 2):
            near[left] |= 1 << right
            near[right] |= 1 << left
    costs = {
        column: (math.prod(sizes[one] for one in _columns(around)) * sizes[column], column)
        for column, around in enumerate(near)
    }
    kept: list[tuple[int, int]] = []
    while costs:
        cost, column = min(costs.values())
        del costs[column]
        around = near[column]
        clique = around | 1 << column
        # A later clique may lie within an earlier one, which holds a column that is gone.
        if all(clique & ~other for _, other in kept):
            kept.append((cost, clique))
        for one in _columns(around):
            added = around & ~near[one] & ~(1 << one)
            near[one] = (near[one] | added) & ~(1 << column)
            new = costs[one][0] // sizes[column]
            costs[one] = new * math.prod(sizes[other] for other in _columns(added)), one
    return kept


def _columns(bits: int) -> list[int]:
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


def _rooted(maximal: list[Clique], near: list[list[int]]) -> JunctionTree:
    order: list[int] = []
    parents: list[int | None] = []
    separators: list[Clique] = []
    place: dict[int, int] = {}
    for start in range(len(maximal)):
        waiting: list[tuple[int, int | None]] = [] if start in place else [(start, None)]
        while waiting:
            at, parent = waiting.pop()
            place[at] = len(order)
            order.append(at)
            parents.append(None if parent is None else place[parent])
            shared = set() if parent is None else set(maximal[at]) & set(maximal[parent])
            separators.append(tuple(sorted(shared)))
            waiting.extend((other, at) for other in near[at] if other not in place)
    return JunctionTree(tuple(maximal[at] for at in order), tuple(parents), tuple(separators))
