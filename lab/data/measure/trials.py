"""What one attack gives: against the people of the table, and against people who are not in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from lab.data.measure.intervals import Interval, Rate, excess, rate

if TYPE_CHECKING:
    from lab.data.measure.coding import Codes, Floats
    from lab.domain.privacy import Criterion

ATTEMPTS: Final = 2_000
"""Fewest attempts of an attack, unless everybody was attacked."""


class Method(StrEnum):
    """How somebody would attack."""

    UNIVARIATE = "singling_out_univariate"
    MULTIVARIATE = "singling_out_multivariate"
    LINKING = "linkability"
    INFERENCE = "attribute_inference"
    CLOSEST = "distance_to_closest_record"


@dataclass(frozen=True, slots=True)
class Trial:
    """One attack on one released table.

    Attributes:
        main: Successes against people of the source.
        control: Successes of the same attack against people who are not in it; None without.
        excess: The risk: what the main attack gives beyond the control.
        is_exhaustive: Nothing else could be tried: these attempts are all there are.
    """

    main: Rate
    control: Rate | None
    excess: Interval
    is_exhaustive: bool


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack on the released table, with the proof that it can succeed.

    Attributes:
        method: How.
        criterion: Which criterion of the law it examines.
        column: The secret, for an inference.
        released: Against the released table.
        positive: The same attack when the unprotected table itself is released.
        has_object: Whether the unprotected table gives it anything to find, counted apart.
    """

    method: Method
    criterion: Criterion
    column: str | None
    released: Trial
    positive: Trial
    has_object: bool


def trial(main: Rate, control: Rate | None, *, is_exhaustive: bool) -> Trial:
    """Put the two sides of an attack together."""
    return Trial(main, control, excess(main, control), is_exhaustive)


def of_scores(scores: Floats) -> Rate:
    """Rate of successes, each 0 to 1."""
    return rate(min(float(scores.sum()), len(scores)), len(scores))


def sample(rows: int, wanted: int, rng: np.random.Generator) -> Codes:
    """Numbers of ``wanted`` different rows, all of them when there are not more; ascending."""
    if wanted >= rows:
        return np.arange(rows, dtype=np.int64)
    return np.sort(rng.choice(rows, wanted, replace=False)).astype(np.int64)
