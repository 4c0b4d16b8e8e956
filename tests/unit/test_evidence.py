from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lab.domain.dataset import DataClass
from lab.domain.evidence import (
    Figures,
    PrivacyPolicy,
    Scope,
    Technique,
    judge,
    months_after,
    spent,
)
from lab.domain.intake_states import INTAKE_TRANSITIONS, IntakeMove, IntakeState
from lab.domain.privacy import Criterion

POLICY = PrivacyPolicy(
    k_between=11,
    k_inside=5,
    attack_risk_upper=0.09,
    epsilon_total=Decimal(3),
    review_months=12,
    raw_limit_bytes=1,
)
GOOD = Figures(11, dict.fromkeys(Criterion, 0.09), control_held=True)
K, SYNTHESIS, NONE = Technique.K_ANONYMITY, Technique.SYNTHESIS, Technique.NONE
ANONYMISED, SYNTHETIC = DataClass.ANONYMISED, DataClass.SYNTHETIC


def risk(criterion: Criterion, upper: float) -> Figures:
    return replace(GOOD, risk_upper={**GOOD.risk_upper, criterion: upper})


@pytest.mark.parametrize(
    ("figures", "data_class", "technique", "scope", "failures"),
    [
        (GOOD, ANONYMISED, K, Scope.BETWEEN, ()),
        (replace(GOOD, k=10), ANONYMISED, K, Scope.BETWEEN, ("k_too_small",)),
        (replace(GOOD, k=5), ANONYMISED, K, Scope.INSIDE, ()),
        (replace(GOOD, k=4), ANONYMISED, K, Scope.INSIDE, ("k_too_small",)),
        (replace(GOOD, k=None), ANONYMISED, K, Scope.INSIDE, ("k_missing",)),
        (replace(GOOD, k=1), ANONYMISED, SYNTHESIS, Scope.BETWEEN, ()),
        (replace(GOOD, k=1), SYNTHETIC, SYNTHESIS, Scope.BETWEEN, ()),
        (GOOD, SYNTHETIC, K, Scope.BETWEEN, ("wrong_technique",)),
        (GOOD, ANONYMISED, NONE, Scope.BETWEEN, ("wrong_technique",)),
        (Figures(), DataClass.OPEN, NONE, Scope.BETWEEN, ()),
        (Figures(), DataClass.OPEN, K, Scope.BETWEEN, ("wrong_technique",)),
        (Figures(), DataClass.DEIDENTIFIED, K, Scope.BETWEEN, ()),
        (
            replace(GOOD, control_held=False),
            *(SYNTHETIC, SYNTHESIS, Scope.BETWEEN, ("control_failed",)),
        ),
        (
            risk(Criterion.LINKING, 0.0900001),
            *(ANONYMISED, K, Scope.BETWEEN, ("risk_too_high:corrélation",)),
        ),
        (
            risk(Criterion.INFERENCE, float("nan")),
            *(ANONYMISED, K, Scope.BETWEEN, ("risk_too_high:inférence",)),
        ),
        (
            replace(GOOD, risk_upper={}),
            *(ANONYMISED, K, Scope.BETWEEN),
            tuple(f"not_measured:{criterion.value}" for criterion in Criterion),
        ),
    ],
)
def test_what_is_not_shown_does_not_pass(
    figures: Figures,
    data_class: DataClass,
    technique: Technique,
    scope: Scope,
    failures: tuple[str, ...],
) -> None:
    found = judge(figures, POLICY, data_class=data_class, technique=technique, scope=scope)
    assert found == failures


def test_months_end_where_the_month_does() -> None:
    at = datetime(2026, 8, 31, 7, tzinfo=UTC)
    assert months_after(at, 6) == datetime(2027, 2, 28, 7, tzinfo=UTC)
    assert months_after(at, 12) == at.replace(year=2027)
    assert months_after(at.replace(month=1), 11) == datetime(2026, 12, 31, 7, tzinfo=UTC)


def test_what_is_spent_adds_up_exactly() -> None:
    assert spent([]) == 0
    assert spent([Decimal("0.1")] * 10) == 1


def test_every_move_names_its_article_and_nothing_leaves_what_was_refused() -> None:
    assert set(INTAKE_TRANSITIONS) == set(IntakeMove)
    for transition in INTAKE_TRANSITIONS.values():
        assert transition.article
        assert IntakeState.REFUSED not in transition.from_states
        assert IntakeState.WITHDRAWN not in transition.from_states
    published = [t.move for t in INTAKE_TRANSITIONS.values() if _from(t.from_states)]
    assert published == [IntakeMove.WITHDRAW]


def _from(states: frozenset[IntakeState]) -> bool:
    return IntakeState.PUBLISHED in states
