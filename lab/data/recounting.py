"""A published table analysed again, long after its source is gone (A-2.1, r. 0.1, art. 8).

Classes are counted anew over every row. What attacks and distances showed needs the source: it is
read in the report of the final analysis, and judged by the thresholds of today.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.data import measure
from lab.domain.evidence import Figures, PrivacyPolicy, Technique
from lab.domain.privacy import Role
from lab.ports import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from lab.ports import Plan


_ROUNDING = 1e-9


def recounted(
    frame: pl.DataFrame,
    plan: Plan,
    final: Mapping[str, Any],
    thresholds: measure.Thresholds,
) -> Measured:
    """Count the whole table, and judge what was found then and now.

    Args:
        frame: As it was published.
        plan: How it was made.
        final: The report of its final analysis.
        thresholds: Of today.
    """
    known = _named(plan, Role.QUASI_IDENTIFIER, frame)
    counts = measure.count(frame, known)
    spread = measure.diversity(frame, known, _named(plan, Role.SENSITIVE, frame))
    has_classes = plan.technique is Technique.K_ANONYMITY
    report: dict[str, Any] = {
        "rows": frame.height,
        "counts": json.loads(measure.as_json(counts)),
        "diversity": [json.loads(measure.as_json(each)) for each in spread],
    }
    then = _then(final)
    failures = _broken(plan, spread, then) if has_classes else []
    if then is not None:
        # A synthesis makes no classes: those of its release say nothing of a person.
        seen = replace(then, after=counts, diversity_after=spread) if has_classes else then
        verdict = measure.judge(seen, thresholds)
        report["verdict"] = json.loads(measure.as_json(verdict))
        failures += [] if verdict.passed else ["analysis_failed"]
    return Measured(Figures(counts.k if has_classes else None), report, tuple(failures))


def thresholds_of(policy: PrivacyPolicy) -> measure.Thresholds:
    """Return an agency's thresholds as the analyses take them."""
    return measure.Thresholds(
        k_between=policy.k_between,
        k_inside=policy.k_inside,
        attack_risk=policy.attack_risk_upper,
        epsilon=float(policy.epsilon_total),
    )


def _named(plan: Plan, role: Role, frame: pl.DataFrame) -> list[str]:
    names = [choice.name for choice in plan.columns if choice.keep and choice.role is role]
    return [name for name in names if name in frame.columns]


def _then(final: Mapping[str, Any]) -> measure.RiskReport | None:
    if "risk" not in final:
        return None
    return measure.from_json(measure.RiskReport, json.dumps(final["risk"]))


def _broken(
    plan: Plan, spread: tuple[measure.Diversity, ...], then: measure.RiskReport | None
) -> list[str]:
    """Say what was promised of sensitive columns and does not hold in the published table."""
    failures = []
    least, most = int(plan.parameters.get("l") or 0), float(plan.parameters.get("t") or 0)
    if least and any(each.l < least for each in spread):
        failures.append("l_too_small")
    # Asked for against the source, suppressed rows too; counted here against what was published.
    # What the final analysis counted the same way was seen by whoever signed.
    seen = {each.column: each.t for each in then.diversity_after} if then else {}
    if most and any(each.t > max(most, seen.get(each.column, 0)) + _ROUNDING for each in spread):
        failures.append("t_too_large")
    return failures
