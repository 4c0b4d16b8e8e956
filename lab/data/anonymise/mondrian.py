"""Mondrian: classes cut one by one. Keeps more than one level per column can; weaker.

Strict multidimensional partitioning (LeFevre, DeWitt, Ramakrishnan, "Mondrian Multidimensional
K-Anonymity", ICDE 2006), each part labelled with the lowest common ancestors of its values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lab.data.anonymise.criteria import histograms, satisfied
from lab.data.anonymise.encode import Coded, encoded
from lab.data.anonymise.hierarchy import ROOT, Words
from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lab.data.anonymise.encode import Encoded, Generalised
    from lab.data.anonymise.hierarchy import Label
    from lab.data.anonymise.model import Problem

WARNING = Words(
    fr=(
        "Mondrian recode chaque classe à part. Qui connaît la méthode peut deviner pourquoi une "
        "coupe a été refusée et en déduire une valeur sensible, même avec la l-diversité "
        "(attaque par minimalité : Wong, Fu, Wang et Pei, VLDB 2007). La généralisation de "
        "colonnes entières y est moins exposée, sans en être à l’abri; préférez-la pour publier."
    ),
    en=(
        "Mondrian recodes each class apart. Whoever knows the method may guess why a cut was "
        "refused and deduce a sensitive value, even with l-diversity (minimality attack: Wong, "
        "Fu, Wang and Pei, VLDB 2007). Generalising whole columns is less exposed to it, though "
        "not safe from it; prefer that for publication."
    ),
)
"""To be shown wherever this option is offered, and in the report of what it made."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partitioned:
    """What Mondrian made.

    Attributes:
        table: Columns and order of rows kept; quasi-identifiers as text.
        parts: How many parts the rows were cut into.
        warning: ``WARNING``.
    """

    table: pl.DataFrame
    parts: int
    warning: Words


def mondrian(problem: Problem, *, cancelled: Callable[[], bool] = lambda: False) -> Partitioned:
    """Cut the table at medians for as long as both sides satisfy the model. No row is removed.

    The same table gives the same parts: of equally wide columns the first is cut.

    Raises:
        DataError: ``no_solution`` when the whole table fails, ``cancelled``, and
            ``value_outside_hierarchy``.
    """
    data = encoded(problem)
    ranks = [_ranks(quasi)[quasi.coded.codes] for quasi in data.quasi]
    everyone = np.arange(data.rows, dtype=np.int64)
    if not _holds(problem, data, everyone):
        raise DataError(
            "no_solution",
            fr="La table entière ne satisfait pas ce modèle : aucune coupe ne le peut.",
            en="The whole table does not satisfy this model: no cut can.",
        )
    waiting, parts = [everyone], []
    while waiting:
        if cancelled():
            raise DataError("cancelled", fr="Le calcul a été annulé.", en="It was cancelled.")
        rows = waiting.pop()
        cut = _cut(problem, data, ranks, rows)
        if cut is None:
            parts.append(rows)
        else:
            waiting.extend(reversed(cut))
    columns = [
        pl.Series(quasi.column, _labels(data.quasi[axis], parts, data.rows), dtype=pl.String)
        for axis, quasi in enumerate(problem.quasi_identifiers)
    ]
    return Partitioned(
        table=problem.table.with_columns(columns), parts=len(parts), warning=WARNING
    )


def _ranks(quasi: Generalised) -> NDArray[np.int64]:
    """An order of raw codes in which the values under one label stand together, at all levels.

    Within a label, numbers stand as numbers and other values as texts; missing comes last.
    """

    def value(code: int) -> tuple[bool, float, str]:
        text = quasi.coded.values[code]
        if text is None:
            return True, 0.0, ""
        try:
            return False, float(text), text
        except ValueError:
            return False, 0.0, text

    ranks = np.empty(len(quasi.coded.values), dtype=np.int64)
    plain = sorted(range(len(ranks)), key=value)
    ranks[plain] = np.arange(len(ranks))
    for map_ in quasi.maps[1:]:
        # A label stands where its first value does.
        least = np.full(int(map_.max()) + 1, len(ranks), dtype=np.int64)
        np.minimum.at(least, map_, ranks)
        order = np.lexsort((ranks, least[map_]))
        ranks[order] = np.arange(len(ranks))
    return ranks


def _cut(
    problem: Problem, data: Encoded, ranks: list[NDArray[np.int64]], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    if len(rows) < 2 * problem.model.k:
        return None
    seen = [rank[rows] for rank in ranks]
    whole = [max(len(quasi.coded.values) - 1, 1) for quasi in data.quasi]
    widths = [(int(s.max()) - int(s.min())) / w for s, w in zip(seen, whole, strict=True)]
    for axis in sorted(range(len(ranks)), key=lambda axis: (-widths[axis], axis)):
        if not widths[axis]:
            return None
        values = np.sort(seen[axis])
        median = values[(len(values) - 1) // 2]
        if median == values[-1]:
            median = values[np.searchsorted(values, median) - 1]
        low = seen[axis] <= median
        sides = rows[low], rows[~low]
        if all(_holds(problem, data, side) for side in sides):
            return sides
    return None


def _holds(problem: Problem, data: Encoded, rows: NDArray[np.int64]) -> bool:
    if len(rows) < problem.model.k:
        return False
    for criterion in problem.model.criteria:
        column: Coded = data.sensitive[criterion.column]
        here = np.bincount(column.codes[rows], minlength=len(column.values))
        values = np.flatnonzero(here)
        found = histograms(
            np.zeros(len(values), dtype=np.int64), values, here[values], len(column.values)
        )
        if not satisfied(criterion, found, column)[0]:
            return False
    return True


def _labels(quasi: Generalised, parts: list[NDArray[np.int64]], rows: int) -> list[Label]:
    """For each row, the lowest label that all rows of its part share; none is one of level 0."""
    labels = np.empty(rows, dtype=object)
    for part in parts:
        raw = quasi.coded.codes[part]
        for names, map_ in zip(quasi.labels, quasi.maps, strict=True):
            if (map_[raw] == map_[raw[0]]).all():
                labels[part] = names[map_[raw[0]]]
                break
        else:
            labels[part] = ROOT  # the hierarchy ends in several labels
    result: list[Label] = labels.tolist()
    return result
