"""Classes of rows that a choice of levels makes equal, rolled up from finer classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.data.anonymise.encode import mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.data.anonymise.encode import Encoded

_DENSE = 4
"""Counting in an array of all keys beats sorting up to so many cells per key."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Atoms merged at some levels, those of one class side by side.

    Attributes:
        atoms: For each part of a class with one sensitive value, one of its atoms.
        counts: For each part, its rows.
        starts: For each class, its first part.
    """

    atoms: NDArray[np.int64]
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each class."""
        if len(self.starts) == len(self.counts):
            return self.counts
        return np.add.reduceat(self.counts, self.starts)

    @property
    def of_part(self) -> NDArray[np.int64]:
        """For each part, the number of its class."""
        lengths = np.diff(self.starts, append=len(self.atoms))
        return np.repeat(np.arange(len(self.starts)), lengths)


def root(encoded: Encoded) -> Groups:
    """Every atom by itself; good to roll up from, not a class."""
    atoms = np.arange(len(encoded.counts), dtype=np.int64)
    return Groups(atoms=atoms, counts=encoded.counts, starts=atoms)


def rolled_up(encoded: Encoded, finer: Groups, levels: tuple[int, ...]) -> Groups:
    """Classes at ``levels``, from classes at levels that are nowhere higher."""
    key, space = keys(encoded, finer.atoms, levels)
    if encoded.kinds > 1:
        key, space = mixed([key, encoded.together[finer.atoms]], [max(space, 2), encoded.kinds])
    distinct, atoms, counts = _merged(key, space, finer)
    if encoded.kinds == 1:
        return Groups(atoms=atoms, counts=counts, starts=np.arange(len(atoms), dtype=np.int64))
    classes = distinct // encoded.kinds
    starts = _starts(classes)
    return Groups(atoms=atoms, counts=counts, starts=starts)


def keys(
    encoded: Encoded, atoms: NDArray[np.int64], levels: tuple[int, ...]
) -> tuple[NDArray[np.int64], int]:
    """One key per atom, equal for atoms of one class, and how many keys there may be."""
    sizes = [len(q.labels[at]) for q, at in zip(encoded.quasi, levels, strict=True)]
    used = [i for i, size in enumerate(sizes) if size > 1]
    if not used:
        return np.zeros(len(atoms), dtype=np.int64), 1
    return mixed([encoded.codes[i][levels[i]][atoms] for i in used], [sizes[i] for i in used])


def _merged(
    key: NDArray[np.int64], space: int, finer: Groups
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    if space <= _DENSE * len(key):
        # Whole numbers below 2**53 are exact as floats.
        all_counts = np.bincount(key, weights=finer.counts, minlength=space)
        distinct = np.flatnonzero(all_counts)
        some = np.empty(space, dtype=np.int64)
        some[key] = finer.atoms
        return distinct, some[distinct], all_counts[distinct].astype(np.int64)
    order = np.argsort(key)
    ordered = key[order]
    starts = _starts(ordered)
    counts = np.add.reduceat(finer.counts[order], starts)
    return ordered[starts], finer.atoms[order[starts]], counts


def _starts(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each run of equal numbers starts."""
    new = np.empty(len(ordered), dtype=bool)
    new[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return np.flatnonzero(new)
