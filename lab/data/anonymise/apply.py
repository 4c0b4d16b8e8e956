"""The published table: labels in place of values, rows of failing classes gone."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lab.data.anonymise.encode import encoded
from lab.data.anonymise.failing import failures
from lab.data.anonymise.groups import keys, rolled_up, root
from lab.data.anonymise.hierarchy import ROOT
from lab.data.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.data.anonymise.encode import Encoded
    from lab.data.anonymise.model import Problem
    from lab.data.anonymise.search import Solution


class Suppressed(StrEnum):
    """What becomes of a row that is suppressed."""

    REMOVED = "removed"
    """The row goes."""
    STARRED = "starred"
    """The row stays, to keep the count: stars in quasi-identifiers, nothing anywhere else."""


def apply(
    problem: Problem, solution: Solution, *, suppressed: Suppressed = Suppressed.REMOVED
) -> pl.DataFrame:
    """The table at the solution's levels, columns and order of rows kept.

    A quasi-identifier at level 0 keeps its type, unless rows are starred; else it is text.

    Raises:
        DataError: ``wrong_levels`` when the solution is of another problem.
    """
    heights = [quasi.hierarchy.height for quasi in problem.quasi_identifiers]
    fits = len(heights) == len(solution.levels) and all(
        0 <= level < height for level, height in zip(solution.levels, heights, strict=True)
    )
    if not fits:
        raise DataError(
            "wrong_levels",
            fr="Ces niveaux ne sont pas ceux d’une solution de ce problème.",
            en="These levels are not those of a solution of this problem.",
        )
    data = encoded(problem)
    gone = suppressed_rows(problem, data, solution.levels)
    labelled = problem.table.with_columns(
        _labels(data, axis, level).alias(quasi.column)
        for axis, (quasi, level) in enumerate(
            zip(problem.quasi_identifiers, solution.levels, strict=True)
        )
        if level
    )
    if suppressed is Suppressed.REMOVED or not gone.any():
        return labelled.filter(pl.Series(~gone))
    quasi_identifiers = {quasi.column for quasi in problem.quasi_identifiers}
    flag = pl.lit(pl.Series(gone))
    return labelled.with_columns(
        pl.when(flag).then(pl.lit(ROOT)).otherwise(pl.col(name).cast(pl.String)).alias(name)
        if name in quasi_identifiers
        else pl.when(~flag).then(pl.col(name)).alias(name)
        for name in labelled.columns
    )


def suppressed_rows(problem: Problem, data: Encoded, levels: tuple[int, ...]) -> NDArray[np.bool_]:
    """For each row, whether its class at these levels fails the model."""
    groups = rolled_up(data, root(data), levels)
    _, failing = failures(problem, data, groups)
    # A class is found again by its key: rolling up kept one atom of each part only.
    key_of_atom, _ = keys(data, np.arange(len(data.counts), dtype=np.int64), levels)
    bad = np.unique(key_of_atom[groups.atoms[failing[groups.of_part]]])
    result: NDArray[np.bool_] = np.isin(key_of_atom, bad)[data.atom_of_row]
    return result


def _labels(data: Encoded, axis: int, level: int) -> pl.Series:
    quasi = data.quasi[axis]
    names = pl.Series(quasi.labels[level], dtype=pl.String)
    return names.gather(quasi.maps[level][quasi.coded.codes])
