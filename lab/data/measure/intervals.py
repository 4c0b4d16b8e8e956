"""How sure a share is: exact bounds of proportions, and of the excess of one over another.

Every bound here is one-sided at 95 %: "the risk is at most ``upper``" is wrong once in twenty.
Proportions: Clopper and Pearson, Biometrika 26 (1934); it never covers less than it says, which is
the right side to err on for a risk. A share of trials that is not whole (a fractional success, an
effective number of trials) goes through the same beta quantiles, after Korn and Graubard, Survey
Methodology 24 (1998). Ratio of two shares: Donner and Zou, Statistical Methods in Medical
Research 21 (2012), the method of variance estimates recovery.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt
from typing import Final

LEVEL: Final = 0.95
"""Confidence of each one-sided bound."""

_TINY: Final = 1e-300
_STEPS: Final = 300
_HALVINGS: Final = 48


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its two one-sided bounds at 95 %."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something succeeded.

    Attributes:
        successes: Number of successes; a success by chance among n counts for 1/n.
        trials: Number of attempts, or the effective number where the share is estimated.
        share: Successes over trials, with its bounds; 0 within [0, 1] when nothing was tried.
    """

    successes: float
    trials: float
    share: Interval


def rate(successes: float, trials: float) -> Rate:
    """Share of successes with its exact bounds.

    Raises:
        ValueError: Successes outside 0..trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials}")
    if trials == 0:
        return Rate(0.0, 0.0, Interval(0.0, 0.0, 1.0))
    share = Interval(
        successes / trials,
        0.0 if successes == 0 else _beta_quantile(1 - LEVEL, successes, trials - successes + 1),
        1.0 if successes == trials else _beta_quantile(LEVEL, successes + 1, trials - successes),
    )
    return Rate(float(successes), float(trials), share)


def excess(attacked: Rate, control: Rate | None) -> Interval:
    """Risk beyond what the same attack gives against people who are not in the source.

    ``(attacked - control) / (1 - control)``, as in Giomi, Boenisch, Wehmeyer and Tasnádi,
    "A unified framework for quantifying privacy risk in synthetic data", PoPETs 2023 (2022):
    one minus the ratio of failures. Without a control every success counts.
    """
    if control is None:
        return attacked.share
    if attacked.trials == 0:
        return Interval(0.0, 0.0, 1.0)
    first = _failures(attacked.share)
    second = _failures(control.share)
    low, high = _ratio_bounds(first, second)
    ratio = first.estimate / second.estimate if second.estimate > 0 else 1.0
    return Interval(1 - ratio, 1 - high, 1 - low)


def _failures(share: Interval) -> Interval:
    return Interval(1 - share.estimate, 1 - share.upper, 1 - share.lower)


def _ratio_bounds(first: Interval, second: Interval) -> tuple[float, float]:
    """One-sided bounds of the ratio of two shares; the box of their bounds where it must be."""
    product = first.estimate * second.estimate
    low = first.lower / second.upper if second.upper > 0 else 0.0
    below = second.upper * (2 * second.estimate - second.upper)
    if below > _TINY:
        inner = product**2 - first.lower * below * (2 * first.estimate - first.lower)
        low = (product - sqrt(max(inner, 0.0))) / below
    high = first.upper / second.lower if second.lower > 0 else 1e9
    above = second.lower * (2 * second.estimate - second.lower)
    if above > _TINY and second.lower > 0:
        inner = product**2 - first.upper * above * (2 * first.estimate - first.upper)
        high = (product + sqrt(max(inner, 0.0))) / above
    return max(low, 0.0), high


def _beta_quantile(level: float, first: float, second: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _beta_cdf(middle, first, second) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_cdf(x: float, first: float, second: float) -> float:
    """Regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(
        lgamma(first + second)
        - lgamma(first)
        - lgamma(second)
        + first * log(x)
        + second * log1p(-x)
    )
    if x < (first + 1) / (first + second + 2):
        return front * _fraction(x, first, second) / first
    return 1 - front * _fraction(1 - x, second, first) / second


def _fraction(x: float, first: float, second: float) -> float:
    """Evaluate ``1 / (1 + d1 / (1 + d2 / ...))`` forward, two terms a step, by Lentz's rule."""
    upper, lower = 1.0, 1 - (first + second) * x / (first + 1)
    lower = 1 / (lower if abs(lower) > _TINY else _TINY)
    value = lower
    for m in range(1, _STEPS):
        even = m * (second - m) * x / ((first + 2 * m - 1) * (first + 2 * m))
        odd = -(first + m) * (first + second + m) * x / ((first + 2 * m) * (first + 2 * m + 1))
        for term in (even, odd):
            lower = 1 + term * lower
            lower = 1 / (lower if abs(lower) > _TINY else _TINY)
            upper = 1 + term / upper
            upper = upper if abs(upper) > _TINY else _TINY
            value *= lower * upper
        if abs(lower * upper - 1) < 1e-14:  # noqa: PLR2004  # the precision of a double
            break
    return value
