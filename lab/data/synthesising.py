"""A dossier's table synthesised: the domain as a person declared it, never as the data show it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from lab.data import synthesise
from lab.data.errors import DataError
from lab.domain.intake_run import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from lab.ports import Plan

_PERCENT = 100


def synthesised(
    table: pl.DataFrame, plan: Plan, tell: Callable[[Progress], None]
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return a synthetic table, and how it was made.

    Raises:
        DataError: The domain does not fit the table, or is not declared.
    """
    declared = plan.parameters.get("domain") or {}
    domain = synthesise.Domain({name: _column(name, declared) for name in table.columns})
    budget = synthesise.Budget(
        float(plan.parameters["epsilon"]),
        float(plan.parameters.get("delta") or 0) or 1e-6,
    )
    made = synthesise.synthesise(
        table,
        domain,
        budget,
        seed=plan.seed,
        progress=lambda share: tell(Progress("synthesise", int(share * _PERCENT), _PERCENT)),
    )
    outcome = {
        "rho": made.rho,
        "epsilon": budget.epsilon,
        "delta": budget.delta,
        "pairs": [list(pair) for pair in made.pairs],
        "warnings": [{"reason": w.reason, "fr": w.fr, "en": w.en} for w in made.warnings],
    }
    return made.table, outcome


def _column(name: str, declared: Mapping[str, Any]) -> synthesise.Column:
    found = declared.get(name) or {}
    try:
        if found["kind"] == "categories":
            return synthesise.Categories(values=tuple(found["values"]))
        bins = int(found.get("bins") or 20)
        if found["kind"] == "numbers":
            lower, upper = float(found["lower"]), float(found["upper"])
            return synthesise.Numbers(lower=lower, upper=upper, bins=bins)
        first, last = (date.fromisoformat(found[name]) for name in ("first", "last"))
        return synthesise.Dates(first=first, last=last, bins=bins)
    except (KeyError, TypeError, ValueError):
        raise _undeclared(name) from None


def _undeclared(name: str) -> DataError:
    return DataError(
        "domain_not_declared",
        fr=f"Déclarez ce que la colonne « {name} » peut contenir : rien n’en est appris des "
        "données.",
        en=f"Declare what the column “{name}” may hold: nothing of it is learnt from the data.",
    )
