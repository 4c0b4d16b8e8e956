"""A synthetic table with differential privacy.

Differential privacy bounds what the table tells about any one record. It does not
make the result *anonymisé* in the sense of the law: that word is earned only by
the final analysis (Règlement sur l'anonymisation des renseignements personnels,
A-2.1, r. 0.1, art. 7), which a person signs, for synthetic data as for any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.data.errors import DataError
from lab.data.synthesise.mechanism import Measured, Plan, measure
from lab.data.synthesise.noise import Noise
from lab.data.synthesise.sampling import draw, split

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from lab.data.synthesise.budget import Budget
    from lab.data.synthesise.domain import Domain

COLUMNS_AT_MOST = 64
ROWS_AT_MOST = 10_000_000
DROWNED = 0.1
"""Noise on each count of a column, relative to all records, from which a warning is given."""


@dataclass(frozen=True, slots=True)
class NoisyTable:
    """What was measured, for the report: nothing here was read without noise.

    Attributes:
        columns: One name, or two.
        cells: How many counts, after rare values were put together.
        sigma: Standard deviation of the noise of each count (of the least noisy one).
    """

    columns: tuple[str, ...]
    cells: int
    sigma: float


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the person who asked should know.

    Attributes:
        reason: Stable word.
        fr: A sentence.
        en: The same in English.
    """

    reason: str
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A synthetic table and what it cost.

    Attributes:
        table: Columns in the order and of the types of the source.
        budget: What the release was allowed to cost.
        rho: What its noise cost by the count of opendp (zCDP), at most the budget's.
        records: How many records the source seems to have, noisy.
        measured: What was asked of the table: each column, then the chosen pairs.
        warnings: What the person who asked should know.
    """

    table: pl.DataFrame
    budget: Budget
    rho: float
    records: float
    measured: tuple[NoisyTable, ...]
    warnings: tuple[Warned, ...]

    @property
    def pairs(self) -> tuple[tuple[str, ...], ...]:
        """The pairs of columns that were chosen, in order."""
        return tuple(one.columns for one in self.measured if len(one.columns) > 1)


def synthesise(
    table: pl.DataFrame,
    domain: Domain,
    budget: Budget,
    *,
    rows: int | None = None,
    seed: int = 0,
    plan: Plan | None = None,
    noise: Noise | None = None,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Synthesis:
    """A synthetic table, (ε, δ)-differentially private for one record added or removed.

    The account of the table must have been charged (`Account.spend`) and kept before.
    A refusal looks at names, types and whether there is any row, never at a value.
    The result alone does not earn *anonymisé*: see this module.

    Args:
        table: The source; direct identifiers are out already.
        domain: What each column may hold, declared by a person.
        budget: What this may cost.
        rows: Rows to make; None for as many as the source seems to have, noisy.
            A number given here must be public.
        seed: For what comes after the noise; the noise itself has no seed.
        plan: How the budget is shared, and how rich the structure; `TREE` is MST.
        noise: Another source of noise, for the audit only.
        progress: Told how far it is, from 0 to 1.
        cancelled: Asked now and then; the run stops when it says so, and stays charged.

    Raises:
        DataError: The domain's reasons, ``no_rows``, ``no_columns``,
            ``too_many_columns``, ``rows_invalid`` or ``cancelled``.
    """
    _refuse(table, rows)
    domain.refuse_unfit(table)

    def tick(share: float) -> None:
        if cancelled():
            raise DataError(
                "cancelled",
                fr="La synthèse a été annulée; le budget reste dépensé.",
                en="The synthesis was cancelled; the budget stays spent.",
            )
        progress(share)

    tick(0.0)
    ledger = noise or Noise(budget.rho)
    sizes = domain.sizes(table.columns)
    measured = measure(domain.encode(table), sizes, ledger, plan=plan or Plan(), tick=tick)
    tick(0.9)
    made = generate(measured, domain, table.schema, rows=rows, seed=seed)
    progress(1.0)
    names = table.columns
    told = tuple(
        NoisyTable(tuple(names[at] for at in one.columns), one.counts.size, float(one.sigma.min()))
        for one in measured.measurements
    )
    total = measured.model.total
    warnings = _warnings(budget, total, told)
    return Synthesis(made, budget, ledger.spent, total, told, warnings)


def generate(
    measured: Measured, domain: Domain, schema: pl.Schema, *, rows: int | None, seed: int
) -> pl.DataFrame:
    """Rows from what was measured; the same ones for the same seed."""
    random = np.random.default_rng(seed)
    # The noisy total is bounded: an extreme draw must not ask for more memory than there is.
    count = min(round(measured.model.total), ROWS_AT_MOST) if rows is None else rows
    merged = draw(measured.model, len(schema), count, random)
    codes = np.array([
        split(row, into, weights, random)
        for row, into, weights in zip(merged, measured.merged, measured.weights, strict=True)
    ])
    return domain.decode(codes, schema, random)


def _refuse(table: pl.DataFrame, rows: int | None) -> None:
    if table.width == 0:
        raise DataError(
            "no_columns", fr="La table n’a aucune colonne.", en="The table has no column."
        )
    if table.width > COLUMNS_AT_MOST:
        raise DataError(
            "too_many_columns",
            fr=f"La table a {table.width} colonnes; {COLUMNS_AT_MOST} au plus pour la synthèse.",
            en=f"The table has {table.width} columns; {COLUMNS_AT_MOST} at most for synthesis.",
        )
    if table.height == 0:
        raise DataError("no_rows", fr="La table n’a aucune ligne.", en="The table has no row.")
    if rows is not None and not 1 <= rows <= ROWS_AT_MOST:
        raise DataError(
            "rows_invalid",
            fr=f"Le nombre de lignes demandé ({rows}) n’est pas entre 1 et {ROWS_AT_MOST}.",
            en=f"The number of rows asked for ({rows}) is not between 1 and {ROWS_AT_MOST}.",
        )


def _warnings(
    budget: Budget, records: float, measured: tuple[NoisyTable, ...]
) -> tuple[Warned, ...]:
    warned = []
    if budget.delta >= 1.0 / records:
        warned.append(
            Warned(
                "delta_large",
                f"δ = {budget.delta:g} n’est pas plus petit que 1 sur le nombre de lignes :"
                " la garantie est faible.",
                f"δ = {budget.delta:g} is not below 1 over the number of rows:"
                " the guarantee is weak.",
            )
        )
    drowned = [one for one in measured if one.sigma > DROWNED * records]
    if drowned:
        names = ", ".join(sorted({name for one in drowned for name in one.columns}))
        warned.append(
            Warned(
                "noise_dominates",
                f"Trop peu de lignes pour ce budget : le bruit domine ({names}).",
                f"Too few rows for this budget: the noise dominates ({names}).",
            )
        )
    return tuple(warned)
