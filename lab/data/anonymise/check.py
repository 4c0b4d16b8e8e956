"""Does a published table satisfy a model? Recounted from its values, apart from the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import polars as pl

from lab.data.anonymise.distance import equal, hierarchical, ordered
from lab.data.anonymise.hierarchy import ROOT
from lab.data.anonymise.model import (
    DistinctL,
    EntropyL,
    EqualT,
    HierarchicalT,
    OrderedT,
    RecursiveCL,
    exact,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.data.anonymise.model import Criterion, Model

_SLACK = 1e-9
"""Measures are rounded numbers: a threshold is met from so near, relatively."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How far the columns single people out (prosecutor model: the person is in the table).

    Attributes:
        rows: Rows counted.
        classes: Classes of rows that agree on all the columns.
        k: Rows of the smallest class; 0 without rows.
        average: Mean over rows of 1 / size of the row's class, which is classes / rows.
        maximal: 1 / k; 0 without rows.
        unique: Share of rows that are alone in their class.
    """

    rows: int
    classes: int
    k: int
    average: float
    maximal: float
    unique: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One criterion, as measured.

    Attributes:
        criterion: What was asked.
        worst: The worst class's value: fewest distinct values, least effective number of
            values (exp of the entropy), greatest ratio of most frequent to tail, or greatest
            distance. Infinite for an empty tail.
        failing_classes: Classes beyond the threshold.
    """

    criterion: Criterion
    worst: float
    failing_classes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the table satisfies the model.

    Attributes:
        holds: True if every class does.
        risk: Of the rows that are not starred.
        small_classes: Classes of fewer than k rows.
        starred: Rows that hold nothing but stars and were left out.
        measures: One per criterion.
    """

    holds: bool
    risk: Risk
    small_classes: int
    starred: int
    measures: tuple[Measure, ...]


def risk(table: pl.DataFrame, quasi_identifiers: Sequence[str]) -> Risk:
    """The risk of being singled out by these columns, in any table, before or after.

    Raises:
        DataError: ``empty_table``, ``unknown_column``.
    """
    required(table, list(quasi_identifiers))
    return _risk(_sizes(table, quasi_identifiers))


def check(
    table: pl.DataFrame,
    quasi_identifiers: Sequence[str],
    model: Model,
    *,
    reference: pl.DataFrame | None = None,
) -> Verdict:
    """Measure a table against a model. A table without rows satisfies every model.

    Args:
        table: As published.
        quasi_identifiers: Its columns that point at people; none at all is one class.
        model: What it must satisfy.
        reference: Whose distributions t-closeness compares with; by default the table's own.
            To repeat the search's decision, give the table before suppression.

    Raises:
        DataError: ``unknown_column``, and ``empty_table`` for a reference without rows.
    """
    if table.height:
        required(table, [*quasi_identifiers, *model.sensitive])
    if reference is not None:
        required(reference, list(model.sensitive))
    starred = _starred(table, quasi_identifiers)
    counted = table.filter(~starred)
    sizes = _sizes(counted, quasi_identifiers)
    whole = counted if reference is None else reference
    small = int((sizes < model.k).sum())
    asked = model.criteria if counted.height else ()
    pairs = {
        name: _pairs(counted, quasi_identifiers, name)
        for name in dict.fromkeys(criterion.column for criterion in asked)
    }
    measures = tuple(_measure(pairs[c.column], c, whole) for c in asked)
    return Verdict(
        holds=not small and not any(measure.failing_classes for measure in measures),
        risk=_risk(sizes),
        small_classes=small,
        starred=int(starred.sum()),
        measures=measures,
    )


def _starred(table: pl.DataFrame, quasi_identifiers: Sequence[str]) -> pl.Series:
    """Rows of stars and nothing else, unless other rows of stars hold something.

    Then all columns were generalised to the top, and a missing value is a value.
    """
    texts = all(table.schema[name] == pl.String for name in quasi_identifiers)
    others = [name for name in table.columns if name not in quasi_identifiers]
    if not quasi_identifiers or not others or not texts:
        return pl.repeat(value=False, n=table.height, dtype=pl.Boolean, eager=True)
    stars = pl.all_horizontal(pl.col(name) == ROOT for name in quasi_identifiers)
    empty = pl.all_horizontal(pl.col(name).is_null() for name in others)
    flags = table.select(stars=stars.fill_null(value=False), empty=empty)
    if (flags["stars"] & ~flags["empty"]).any():
        return pl.repeat(value=False, n=table.height, dtype=pl.Boolean, eager=True)
    return flags["stars"]


def _sizes(table: pl.DataFrame, quasi_identifiers: Sequence[str]) -> pl.Series:
    if not quasi_identifiers:
        return pl.Series([table.height] if table.height else [], dtype=pl.Int64)
    return table.group_by(list(quasi_identifiers)).len()["len"].cast(pl.Int64)


def _risk(sizes: pl.Series) -> Risk:
    rows = int(sizes.sum())
    if not rows:
        return Risk(rows=0, classes=0, k=0, average=0.0, maximal=0.0, unique=0.0)
    k = int(min(sizes))
    return Risk(
        rows=rows,
        classes=len(sizes),
        k=k,
        average=len(sizes) / rows,
        maximal=1 / k,
        unique=int((sizes == 1).sum()) / rows,
    )


def _measure(pairs: pl.DataFrame, criterion: Criterion, reference: pl.DataFrame) -> Measure:
    value = pl.col(criterion.column).cast(pl.String).alias("value")
    everything = reference.group_by(value).agg(all=pl.len().cast(pl.Int64))
    if isinstance(criterion, DistinctL):
        found = pairs.group_by("class").agg(worst=pl.len().cast(pl.Float64))
        return _least(criterion, found["worst"], criterion.l)
    if isinstance(criterion, EntropyL):
        share = pl.col("n") / pl.col("size")
        found = pairs.group_by("class").agg(worst=(-(share * share.log())).sum().exp())
        return _least(criterion, found["worst"], criterion.l)
    if isinstance(criterion, RecursiveCL):
        tail = pl.col("n").sort(descending=True).slice(criterion.l - 1)
        found = pairs.group_by("class").agg(most=pl.col("n").max(), rest=tail.sum())
        c = exact(criterion.c)
        beyond = found["most"] * c.denominator >= found["rest"] * c.numerator
        worst = float(max(found["most"] / found["rest"]))
        return Measure(criterion=criterion, worst=worst, failing_classes=int(beyond.sum()))
    if isinstance(criterion, EqualT):
        return _most(criterion, equal(pairs, everything), criterion.t)
    if isinstance(criterion, OrderedT):
        return _most(criterion, ordered(pairs, everything, criterion.order), criterion.t)
    if isinstance(criterion, HierarchicalT):
        far = hierarchical(pairs, everything, criterion.hierarchy)
        return _most(criterion, far, criterion.t)
    assert_never(criterion)


def _pairs(table: pl.DataFrame, quasi_identifiers: Sequence[str], column: str) -> pl.DataFrame:
    """Rows by ``class`` and ``value``: ``n``, and the class's ``size``."""
    names = [f"q{place}" for place in range(len(quasi_identifiers))] or ["q0"]
    quasi = [
        pl.col(name).alias(short) for short, name in zip(names, quasi_identifiers, strict=False)
    ] or [pl.lit(0).alias("q0")]
    value = pl.col(column).cast(pl.String).alias("value")
    shown = table.select(*quasi, value)
    classes = shown.group_by(names).agg(size=pl.len().cast(pl.Int64)).with_row_index("class")
    pairs = shown.group_by([*names, "value"]).agg(n=pl.len().cast(pl.Int64))
    return pairs.join(classes, on=names, nulls_equal=True).select("class", "value", "n", "size")


def _least(criterion: Criterion, worst: pl.Series, threshold: float) -> Measure:
    failing = int((worst < threshold * (1 - _SLACK)).sum())
    return Measure(criterion=criterion, worst=float(min(worst)), failing_classes=failing)


def _most(criterion: Criterion, worst: pl.Series, threshold: float) -> Measure:
    failing = int((worst > threshold + _SLACK).sum())
    return Measure(criterion=criterion, worst=float(max(worst)), failing_classes=failing)
