"""Small tables for the tests, drawn from a seed."""

from __future__ import annotations

import numpy as np
import polars as pl

from lab.data.measure import Plan, Technique
from lab.domain.privacy import Role

ROLES = {
    "age": Role.QUASI_IDENTIFIER,
    "region": Role.QUASI_IDENTIFIER,
    "emploi": Role.QUASI_IDENTIFIER,
    "taille": Role.QUASI_IDENTIFIER,
    "diagnostic": Role.SENSITIVE,
}


def people(rows: int, seed: int) -> pl.DataFrame:
    """Draw people whose columns depend on each other and whose values are all common."""
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 80, rows)
    region = (age // 6 + rng.integers(0, 3, rows)) % 10
    job = (region + rng.integers(0, 4, rows)) % 12
    size = np.round(150 + age / 4 + rng.integers(0, 30, rows))
    sick = (age // 20 + job + rng.integers(0, 3, rows)) % 4
    return pl.DataFrame({
        "age": age,
        "region": [f"R{r:02}" for r in region],
        "emploi": [f"E{j:02}" for j in job],
        "taille": size,
        "diagnostic": [f"D{s}" for s in sick],
    })


def shuffled(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    return pl.DataFrame([table[n].shuffle(seed=seed + i) for i, n in enumerate(table.columns)])


def plan(
    technique: Technique = Technique.SYNTHESIS,
    *,
    epsilon: float | None = 1.0,
    predicates: int = 2000,
    seed: int = 0,
) -> Plan:
    return Plan(
        roles=ROLES,
        technique=technique,
        epsilon=epsilon,
        predicates=predicates,
        people=2500,
        seed=seed,
    )
