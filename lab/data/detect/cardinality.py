"""How many distinct values a column holds, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from typing import Self

    import polars as pl

KEPT: Final = 16_384
"""Smallest hashes that are kept: exact below; above, a standard error of 1/√KEPT, 0.8 %."""

_HASHES: Final = 2.0**64


@dataclass(frozen=True, slots=True)
class Sketch:
    """The smallest hashes of the values seen so far.

    Source: Z. Bar-Yossef et al., *Counting distinct elements in a data stream*, 2002
    (k minimum values).

    Attributes:
        smallest: Sorted distinct hashes, unsigned, at most `KEPT`.
    """

    smallest: np.ndarray[tuple[int], np.dtype[np.uint64]]

    @classmethod
    def empty(cls) -> Self:
        """Give a sketch that has seen nothing."""
        return cls(np.empty(0, dtype=np.uint64))

    def with_values(self, values: pl.Series) -> Sketch:
        """Give the sketch after these values; nulls must have been dropped."""
        hashes = values.hash(seed=0).to_numpy()
        if len(self.smallest) >= KEPT:
            hashes = hashes[hashes < self.smallest[-1]]
        if not len(hashes):
            return self
        merged = np.unique(np.concatenate((self.smallest, hashes)))
        return Sketch(merged[:KEPT])

    @property
    def is_exact(self) -> bool:
        """Whether nothing was thrown away."""
        return len(self.smallest) < KEPT

    def count(self) -> int:
        """Give how many distinct values were seen, or about how many."""
        if self.is_exact:
            return len(self.smallest)
        return round((KEPT - 1) * _HASHES / float(self.smallest[-1]))
