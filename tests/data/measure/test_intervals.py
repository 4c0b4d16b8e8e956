from __future__ import annotations

import numpy as np
import pytest

from lab.data.measure.intervals import excess, rate


def test_bounds_are_those_of_the_tables() -> None:
    # Clopper and Pearson's 95 % one-sided: 1 - 0.05^(1/n) without success, 0.05^(1/n) with all.
    assert rate(0, 2000).share.upper == pytest.approx(1 - 0.05 ** (1 / 2000), abs=1e-12)
    assert rate(10, 10).share.lower == pytest.approx(0.05**0.1, abs=1e-12)
    middle = rate(3, 10).share
    assert (middle.lower, middle.upper) == pytest.approx((0.0872644339, 0.6066242161), abs=1e-9)


def test_nothing_tried_says_nothing() -> None:
    assert (rate(0, 0).share.lower, rate(0, 0).share.upper) == (0.0, 1.0)
    assert excess(rate(0, 0), rate(1, 10)).upper == 1.0


def test_successes_beyond_the_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="3 successes of 2"):
        rate(3, 2)


@pytest.mark.parametrize("share", [0.005, 0.1, 0.6])
def test_upper_bound_of_a_share_covers_at_least_as_often_as_said(share: float) -> None:
    rng = np.random.default_rng(1)
    bounds = {k: rate(k, 100).share.upper for k in range(101)}
    drawn = rng.binomial(100, share, 4000)
    assert np.mean([bounds[int(k)] >= share for k in drawn]) >= 0.945


@pytest.mark.parametrize(
    ("attacked", "control"), [(0.3, 0.3), (0.25, 0.2), (0.05, 0.01), (0.9, 0.8)]
)
def test_upper_bound_of_the_excess_covers(attacked: float, control: float) -> None:
    rng = np.random.default_rng(2)
    truth = (attacked - control) / (1 - control)
    main = [rate(k, 100) for k in range(101)]
    outside = [rate(k, 80) for k in range(81)]
    pairs = zip(rng.binomial(100, attacked, 600), rng.binomial(80, control, 600), strict=True)
    found = [excess(main[int(a)], outside[int(c)]) for a, c in pairs]
    assert np.mean([f.upper >= truth for f in found]) >= 0.93
    assert all(f.lower <= f.estimate <= f.upper for f in found)


def test_without_a_control_every_success_counts() -> None:
    assert excess(rate(30, 100), None) == rate(30, 100).share


def test_an_attack_that_always_works_on_anybody_shows_nothing() -> None:
    found = excess(rate(2000, 2000), rate(2000, 2000))
    assert found.upper > 0.09
