"""The final analysis of the risks (A-2.1, r. 0.1, art. 5 and 7), before and after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from lab.data.errors import DataError
from lab.data.measure.closest import closest
from lab.data.measure.coding import View, view
from lab.data.measure.counting import count, diversity, require
from lab.data.measure.inferring import inference
from lab.data.measure.linking import linkability
from lab.data.measure.report import Audience, RiskReport, Technique
from lab.data.measure.singling import singling_out
from lab.data.measure.trials import ATTEMPTS, Attack, Method, Trial
from lab.domain.privacy import Criterion, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

_PREDICATES: Final = 5_000
_PEOPLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and as what.

    Attributes:
        roles: Each column's role, as a person confirmed it. Attackers know the quasi-identifiers;
            secrets are the sensitive columns. Without any, everything but identifiers is both.
        technique: How the release was made.
        audience: Who will see it.
        epsilon: Privacy budget spent; None without such a guarantee.
        hierarchies: For generalised columns, rows ``value, level 1, level 2, ...``; intervals,
            masks and ``*`` are understood without.
        predicates: Attempts to single out.
        people: Attempts to link and to infer, on each side. 2,000 bound a rare event within 0.002,
            but a secret that four people in five share needs 10,000 for bounds of 0.05.
        seed: Of every draw.
    """

    roles: Mapping[str, Role]
    technique: Technique
    audience: Audience = Audience.BETWEEN
    epsilon: float | None = None
    hierarchies: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    predicates: int = _PREDICATES
    people: int = _PEOPLE
    seed: int = 0

    def named(self, role: Role) -> tuple[str, ...]:
        """Columns of one role."""
        return tuple(n for n, r in self.roles.items() if r is role)


def measure_risk(
    source: pl.DataFrame, released: pl.DataFrame, control: pl.DataFrame | None, *, plan: Plan
) -> RiskReport:
    """Measure the three criteria on the unprotected table and on the release.

    Args:
        source: The unprotected table that the release was made from.
        released: What would be published.
        control: People like them whose rows the release was not made from; None counts every
            success of an attack as risk.
        plan: Roles, technique and numbers of attempts.

    Raises:
        DataError: ``missing_column``, ``empty_table``.
    """
    known, secrets = columns_of(source, released, control, plan)
    everything = tuple(dict.fromkeys([*known, *secrets]))
    tables = view(source, control, released, columns=everything, hierarchies=plan.hierarchies)
    bare = view(source, control, source, columns=everything, hierarchies={})
    names = [s.name for s in tables.scales]
    known_left = tuple(n for n in known if n in names)
    secrets_left = tuple(n for n in secrets if n in names)
    compared = known_left or names
    lying = names if plan.technique is Technique.SYNTHESIS else compared
    near = [
        closest(t.only(lying), attempts=n, rng=_rng(plan, 9))
        for t, n in ((tables, plan.people), (bare, min(plan.people, ATTEMPTS)))
    ]
    return RiskReport(
        technique=plan.technique,
        audience=plan.audience,
        epsilon=plan.epsilon,
        seed=plan.seed,
        source_rows=source.height,
        control_rows=0 if control is None else control.height,
        released_rows=released.height,
        known=known_left,
        identifiers=tuple(n for n in plan.named(Role.IDENTIFIER) if n in released.columns),
        blind=tables.blind,
        before=count(source, known),
        after=count(released, known_left),
        diversity_before=diversity(source, known, secrets),
        diversity_after=diversity(released, known_left, secrets_left),
        attacks=_attacks(tables, bare, source, (known_left, secrets_left), plan),
        closest=near[0],
        closest_positive=near[1],
    )


def _rng(plan: Plan, number: int) -> np.random.Generator:
    """Draws of one attack do not depend on which others are made."""
    return np.random.default_rng([plan.seed, number])


def columns_of(
    source: pl.DataFrame, released: pl.DataFrame, control: pl.DataFrame | None, plan: Plan
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an attacker is taken to know, and the secrets.

    Raises:
        DataError: ``missing_column``, ``empty_table``.
    """
    for table, fr, en in (
        (source, "La table d’origine", "The source table"),
        (released, "La table à publier", "The table to publish"),
    ):
        if not table.height or not table.width:
            raise DataError("empty_table", fr=f"{fr} est vide.", en=f"{en} is empty.")
    rest = tuple(n for n in source.columns if plan.roles.get(n) is not Role.IDENTIFIER)
    known = plan.named(Role.QUASI_IDENTIFIER) or rest
    secrets = plan.named(Role.SENSITIVE) or known
    require(source, [*known, *secrets])
    if control is not None:
        require(control, [*known, *secrets])
    if not set(released.columns) & {*known, *secrets}:
        raise DataError(
            "missing_column",
            fr="La table à publier n’a aucune colonne de la table d’origine.",
            en="The table to publish has no column of the source table.",
        )
    return known, secrets


def _attacks(
    tables: View,
    bare: View,
    source: pl.DataFrame,
    columns: tuple[tuple[str, ...], tuple[str, ...]],
    plan: Plan,
) -> tuple[Attack, ...]:
    known, secrets = columns
    names = [s.name for s in tables.scales]
    pointing = known or tuple(names)
    joined = known if len(known) > 1 else tuple(names)
    found = [
        _both(
            Method.MULTIVARIATE if several else Method.UNIVARIATE,
            Criterion.SINGLING_OUT,
            lambda t, n, several=several: singling_out(  # type: ignore[misc]
                t.only(pointing),
                attempts=n,
                rng=_rng(plan, 1 + several),
                multivariate=several,
            ),
            (tables, bare),
            attempts=plan.predicates,
            has_object=several or _has_uniques(source, pointing),
        )
        for several in (False, True)
    ]
    if len(joined) > 1:
        found.append(
            _both(
                Method.LINKING,
                Criterion.LINKING,
                lambda t, n: linkability(t.only(joined), attempts=n, rng=_rng(plan, 3)),
                (tables, bare),
                attempts=plan.people,
            )
        )
    for number, secret in enumerate(secrets):
        others = [n for n in pointing if n != secret]
        found.append(
            _both(
                Method.INFERENCE,
                Criterion.INFERENCE,
                lambda t, n, s=secret, o=others, i=number: inference(  # type: ignore[misc]
                    t.only([*o, s]), s, attempts=n, rng=_rng(plan, 10 + i)
                ),
                (tables, bare),
                attempts=plan.people,
                column=secret,
                has_object=_varies(bare.only([secret])),
            )
        )
    return tuple(found)


def _both(
    method: Method,
    criterion: Criterion,
    attack: Callable[[View, int], Trial],
    tables: tuple[View, View],
    *,
    attempts: int,
    column: str | None = None,
    has_object: bool = True,
) -> Attack:
    """Attack the release and, in the same way, the unprotected table, which must only succeed."""
    found, positive = attack(tables[0], attempts), attack(tables[1], min(attempts, ATTEMPTS))
    return Attack(method, criterion, column, found, positive, has_object)


def _has_uniques(table: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether one value points at one row; counted without the attack's own code."""
    return any(bool(table[n].is_unique().any()) for n in columns)


def _varies(hidden: View) -> bool:
    """Whether a secret has more than one value among all people known."""
    both = [hidden.source[0], *([] if hidden.control is None else [hidden.control[0]])]
    return len(np.unique(np.concatenate(both))) > 1
