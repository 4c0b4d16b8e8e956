"""The Adult table with ARX's hierarchies, where it is at hand."""

from __future__ import annotations

from functools import cache

import polars as pl

from lab.data.anonymise import Hierarchy, QuasiIdentifier, from_csv
from tests.data.adult import FOLDER, TABLE


@cache
def table() -> pl.DataFrame:
    return pl.read_csv(TABLE, separator=";")


def quasi_identifiers(*, without: str = "") -> tuple[QuasiIdentifier, ...]:
    return tuple(
        QuasiIdentifier(column=name, hierarchy=hierarchy(name))
        for name in table().columns
        if name != without
    )


@cache
def hierarchy(name: str) -> Hierarchy:
    return from_csv(name, FOLDER / f"adult_hierarchy_{name}.csv")
