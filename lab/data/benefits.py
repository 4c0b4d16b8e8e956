"""*Demandes de prestations*: a fictional table of benefit claims, drawn from a seed.

No person stands behind any row. Nothing is learned from real files: every figure
is a choice written here. The model, each arrow a dependency one can measure::

    region ──────────────┬────────────► income, channel, workload
    age ──► employment ──┼──► income ──► benefit ──► complexity
    household ───────────┘                 │             │
    date filed (weekday, season, year) ──► benefit, channel, workload
    complexity, channel, self-employment ──► missing documents
    benefit, complexity, missing documents, workload, channel, year end ──► delay
    income against the benefit's threshold, missing documents, delay ──► decision
    decision, benefit, household, income ──► amount
    decision, delay ──► appeal

Same seed and same library versions, same bytes.
"""

# ruff: noqa: PLR2004  # the numbers are the model; a name for each would hide it

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lab.data.people import (
    EMPLOYMENT,
    NONE,
    REGIONS,
    SELF,
    STUDENT,
    People,
    draw_people,
    is_far,
    logistic,
    pick,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

ROWS = 50_000
SEED = 20_260_401
FIRST_DAY = date(2023, 1, 2)
DAYS = 1_092
"""Three years of 52 weeks, so that every weekday comes as often."""
OUTAGE = (date(2024, 2, 12), date(2024, 3, 3))
"""The fictional lab changed systems: the workload of these weeks was not kept."""

BENEFITS = (
    "Soutien aux familles",
    "Aide au logement",
    "Aide aux études",
    "Soutien du revenu",
    "Adaptation du domicile",
)
FAMILY, HOUSING, STUDY, INCOME, HOME = range(5)
CHANNELS = ("En ligne", "Par la poste", "Au comptoir", "Par téléphone")
ONLINE, POST, COUNTER, PHONE = range(4)
COMPLEXITY = ("Simple", "Moyenne", "Élevée")
DECISIONS = ("Acceptée", "Acceptée en partie", "Refusée", "Abandonnée")
ACCEPTED, PARTLY, REFUSED, DROPPED = range(4)

_THRESHOLD_DOLLARS = np.array([95_000, 48_000, 60_000, 30_000, 70_000])
"""Household income above which each benefit is seldom granted."""
_BASE_DAYS = np.array([18, 26, 21, 12, 45])
_BASE_DOLLARS = np.array([310, 240, 420, 690, 520])


@dataclass(frozen=True, slots=True)
class _Claims:
    day: Ints
    benefit: Ints
    channel: Ints
    complexity: Ints
    missing: Ints
    workload: Floats


def generate(*, rows: int = ROWS, seed: int = SEED) -> pa.Table:
    """Draw the table: 15 columns, sorted by date filed.

    Args:
        rows: How many claims.
        seed: The same seed gives the same table.
    """
    rng = np.random.default_rng(seed)
    people = draw_people(rng, rows)
    claims = _claims(rng, people)
    delay = _delay(rng, claims)
    decision = _decision(rng, people, claims, delay)
    return _table(rng, people, claims, delay, decision)


def _claims(rng: np.random.Generator, people: People) -> _Claims:
    day = _days(rng, len(people.age))
    benefit = _benefit(rng, people, day)
    channel = _channel(rng, people, day)
    complexity = _complexity(rng, people, benefit)
    missing = _missing_documents(rng, people, channel, complexity)
    workload = _workload(rng, people.region, day)
    return _Claims(day, benefit, channel, complexity, missing, workload)


def _days(rng: np.random.Generator, rows: int) -> Ints:
    """Days since ``FIRST_DAY``: few at week-ends, more in September and January, some growth."""
    days = np.arange(DAYS)
    weekday = np.array([1.15, 1.1, 1.05, 1.0, 0.9, 0.22, 0.16])[days % 7]
    weights = weekday * _season(days) * (1 + 0.12 * days / DAYS)
    steps = np.cumsum(weights)
    drawn = np.searchsorted(steps, rng.random(rows) * steps[-1], side="right")
    return np.sort(drawn).astype(np.int64)


def _season(days: Ints) -> Floats:
    year_day = days % 364
    autumn = np.exp(-(((year_day - 250) / 20) ** 2))
    winter = np.exp(-((np.minimum(year_day, 364 - year_day) / 18) ** 2))
    return np.asarray(1 + 0.5 * autumn + 0.35 * winter)


def _benefit(rng: np.random.Generator, people: People, day: Ints) -> Ints:
    age, household, employment = people.age, people.household, people.employment
    weights = np.ones((len(age), len(BENEFITS)))
    weights[:, FAMILY] = np.where((household >= 3) & (age < 55), 6.0, 0.1)
    weights[:, HOUSING] = np.where(people.income < 45_000, 3.0, 0.5)
    autumn = np.abs(day % 364 - 245) < 35
    weights[:, STUDY] = np.where(employment == STUDENT, np.where(autumn, 16.0, 7.0), 0.15)
    weights[:, INCOME] = np.where(employment == NONE, 5.0, 0.6)
    weights[:, HOME] = 0.15 + 2.2 * logistic((age - 68.0) / 4)
    return pick(rng, weights)


def _channel(rng: np.random.Generator, people: People, day: Ints) -> Ints:
    """Older people and far regions write and call; going online grows with the years."""
    age, far = people.age, is_far(people.region)
    weights = np.ones((len(age), len(CHANNELS)))
    weights[:, ONLINE] = 7.5 * logistic((62.0 - age) / 9) * (1 + 0.35 * day / DAYS) + 0.4
    weights[:, POST] = 0.5 + 1.6 * logistic((age - 60.0) / 8) + 0.6 * far
    weights[:, COUNTER] = np.where(far, 0.5, 1.1)
    weights[:, PHONE] = 0.7 + 0.8 * logistic((age - 55.0) / 8) + 0.5 * far
    return pick(rng, weights)


def _complexity(rng: np.random.Generator, people: People, benefit: Ints) -> Ints:
    score = np.array([-0.5, -0.2, -0.7, 0.1, 1.3])[benefit]
    score = score + 0.22 * (people.household - 2) + 0.9 * (people.employment == SELF)
    weights = np.stack([np.exp(-score), np.full(len(score), 1.1), np.exp(score - 0.9)], axis=1)
    return pick(rng, weights)


def _missing_documents(
    rng: np.random.Generator, people: People, channel: Ints, complexity: Ints
) -> Ints:
    """How many documents were missing on arrival: a sum of six chances, 0 to 6."""
    score = -3.1 + 0.62 * complexity + np.array([-0.45, 0.6, -0.25, 0.35])[channel]
    chance = logistic(score + 0.5 * (people.employment == SELF))
    return np.asarray((rng.random((len(channel), 6)) < chance[:, None]).sum(axis=1))


def _workload(rng: np.random.Generator, region: Ints, day: Ints) -> Floats:
    """Open files per officer in the office that got the claim, to the tenth."""
    office = 38 + 16 * np.random.default_rng(17).random(len(REGIONS))
    files = office[region] * (0.62 + 0.38 * _season(day)) * (1 + 0.15 * day / DAYS)
    return np.asarray(np.round(files + 4 * rng.standard_normal(len(day)), 1))


def _delay(rng: np.random.Generator, claims: _Claims) -> Ints:
    """Days from filing to decision; at least 1."""
    days = _BASE_DAYS[claims.benefit] * np.array([0.75, 1.0, 1.5])[claims.complexity]
    days = days + 7.5 * claims.missing
    days = days + 0.35 * (claims.workload - 45) + 1.1 * np.clip(claims.workload - 58, 0, None)
    days = days + np.array([-4.0, 5.0, 0.0, 1.0])[claims.channel]
    days = days + 8 * (claims.day % 364 > 340)  # the offices close
    noise = np.exp(0.28 * rng.standard_normal(len(days)) - 0.04)
    return np.asarray(np.clip(np.round(np.clip(days, 2, None) * noise), 1, 365), dtype=np.int64)


def _decision(rng: np.random.Generator, people: People, claims: _Claims, delay: Ints) -> Ints:
    """Income above the threshold refuses; missing documents and long waits wear people out."""
    over = np.log(people.income / _THRESHOLD_DOLLARS[claims.benefit])
    weights = np.ones((len(delay), len(DECISIONS)))
    weights[:, ACCEPTED] = 9.0 * logistic(-4.5 * over + 0.6)
    weights[:, PARTLY] = 0.8 + 1.1 * np.exp(-((over / 0.35) ** 2)) + 0.35 * claims.complexity
    weights[:, REFUSED] = 0.5 + 6.0 * logistic(5 * over - 0.6) + 0.18 * claims.missing
    weights[:, DROPPED] = 0.10 + 0.16 * claims.missing + 0.9 * logistic((delay - 75.0) / 10)
    return pick(rng, weights)


def _amount(rng: np.random.Generator, people: People, benefit: Ints, decision: Ints) -> Ints:
    """Dollars a month: falls with income, grows with the household, 60 % when partly granted."""
    need = np.clip(1.25 - 0.6 * people.income / _THRESHOLD_DOLLARS[benefit], 0.25, 1.25)
    family = 1 + np.where(benefit == FAMILY, 0.3, 0.1) * (people.household - 1)
    part = np.where(decision == PARTLY, 0.6, 1.0)
    noise = 1 + 0.07 * np.clip(rng.standard_normal(len(decision)), -3, 3)
    dollars = np.round(_BASE_DOLLARS[benefit] * need * family * part * noise)
    return np.asarray(np.clip(dollars, 25, None), dtype=np.int64)


def _table(
    rng: np.random.Generator, people: People, claims: _Claims, delay: Ints, decision: Ints
) -> pa.Table:
    rows = len(delay)
    granted = np.isin(decision, [ACCEPTED, PARTLY])
    contestable = np.isin(decision, [PARTLY, REFUSED])
    appeal_score = -2.6 + 1.1 * (decision == REFUSED) + 0.018 * (delay - 30)
    appeal = rng.random(rows) < logistic(appeal_score)
    amount = _amount(rng, people, claims.benefit, decision)
    untold = rng.random(rows) < np.where(people.employment == SELF, 0.11, 0.025)
    no_household = rng.random(rows) < 0.008
    first, last = ((day - FIRST_DAY).days for day in OUTAGE)
    lost = (claims.day >= first) & (claims.day <= last)
    days = pa.array([FIRST_DAY + timedelta(days=int(day)) for day in claims.day], pa.date32())
    return pa.table({
        "date_depot": days,
        "region": _labels(people.region, REGIONS),
        "age": pa.array(people.age),
        "taille_menage": pa.array(people.household, mask=no_household),
        "situation_emploi": _labels(people.employment, EMPLOYMENT),
        "revenu_menage": pa.array(people.income.astype(np.int64), mask=untold),
        "prestation": _labels(claims.benefit, BENEFITS),
        "canal": _labels(claims.channel, CHANNELS),
        "complexite": _labels(claims.complexity, COMPLEXITY),
        "pieces_manquantes": pa.array(claims.missing.astype(np.int64)),
        "charge_agent": pa.array(claims.workload, mask=lost),
        "delai_jours": pa.array(delay),
        "decision": _labels(decision, DECISIONS),
        "montant_mensuel": pa.array(amount, mask=~granted),
        "appel": pa.array(appeal, mask=~contestable),
    })


def _labels(codes: Ints, names: Sequence[str]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(codes))
