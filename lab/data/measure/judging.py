"""Is the residual risk shown to be very low? (A-2.1, r. 0.1, art. 7).

The law sets no number. ``Thresholds`` comes from a policy file that the agency signs; what is not
shown is not passed: an attack whose positive control failed shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, Final

from lab.data.measure import sentences
from lab.data.measure.report import Audience, RiskReport, Technique, UtilityReport
from lab.data.measure.trials import ATTEMPTS, Attack, Method, Trial
from lab.domain.privacy import Criterion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.data.measure.closest import Closest
    from lab.data.measure.sentences import Reason

_BY_CHANCE: Final = exp(-1)
"""Most often that a predicate written without looking isolates one person (Cohen and Nissim,
PNAS 117, 2020)."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What an agency accepts; the values are its policy's.

    Attributes:
        k_between: Smallest class of a generalised table, between agencies.
        k_inside: The same inside one agency.
        attack_risk: Largest upper bound at 95 % of each attack's risk, 0 to 1.
        epsilon: Largest privacy budget of a synthesis.
        kept_rows: Smallest share of rows kept (utility).
        pairs: Largest mean total variation distance of pairs of columns (utility).
        pmse: Largest mean square of the propensity score about one half (utility).
        learning_loss: Largest loss of right answers when trained on the release (utility).
    """

    k_between: int = 11
    k_inside: int = 5
    attack_risk: float = 0.09
    epsilon: float = 3.0
    kept_rows: float = 0.9
    pairs: float = 0.1
    pmse: float = 0.05
    learning_loss: float = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """A conclusion and every reason for it.

    Attributes:
        passed: Whether every reason passed.
        fr: The conclusion in a sentence.
        en: The same in English.
        reasons: One for each thing examined, in the order of the criteria.
    """

    passed: bool
    fr: str
    en: str
    reasons: tuple[Reason, ...]


def judge(report: RiskReport, thresholds: Thresholds) -> Verdict:
    """Conclude on the residual risk: very low, never none."""
    found = (
        *_identifiers(report),
        *_guarantee(report, thresholds),
        *(_attack(a, report, thresholds.attack_risk) for a in report.attacks),
        *_closest(report, thresholds.attack_risk),
        *(sentences.blind(name) for name in report.blind),
    )
    passed = all(r.passed for r in found)
    return Verdict(passed, *sentences.risk_conclusion(passed=passed), found)


def judge_utility(report: UtilityReport, thresholds: Thresholds) -> Verdict:
    """Conclude on what the release is still good for; the law asks nothing of it."""
    pairs = next((m for m in report.marginals if m.order == 2), None)  # noqa: PLR2004
    found = [
        sentences.utility("kept_rows", report.kept_rows, thresholds.kept_rows, at_least=True),
        sentences.utility("pmse", report.propensity.pmse, thresholds.pmse),
    ]
    if pairs is not None and pairs.compared:
        found.append(sentences.utility("pairs", pairs.mean, thresholds.pairs))
    if report.learning is not None:
        loss = report.learning.from_source - report.learning.from_released
        found.append(sentences.utility("learning_loss", loss, thresholds.learning_loss))
    passed = all(r.passed for r in found)
    return Verdict(passed, *sentences.utility_conclusion(passed=passed), tuple(found))


def is_conclusive(attack: Attack, limit: float) -> bool:
    """Whether the attack succeeds on the unprotected table, so that failing says something."""
    positive = attack.positive
    if positive.excess.estimate <= limit:
        return False
    return positive.excess.lower > 0 or (
        # A table has few predicates on one column: all of them were tried.
        attack.method is Method.UNIVARIATE
        and positive.is_exhaustive
        and positive.main.share.estimate > _BY_CHANCE
    )


def _identifiers(report: RiskReport) -> Iterator[Reason]:
    for name in report.identifiers:
        yield sentences.identifier(name)


def _guarantee(report: RiskReport, thresholds: Thresholds) -> Iterator[Reason]:
    if report.technique is Technique.GENERALISATION:
        between = report.audience is Audience.BETWEEN
        asked = thresholds.k_between if between else thresholds.k_inside
        yield sentences.classes(report.after.k, asked)
    else:
        yield sentences.budget(report.epsilon, thresholds.epsilon)


def _attack(attack: Attack, report: RiskReport, limit: float) -> Reason:
    if not attack.has_object:
        return sentences.nothing_to_find(attack)
    if not is_conclusive(attack, limit):
        return sentences.not_conclusive(attack, limit)
    tried = attack.released
    if tried.main.trials >= ATTEMPTS:
        return sentences.attacked(
            attack, limit, tried.excess.upper, has_control=_controlled(report)
        )
    if not tried.is_exhaustive:
        return sentences.too_few(attack, limit, ATTEMPTS)
    if attack.criterion is Criterion.SINGLING_OUT:
        return sentences.exhausted(attack, limit, passed=not _shown(tried, limit))
    return sentences.attacked(attack, limit, tried.excess.upper, has_control=_controlled(report))


def _shown(tried: Trial, limit: float) -> bool:
    """Whether few predicates, all there are, isolate more than chance does."""
    return tried.excess.lower > limit or (
        tried.excess.estimate > limit and tried.main.share.lower > _BY_CHANCE
    )


def _controlled(report: RiskReport) -> bool:
    return report.control_rows > 0


def _closest(report: RiskReport, limit: float) -> Iterator[Reason]:
    """Copies are looked for in syntheses; a generalised row lies near its people by design."""
    if report.technique is not Technique.SYNTHESIS:
        return
    found: Closest | None = report.closest
    positive = report.closest_positive
    if found is None or positive is None:
        yield sentences.copies(None, limit, is_conclusive=False)
        return
    conclusive = positive.excess.lower > 0 and positive.excess.estimate > limit
    yield sentences.copies(found.excess, limit, is_conclusive=conclusive)
