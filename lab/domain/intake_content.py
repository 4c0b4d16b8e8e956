"""The evidence of a dossier as JSON types, and back: what is kept, and what is signed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lab.domain.evidence import (
    Analysis,
    ColumnChoice,
    ColumnFinding,
    Destruction,
    Figures,
    Hit,
    PrivacyPolicy,
    RawFile,
    Signature,
    Technique,
    Treatment,
)
from lab.domain.ids import MemberId
from lab.domain.intake_review import Review
from lab.domain.privacy import Criterion, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.intake import Intake


def of_raw(raw: RawFile) -> dict[str, Any]:
    """Write it."""
    return asdict(raw) | {"deposited_at": raw.deposited_at.isoformat()}


def to_raw(content: Mapping[str, Any]) -> RawFile:
    """Read it."""
    return RawFile(**{**content, "deposited_at": _moment(content["deposited_at"])})


def of_finding(finding: ColumnFinding) -> dict[str, Any]:
    """Write it."""
    hits = [asdict(hit) | {"examples": list(hit.examples)} for hit in finding.hits]
    return asdict(finding) | {"proposed": finding.proposed.value, "hits": hits}


def to_finding(content: Mapping[str, Any]) -> ColumnFinding:
    """Read it."""
    hits = tuple(Hit(**{**h, "examples": tuple(h["examples"])}) for h in content["hits"])
    return ColumnFinding(**{**content, "proposed": Role(content["proposed"]), "hits": hits})


def of_choice(choice: ColumnChoice) -> dict[str, Any]:
    """Write it."""
    return asdict(choice) | {"role": choice.role.value}


def to_choice(content: Mapping[str, Any]) -> ColumnChoice:
    """Read it."""
    return ColumnChoice(**{**content, "role": Role(content["role"])})


def of_analysis(analysis: Analysis) -> dict[str, Any]:
    """Write it."""
    figures = analysis.figures
    risks = {criterion.value: risk for criterion, risk in figures.risk_upper.items()}
    return {
        "at": analysis.at.isoformat(),
        "figures": {"k": figures.k, "risk_upper": risks, "control_held": figures.control_held},
        "report": dict(analysis.report),
        "failures": list(analysis.failures),
    }


def to_analysis(content: Mapping[str, Any]) -> Analysis:
    """Read it."""
    figures = content["figures"]
    risks = {Criterion(name): float(risk) for name, risk in figures["risk_upper"].items()}
    return Analysis(
        at=_moment(content["at"]),
        figures=Figures(figures["k"], risks, figures["control_held"]),
        report=content["report"],
        failures=tuple(content["failures"]),
    )


def of_treatment(treatment: Treatment) -> dict[str, Any]:
    """Write it."""
    return {
        "technique": treatment.technique.value,
        "parameters": dict(treatment.parameters),
        "outcome": dict(treatment.outcome),
        "row_count": treatment.row_count,
        "by": treatment.by,
        "at": treatment.at.isoformat(),
        "epsilon": str(treatment.epsilon),
        "delta": str(treatment.delta),
    }


def to_treatment(content: Mapping[str, Any]) -> Treatment:
    """Read it."""
    return Treatment(**{
        **content,
        "technique": Technique(content["technique"]),
        "at": _moment(content["at"]),
        "epsilon": Decimal(content["epsilon"]),
        "delta": Decimal(content["delta"]),
    })


def of_policy(policy: PrivacyPolicy) -> dict[str, Any]:
    """Write the thresholds. When a review starts is none, and no signature covers it."""
    values = asdict(policy) | {"epsilon_total": str(policy.epsilon_total)}
    del values["review_lead_days"]
    return values


def to_policy(content: Mapping[str, Any]) -> PrivacyPolicy:
    """Read it."""
    return PrivacyPolicy(**{**content, "epsilon_total": Decimal(content["epsilon_total"])})


def of_signature(signature: Signature) -> dict[str, Any]:
    """Write it."""
    return _signer(signature) | {"value": signature.value}


def to_signature(content: Mapping[str, Any]) -> Signature:
    """Read it."""
    by, at = MemberId(content["by"]), _moment(content["at"])
    return Signature(by, at, content["value"], content.get("reason", ""))


def of_review(review: Review) -> dict[str, Any]:
    """Write it."""
    return {
        "at": review.at.isoformat(),
        "by": review.by,
        "k": review.k,
        "report": dict(review.report),
        "failures": list(review.failures),
        "policy": of_policy(review.policy),
        "not_repeated": list(review.not_repeated),
        "confirmation": of_signature(review.confirmation) if review.confirmation else None,
    }


def to_review(content: Mapping[str, Any]) -> Review:
    """Read it; those of before had nobody to confirm them."""
    confirmation = content.get("confirmation")
    return Review(**{
        **content,
        "at": _moment(content["at"]),
        "failures": tuple(content["failures"]),
        "policy": to_policy(content["policy"]),
        "not_repeated": tuple(content["not_repeated"]),
        "confirmation": to_signature(confirmation) if confirmation else None,
    })


def of_destruction(destruction: Destruction) -> dict[str, Any]:
    """Write it."""
    return {
        "gone": list(destruction.gone),
        "seen_gone_at": destruction.seen_gone_at.isoformat(),
        "value": destruction.value,
    }


def to_destruction(content: Mapping[str, Any]) -> Destruction:
    """Read it."""
    seen = _moment(content["seen_gone_at"])
    return Destruction(tuple(content["gone"]), seen, content["value"])


def evidence_of(intake: Intake) -> dict[str, Any]:
    """Return what a signature covers: everything that was known and decided until then."""
    return {
        "intake_id": intake.id,
        "dataset_id": intake.dataset_id,
        "agency_id": intake.agency_id,
        "title": intake.title_fr,
        "purposes": intake.purposes,
        "licence": intake.licence,
        "source": intake.source,
        "asked": intake.asked.value,
        "scope": intake.scope.value,
        "depositor_id": intake.depositor_id,
        "requester_id": intake.requester_id,
        "supervisor_id": intake.supervisor_id,
        "opened_at": intake.opened_at.isoformat(),
        "raw": of_raw(intake.raw) if intake.raw else None,
        "row_count": intake.row_count,
        "columns": [of_choice(choice) for choice in intake.choices],
        "confirmed_by": intake.confirmed_by,
        "preliminary": of_analysis(intake.preliminary) if intake.preliminary else None,
        "treatment": of_treatment(intake.treatment) if intake.treatment else None,
        "final": of_analysis(intake.final) if intake.final else None,
        "thresholds": of_policy(intake.policy) if intake.policy else None,
    }


def signed_content(intake: Intake, signature: Signature) -> bytes:
    """Return the bytes under a signature: the evidence, who and when, always the same way."""
    return _canonical({"intake": evidence_of(intake), "signed": _signer(signature)})


def confirmed_content(intake: Intake, review: Review, signature: Signature) -> bytes:
    """Return the bytes under a confirmation: the analysis made again, who and when."""
    what = of_review(replace(review, confirmation=None))
    return _canonical({"intake_id": intake.id, "review": what, "confirmed": _signer(signature)})


def destruction_content(intake: Intake, destruction: Destruction) -> bytes:
    """Return the bytes under a destruction's signature."""
    what = of_destruction(destruction) | {"value": None, "intake_id": intake.id}
    return _canonical({"destruction": what | {"sha256": intake.raw.sha256 if intake.raw else ""}})


def _signer(signature: Signature) -> dict[str, str]:
    who = {"by": signature.by, "at": signature.at.isoformat()}
    # Signatures without a reason are what they were before there were reasons.
    return who | ({"reason": signature.reason} if signature.reason else {})


def _canonical(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
