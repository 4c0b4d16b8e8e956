"""All choices of levels, in order of loss, and what is known of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lab.data.anonymise.encode import column_loss
from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lab.data.anonymise.encode import Encoded

MAX_NODES = 5_000_000
"""More choices than this need some 200 MB and longer than a person waits."""

UNKNOWN, HOLDS, FAILS = 0, 1, 2


class Lattice:
    """Choices of levels (nodes), each numbered; and whether a growing property holds there.

    A growing property that holds at some levels holds at any levels nowhere lower. That is what
    lets one look decide many nodes (Kohlmayer, Prasser et al., "Flash", PASSAT 2012, whose
    search along chains this follows).

    Attributes:
        heights: Number of levels of each quasi-identifier.
        losses: Loss of generalising all rows, in bits, by node.
        order: Nodes by loss, then by height, then by number: coarser never comes first.
        state: UNKNOWN, HOLDS or FAILS, by node.
    """

    def __init__(self, encoded: Encoded) -> None:
        self.heights = encoded.heights
        size = math.prod(self.heights)
        if size > MAX_NODES:
            raise DataError(
                "lattice_too_large",
                fr=f"Les hiérarchies donnent {size} choix de niveaux, plus que {MAX_NODES} : "
                "enlevez des niveaux ou des quasi-identifiants.",
                en=f"The hierarchies give {size} choices of levels, more than {MAX_NODES}: "
                "remove levels or quasi-identifiers.",
            )
        losses, climbs = np.zeros(self.heights), np.zeros(self.heights, dtype=np.int64)
        for axis, quasi in enumerate(encoded.quasi):
            shape = [1] * len(self.heights)
            shape[axis] = -1
            # One column after the other: the order of additions is part of the result.
            losses += np.array([column_loss(e) for e in quasi.entropies]).reshape(shape)
            climbs += np.arange(self.heights[axis]).reshape(shape)
        self.losses = losses.ravel()
        self.order = np.lexsort((climbs.ravel(), self.losses))
        self._rank = np.empty(size, dtype=np.int64)
        self._rank[self.order] = np.arange(size)
        self._steps = [math.prod(self.heights[axis + 1 :]) for axis in range(len(self.heights))]
        self._grid = np.zeros(self.heights, dtype=np.int8)
        self.state = self._grid.reshape(-1)

    def levels(self, node: int) -> tuple[int, ...]:
        """The node's level of each quasi-identifier."""
        return tuple(
            node // step % height for step, height in zip(self._steps, self.heights, strict=True)
        )

    def node(self, levels: tuple[int, ...]) -> int:
        """The number of the node at these levels."""
        return sum(step * level for step, level in zip(self._steps, levels, strict=True))

    def mark(self, levels: tuple[int, ...], *, holds: bool) -> None:
        """Note what one look says of the node, and of all nodes above or below it."""
        if holds:
            self._grid[tuple(slice(level, None) for level in levels)] = HOLDS
        else:
            self._grid[tuple(slice(None, level + 1) for level in levels)] = FAILS

    def above(self, levels: tuple[int, ...], into: NDArray[np.bool_]) -> None:
        """Set ``into`` (by node) for the node and all nodes above it."""
        into.reshape(self.heights)[tuple(slice(level, None) for level in levels)] = True

    def settle(self, node: int, holds: Callable[[tuple[int, ...]], bool]) -> bool:
        """Decide an unknown node by bisecting chains that go up from it."""
        while self.state[node] == UNKNOWN:
            chain = self._chain(node)
            low, high = 0, len(chain)
            while low < high:
                middle = (low + high) // 2
                levels = self.levels(chain[middle])
                found = holds(levels)
                self.mark(levels, holds=found)
                if found:
                    high = middle
                else:
                    low = middle + 1
        return bool(self.state[node] == HOLDS)

    def _chain(self, node: int) -> list[int]:
        """Unknown nodes from this one up, one level at a time, each time the cheapest step."""
        chain, levels = [node], list(self.levels(node))
        while True:
            best, axis_of_best = -1, -1
            for axis, step in enumerate(self._steps):
                up = chain[-1] + step
                if levels[axis] + 1 < self.heights[axis] and self.state[up] == UNKNOWN:
                    rank = int(self._rank[up])
                    if axis_of_best < 0 or rank < best:
                        best, axis_of_best = rank, axis
            if axis_of_best < 0:
                return chain
            levels[axis_of_best] += 1
            chain.append(chain[-1] + self._steps[axis_of_best])
