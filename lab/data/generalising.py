"""A dossier's table generalised: hierarchies as a person gave them, or derived from the type."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import TYPE_CHECKING, Any

import polars as pl

from lab.data import anonymise
from lab.domain.intake_run import Progress
from lab.domain.privacy import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.evidence import ColumnChoice
    from lab.ports import Plan

_POSTAL = re.compile(r"[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d")
_LEVELS = 20
"""About how many of the narrowest intervals a column of numbers is cut into."""


def generalised(
    table: pl.DataFrame, plan: Plan, tell: Callable[[Progress], None]
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return what may be published of a table, and how it was made.

    Raises:
        DataError: No choice of levels satisfies what is asked, or a hierarchy is wrong.
    """
    problem = anonymise.Problem(
        table=table,
        quasi_identifiers=tuple(
            anonymise.QuasiIdentifier(
                column=choice.name, hierarchy=_hierarchy(table[choice.name], choice)
            )
            for choice in plan.columns
            if choice.keep and choice.role is Role.QUASI_IDENTIFIER
        ),
        model=anonymise.Model(k=plan.k, criteria=tuple(_criteria(plan))),
        suppression_limit=float(plan.parameters.get("suppression") or 0),
    )
    if plan.parameters.get("local_recoding"):
        tell(Progress("mondrian"))
        parts = anonymise.mondrian(problem)
        return parts.table, {"local_recoding": True, "warning": anonymise.WARNING.fr}

    def progress(at: anonymise.Progress) -> None:
        del at
        tell(Progress("search"))

    solution = anonymise.search(problem, progress=progress)
    tell(Progress("write"))
    names = [quasi.column for quasi in problem.quasi_identifiers]
    outcome = {
        "levels": dict(zip(names, solution.levels, strict=True)),
        "loss": solution.loss,
        "suppressed": solution.suppressed,
        "classes": solution.classes,
        "smallest": solution.smallest,
    }
    return anonymise.apply(problem, solution), outcome


def rows_of(choice: ColumnChoice) -> list[list[str]]:
    """Return the hierarchy that a person gave of a column: value, then its labels by level."""
    return list(csv.reader(io.StringIO(choice.hierarchy), delimiter=";"))


def used_rows(column: pl.Series, choice: ColumnChoice) -> list[list[str]]:
    """Return the hierarchy by which a column's labels are read: as given, or as derived.

    What is derived for numbers and dates says itself which values it stands for; the first
    characters of a postal code do not.
    """
    if choice.hierarchy:
        return rows_of(choice)
    if choice.role is not Role.QUASI_IDENTIFIER or column.dtype != pl.String:
        return []
    labels = _hierarchy(column, choice).labels
    return [
        [value, *(level or "" for level in levels)]
        for value, levels in labels.items()
        if value is not None
    ]


def _criteria(plan: Plan) -> list[anonymise.Criterion]:
    found: list[anonymise.Criterion] = []
    for choice in plan.columns:
        if choice.keep and choice.role is Role.SENSITIVE:
            if plan.parameters.get("l"):
                found.append(anonymise.DistinctL(column=choice.name, l=int(plan.parameters["l"])))
            if plan.parameters.get("t"):
                found.append(anonymise.EqualT(column=choice.name, t=float(plan.parameters["t"])))
    return found


def _hierarchy(column: pl.Series, choice: ColumnChoice) -> anonymise.Hierarchy:
    if choice.hierarchy:
        return anonymise.from_rows(column.name, rows_of(choice))
    if column.dtype.is_numeric():
        return anonymise.numbers(column, width=_width(column))
    if column.dtype.is_temporal():
        return anonymise.dates(column)
    texts = column.drop_nulls().unique().to_list() if column.dtype == pl.String else []
    if texts and all(_POSTAL.fullmatch(text.strip()) for text in texts):
        return anonymise.postal_codes(column)
    return anonymise.flat(column)


def _width(column: pl.Series) -> float:
    """Return a round width: 1, 2 or 5 times a power of ten."""
    low, high = column.min(), column.max()
    span = float(high) - float(low) if low is not None and high is not None else 0.0  # type: ignore[arg-type]
    if not math.isfinite(span) or span <= 0:
        return 1.0
    wanted = span / _LEVELS
    power = 10.0 ** math.floor(math.log10(wanted))
    width = next(power * step for step in (1, 2, 5, 10) if power * step >= wanted)
    return max(width, 1.0) if column.dtype.is_integer() else width
