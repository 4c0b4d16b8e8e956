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
    maximal = _maximal(_eliminated(sizes, measured))
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
    return sum(cells(clique, sizes) for clique in _maximal(_eliminated(sizes, measured)))


def _eliminated(sizes: Sequence[int], measured: Iterable[Sequence[int]]) -> list[Clique]:
    near: dict[int, set[int]] = {column: set() for column in range(len(sizes))}
    for group in measured:
        for left, right in combinations(group, 2):
            near[left].add(right)
            near[right].add(left)
    cliques: list[Clique] = []
    while near:
        column = min(near, key=lambda at: (cells((at, *near[at]), sizes), at))
        around = near.pop(column)
        cliques.append(tuple(sorted((column, *around))))
        for one in around:
            near[one] |= around
            near[one] -= {one, column}
    return cliques


def _maximal(cliques: list[Clique]) -> list[Clique]:
    kept: list[Clique] = []
    for clique in sorted(set(cliques), key=lambda one: (-len(one), one)):
        if not any(set(clique) <= set(other) for other in kept):
            kept.append(clique)
    return kept


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
