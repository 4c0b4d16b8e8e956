"""The Adult table with ARX's hierarchies, where it is at hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl

from lab.data.anonymise import Hierarchy, QuasiIdentifier, from_csv

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "adult"


@cache
def table() -> pl.DataFrame:
    return pl.read_csv(FOLDER / "adult.csv", separator=";")


def quasi_identifiers(*, without: str = "") -> tuple[QuasiIdentifier, ...]:
    return tuple(
        QuasiIdentifier(column=name, hierarchy=hierarchy(name))
        for name in table().columns
        if name != without
    )


@cache
def hierarchy(name: str) -> Hierarchy:
    return from_csv(name, FOLDER / f"adult_hierarchy_{name}.csv")
