"""A dossier with all its evidence, made by hand: nothing here needs a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lab.data.report import Subject
from lab.domain.evidence import Analysis, ColumnChoice, ColumnFinding, Figures, Hit, Treatment
from lab.domain.evidence import Technique as How
from lab.domain.ids import MemberId
from lab.domain.intake_states import IntakeState
from lab.domain.privacy import Criterion, Role
from tests.conftest import NOON
from tests.store.samples import whole_intake

if TYPE_CHECKING:
    from lab.domain.intake import Intake

ZONE = ZoneInfo("America/Toronto")


def interval(estimate: float, lower: float, upper: float) -> dict[str, float]:
    return {"estimate": estimate, "lower": lower, "upper": upper}


def attack(method: str, criterion: Criterion, upper: float, column: str = "") -> dict[str, Any]:
    return {
        "method": method,
        "criterion": criterion.value,
        "column": column or None,
        "released": {"excess": interval(0.01, -0.002, upper), "is_exhaustive": False},
        "positive": {"excess": interval(0.62, 0.603, 0.639), "is_exhaustive": False},
        "has_object": True,
    }


def counts(k: int) -> dict[str, float]:
    return {"k": k, "unique_share": 1 / k, "average_risk": 0.4 / k, "maximal_risk": 1 / k}


def reason(code: str, *, passed: bool = True) -> dict[str, Any]:
    return {"code": code, "passed": passed}


def report(*, secrets: int = 2) -> dict[str, Any]:
    attacks = [
        attack("singling_out_univariate", Criterion.SINGLING_OUT, 0.02),
        attack("singling_out_multivariate", Criterion.SINGLING_OUT, 0.03),
        attack("linkability", Criterion.LINKING, 0.04),
        *(
            attack("attribute_inference", Criterion.INFERENCE, 0.05 + n / 1000, f"secret {n}")
            for n in range(secrets)
        ),
    ]
    spread = [{"column": "revenu", "l": 3, "t": 0.21}]
    return {
        "risk": {
            "technique": "generalisation",
            "identifiers": [],
            "before": counts(1),
            "after": counts(11),
            "diversity_before": spread,
            "diversity_after": spread,
            "attacks": attacks,
            "closest": None,
            "closest_positive": None,
        },
        "verdict": {"reasons": [reason("k"), *(reason(each["method"]) for each in attacks)]},
        "utility": {
            "kept_rows": 0.981,
            "marginals": [{"order": n, "mean": 0.01 * n, "maximum": 0.05} for n in (1, 2, 3)],
            "associations": [{"measure": "cramer_v", "mean": 0.004, "maximum": 0.037}],
            "propensity": {"pmse": 0.0015},
            "learning": {"target": "revenu", "from_source": 0.84, "from_released": 0.82},
        },
    }


def dossier(**changes: Any) -> Intake:
    figures = Figures(11, dict.fromkeys(Criterion, 0.05), control_held=True)
    good = replace(
        whole_intake(),
        title_fr="Demandes de 2026",
        title_en="Claims of 2026",
        purposes="Prévoir les délais.",
        state=IntakeState.PUBLISHED,
        findings=(
            ColumnFinding("nas", "string", Role.IDENTIFIER, hits=(Hit("nas", 1.0),)),
            ColumnFinding("âge", "integer", Role.QUASI_IDENTIFIER),
        ),
        choices=(
            ColumnChoice("nas", Role.IDENTIFIER, keep=False),
            ColumnChoice("âge", Role.QUASI_IDENTIFIER),
            ColumnChoice("revenu", Role.SENSITIVE),
        ),
        treatment=Treatment(
            How.K_ANONYMITY,
            {"k": 11, "l": 3, "suppression": 0.04},
            {"levels": {"âge": 2}, "suppressed": 37, "classes": 146, "table_sha256": "12" * 32},
            4763,
            MemberId("alice"),
            NOON,
        ),
        final=Analysis(NOON + timedelta(minutes=12), figures, report()),
    )
    return replace(good, **changes)


def subject(intake: Intake) -> Subject:
    people = {intake.supervisor_id: "Sylvie Morin", intake.depositor_id: "Rachel Côté"}
    return Subject(intake, "Régie fictive", people, ZONE)
