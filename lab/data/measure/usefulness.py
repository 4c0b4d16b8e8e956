"""What a release is still good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.data.measure.coding import view
from lab.data.measure.counting import in_classes
from lab.data.measure.features import levels
from lab.data.measure.learning import learn
from lab.data.measure.report import ColumnShift, UtilityReport
from lab.data.measure.resemblance import associations, distance, marginals, propensity
from lab.data.measure.risks import columns_of
from lab.domain.privacy import Role

if TYPE_CHECKING:
    import polars as pl

    from lab.data.measure.risks import Plan


def measure_utility(
    source: pl.DataFrame,
    released: pl.DataFrame,
    control: pl.DataFrame | None,
    *,
    plan: Plan,
    target: str | None = None,
) -> UtilityReport:
    """Compare a release with its source.

    Args:
        source: The unprotected table.
        released: What would be published.
        control: People who are not in the source, on whom a model is tried; None keeps a quarter
            of the source for that.
        plan: Roles (identifiers are left out), hierarchies and seed.
        target: Column that a model learns; None chooses a sensitive column or the last fit one.

    Raises:
        DataError: ``missing_column``, ``empty_table``.
    """
    known = columns_of(source, released, control, plan)[0]
    wanted = [n for n in source.columns if plan.roles.get(n) is not Role.IDENTIFIER]
    outside = None if control is None or not set(wanted) <= set(control.columns) else control
    tables = view(source, outside, released, columns=wanted, hierarchies=plan.hierarchies)

    def rng(number: int) -> np.random.Generator:
        return np.random.default_rng([plan.seed, 100 + number])

    compared = levels(tables, rng(0))
    names = tuple(c.name for c in compared)
    left = [n for n in known if n in names]
    secrets = [n for n in plan.named(Role.SENSITIVE) if n in names]
    return UtilityReport(
        seed=plan.seed,
        kept_rows=in_classes(released, left).height / source.height,
        columns=names,
        lost=tuple(n for n in wanted if n not in names),
        shifts=tuple(
            ColumnShift(c.name, distance([c.source], [c.released], [c.size])) for c in compared
        ),
        marginals=tuple(marginals(compared, order, rng(order)) for order in (1, 2, 3)),
        associations=associations(compared, rng(4)),
        propensity=propensity(compared, rng(5)),
        learning=learn(compared, target or (secrets[0] if secrets else None), rng(6)),
    )
