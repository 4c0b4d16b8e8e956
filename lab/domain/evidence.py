"""The evidence that the law asks for before a table may be mounted, and the judgement on it.

"Art." is the *Règlement sur l'anonymisation des renseignements personnels* (A-2.1, r. 0.1).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lab.domain.dataset import DataClass
from lab.domain.privacy import Criterion, Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.ids import MemberId


class Scope(StrEnum):
    """Who will see the data: it sets which threshold of k counts."""

    INSIDE = "interne"
    """People of the agency that the table comes from."""
    BETWEEN = "entre-organismes"
    """People of other agencies too."""


class Technique(StrEnum):
    """How a table is treated (art. 6)."""

    K_ANONYMITY = "k-anonymat"
    SYNTHESIS = "synthese"
    NONE = "aucune"
    """Only direct identifiers are removed: for data that are public already."""


TECHNIQUES: Mapping[DataClass, frozenset[Technique]] = {
    DataClass.SYNTHETIC: frozenset({Technique.SYNTHESIS}),
    DataClass.ANONYMISED: frozenset({Technique.K_ANONYMITY, Technique.SYNTHESIS}),
    DataClass.OPEN: frozenset({Technique.NONE}),
    DataClass.DEIDENTIFIED: frozenset(Technique),
}
"""What may lead to each status. Statuses never mix."""

JUDGED = frozenset({DataClass.SYNTHETIC, DataClass.ANONYMISED})
"""Statuses that are earned by a final analysis that passes. Synthetic data are no exception."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyPolicy:
    """The thresholds of ``policies/privacy.yaml``. The law sets none: an agency signs these.

    Attributes:
        k_between: Smallest class where other agencies see the data, inclusive.
        k_inside: The same where only the agency itself does.
        attack_risk_upper: Largest upper confidence bound of each attack's risk, inclusive, 0 to 1.
        epsilon_total: Of all syntheses of one source over its whole life, inclusive.
        review_months: From publication, or the last review, to the next one (art. 8).
        review_lead_days: Before that date, the lab starts the review by itself.
        raw_limit_bytes: Of one raw file.
    """

    k_between: int
    k_inside: int
    attack_risk_upper: float
    epsilon_total: Decimal
    review_months: int
    raw_limit_bytes: int
    review_lead_days: int = 30

    def k_for(self, scope: Scope) -> int:
        """Return the k that counts for who will see the data."""
        return self.k_inside if scope is Scope.INSIDE else self.k_between


@dataclass(frozen=True, slots=True)
class RawFile:
    """What was deposited. Its bytes lie encrypted in quarantine until they are destroyed.

    Attributes:
        sha256: Hexadecimal, of the raw bytes; taken before anything reads them.
    """

    name: str
    size_bytes: int
    sha256: str
    deposited_at: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """One kind of value that was recognised in a column.

    Attributes:
        kind: Stable word, for example ``nas``.
        rate: Share of the values that are there, 0 to 1.
        examples: Masked.
    """

    kind: str
    rate: float
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnFinding:
    """What was found in one column, over all rows.

    Attributes:
        type: A Frictionless Table Schema type.
        proposed: What it seems to be.
        missing: Share of missing values, 0 to 1.
        drop: Whether to leave it out is proposed (identifiers, free text).
        must_go: Whether its values were recognised so surely as identifiers that nobody's word
            keeps them, in whichever role.
    """

    name: str
    type: str
    proposed: Role
    missing: float = 0.0
    distinct: int = 0
    drop: bool = False
    hits: tuple[Hit, ...] = ()
    must_go: bool = False


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """What a person confirmed of one column (art. 5).

    Attributes:
        keep: Whether it goes on. An identifier never does.
        hierarchy: CSV text, one line per value, from itself to the most general; empty to have
            one derived.
    """

    name: str
    role: Role
    keep: bool = True
    label_fr: str = ""
    label_en: str = ""
    hierarchy: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an analysis says in numbers, for the judgement.

    Attributes:
        k: Size of the smallest class; ``None`` where the technique makes no classes.
        risk_upper: Worst upper confidence bound of the attacks of each criterion, 0 to 1.
        control_held: Every attack succeeded on the unprotected table, so it can succeed.
    """

    k: int | None = None
    risk_upper: Mapping[Criterion, float] = field(default_factory=dict)
    control_held: bool = False


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis of the re-identification risks (art. 5 or 7).

    Attributes:
        report: All of it, as JSON types.
        failures: Stable words; empty where the risk is very low by the thresholds used.
    """

    at: datetime
    figures: Figures
    report: Mapping[str, Any]
    failures: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the risk is very low by the thresholds used. It is never zero."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Treatment:
    """The technique that was applied, and what came of it (art. 6).

    Attributes:
        parameters: As asked, JSON types.
        outcome: What the technique tells of its work (levels, rows left out), JSON types.
        by: Who started it.
        epsilon: Spent by a synthesis; zero for others.
    """

    technique: Technique
    parameters: Mapping[str, Any]
    outcome: Mapping[str, Any]
    row_count: int
    by: MemberId
    at: datetime
    epsilon: Decimal = Decimal(0)
    delta: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who answers for it.

    Attributes:
        value: Hexadecimal HMAC-SHA256 over the canonical JSON of the evidence, of who, when, why.
        reason: What they say to it; empty where they say nothing.
    """

    by: MemberId
    at: datetime
    value: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Destruction:
    """That nothing of the raw file is left with the lab.

    Attributes:
        gone: What was looked for and was not there.
        seen_gone_at: UTC; when the look that found nothing was made.
        value: Hexadecimal HMAC-SHA256 over the rest, the dossier and the raw file's checksum.
    """

    gone: tuple[str, ...]
    seen_gone_at: datetime
    value: str = ""


def judge(
    figures: Figures,
    policy: PrivacyPolicy,
    *,
    data_class: DataClass,
    technique: Technique,
    scope: Scope,
) -> tuple[str, ...]:
    """Say why the residual risk is not very low (art. 7); nothing where it is.

    What was not measured counts as failed. An attack that does not succeed on the
    unprotected table proves nothing, so it counts as failed too. Data that are
    public already, and those that stay personal information, earn nothing here.

    Returns:
        Stable words: ``wrong_technique``, ``k_missing``, ``k_too_small``, ``control_failed``,
        ``not_measured:<criterion>``, ``risk_too_high:<criterion>``.
    """
    failures: list[str] = []
    if technique not in TECHNIQUES[data_class]:
        failures.append("wrong_technique")
    if data_class not in JUDGED:
        return tuple(failures)
    if technique is Technique.K_ANONYMITY:
        if figures.k is None:
            failures.append("k_missing")
        elif figures.k < policy.k_for(scope):
            failures.append("k_too_small")
    if not figures.control_held:
        failures.append("control_failed")
    for criterion in Criterion:
        upper = figures.risk_upper.get(criterion)
        if upper is None:
            failures.append(f"not_measured:{criterion.value}")
        elif not upper <= policy.attack_risk_upper:  # so that "not a number" fails
            failures.append(f"risk_too_high:{criterion.value}")
    return tuple(failures)


def spent(epsilons: Sequence[Decimal]) -> Decimal:
    """Return what a source has spent: sequential composition, the sum."""
    return sum(epsilons, Decimal(0))


def months_after(at: datetime, months: int) -> datetime:
    """Return the same day and time ``months`` later; the last day where that month is shorter."""
    count = at.month - 1 + months
    year, month = at.year + count // 12, count % 12 + 1
    day = min(at.day, calendar.monthrange(year, month)[1])
    return at.replace(year=year, month=month, day=day)
