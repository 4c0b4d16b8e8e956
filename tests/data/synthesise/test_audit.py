from __future__ import annotations

import pytest

from lab.data.synthesise.audit import AUDITED, audit, binomial_bound, lower_bound

RUNS = 200


def test_audit_finds_nothing_against_the_declared_noise() -> None:
    found = audit(RUNS, columns=1)
    assert found.holds
    assert found.lower_bound <= AUDITED.epsilon


def test_audit_catches_noise_that_is_half_of_what_is_declared() -> None:
    found = audit(RUNS, columns=1, noise_factor=0.5)
    assert not found.holds
    assert found.lower_bound > AUDITED.epsilon


@pytest.mark.parametrize(
    ("hits", "runs", "bound"),
    # Published tables of Clopper-Pearson at 95 %: 5 of 10, 10 of 10, 1 of 20.
    [(5, 10, 0.18709), (10, 10, 0.69150), (1, 20, 0.00126), (0, 10, 0.0)],
)
def test_interval_of_clopper_and_pearson(hits: int, runs: int, bound: float) -> None:
    assert binomial_bound(hits, runs, 0.025) == pytest.approx(bound, abs=1e-5)


def test_a_test_that_tells_nothing_bounds_nothing() -> None:
    assert lower_bound(500, 500, 1000, 1e-6) == 0.0
    assert lower_bound(10, 0, 1000, 0.3) == 0.0
