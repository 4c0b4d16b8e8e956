"""Fictional people who claim benefits: where, how old, with whom, at what work, on what income."""

# ruff: noqa: PLR2004  # the numbers are the model; a name for each would hide it

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.data.regions import FAR, INHABITANTS_THOUSANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

REGIONS = tuple(INHABITANTS_THOUSANDS)
EMPLOYMENT = (
    "Temps plein",
    "Temps partiel",
    "Travail autonome",
    "Sans emploi",
    "Aux études",
    "Retraite",
)
FULL, PART, SELF, NONE, STUDENT, RETIRED = range(6)


@dataclass(frozen=True, slots=True)
class People:
    """One entry per claim in each array.

    Attributes:
        region: Index into ``REGIONS``.
        employment: Index into ``EMPLOYMENT``.
        income: Dollars a year, for the household.
    """

    region: Ints
    age: Ints
    household: Ints
    employment: Ints
    income: Floats


def draw_people(rng: np.random.Generator, rows: int) -> People:
    """Draw people; nobody real is behind any."""
    weights = np.array(list(INHABITANTS_THOUSANDS.values()), dtype=float)
    region = pick(rng, np.broadcast_to(weights, (rows, len(weights))))
    age = _ages(rng, rows)
    employment = _employment(rng, age)
    household = _households(rng, age)
    income = _income(rng, region, age, household, employment)
    return People(region, age, household, employment, income)


def _ages(rng: np.random.Generator, rows: int) -> Ints:
    """Three bumps: students, parents, retired people."""
    bump = pick(rng, np.broadcast_to(np.array([0.2, 0.5, 0.3]), (rows, 3)))
    centre, spread = np.array([22.0, 40.0, 69.0])[bump], np.array([3.5, 11.0, 9.5])[bump]
    return np.asarray(np.clip(centre + spread * rng.standard_normal(rows), 18, 97), dtype=np.int64)


def _employment(rng: np.random.Generator, age: Ints) -> Ints:
    weights = np.tile(np.array([46.0, 14, 11, 19, 6, 0.5]), (len(age), 1))
    weights[age < 26] = [22, 22, 3, 13, 40, 0]
    weights[(age >= 58) & (age < 66)] = [30, 13, 12, 15, 0.5, 30]
    weights[age >= 66] = [3, 5, 5, 1, 0.3, 86]
    return pick(rng, weights)


def _households(rng: np.random.Generator, age: Ints) -> Ints:
    weights = np.tile(np.array([28.0, 24, 18, 19, 8, 3]), (len(age), 1))
    weights[age < 26] = [47, 27, 14, 8, 3, 1]
    weights[age >= 62] = [49, 44, 5, 1.5, 0.4, 0.1]
    return pick(rng, weights) + 1


def _income(
    rng: np.random.Generator, region: Ints, age: Ints, household: Ints, employment: Ints
) -> Floats:
    """Household income in dollars, to the hundred: log-normal around what work brings."""
    centre = np.array([52_000, 29_000, 37_000, 17_500, 15_500, 29_500])[employment]
    far = is_far(region)
    seniority = 1 + 0.006 * np.clip(age - 30, 0, 25) * np.isin(employment, [FULL, PART, SELF])
    second = 1 + 0.28 * np.clip(household - 1, 0, 2)
    spread = np.where(employment == SELF, 0.62, 0.38)
    noise = np.exp(spread * rng.standard_normal(len(age)))
    dollars = centre * seniority * second * np.where(far, 0.94, 1.0) * noise
    return np.asarray(np.round(np.clip(dollars, 2_000, 240_000), -2))


def is_far(region: Ints) -> Flags:
    """Tell which regions are far from the offices."""
    return np.isin(region, [REGIONS.index(name) for name in FAR])


def pick(rng: np.random.Generator, weights: Floats) -> Ints:
    """Draw one column index per row of ``weights``, in proportion."""
    steps = np.cumsum(weights, axis=1)
    draw = rng.random(len(weights)) * steps[:, -1]
    return np.asarray((draw[:, None] >= steps).sum(axis=1), dtype=np.int64)


def logistic(x: Floats) -> Floats:
    """Bring any score between 0 and 1."""
    return np.asarray(1 / (1 + np.exp(-x)))
