"""The whole census table of 1996 (48,842 x 13) in bins, as both arms are given it.

The shared file has nine of its columns and the complete rows only. Two columns stay out, as in the
published measures: the survey's weight, and the education that another column says in words.
Bounds, bins and words are declared here; nothing is taken from the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lab.data.synthesise import Categories, Domain, Numbers
from tests.data.synthesise.adult import WORDS

if TYPE_CHECKING:
    from pathlib import Path

TARGET = "salary-class"
COLUMNS = (
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status"),
    *("occupation", "relationship", "race", "sex", "capital-gain", "capital-loss"),
    *("hours-per-week", "native-country", TARGET),
)
_LEFT_OUT = ("fnlwgt", "education-num")
_UNKNOWN = "?"
_RELATIONS = "Wife, Own-child, Husband, Not-in-family, Other-relative, Unmarried"
NUMBERS = {
    "age": Numbers(lower=17, upper=90, bins=tuple(range(20, 90, 5)), nullable=False),
    "hours-per-week": Numbers(lower=1, upper=99, bins=tuple(range(10, 99, 10)), nullable=False),
    "capital-gain": Numbers(
        lower=0, upper=99_999, bins=(1, 2_500, 5_000, 7_500, 10_000, 20_000), nullable=False
    ),
    "capital-loss": Numbers(lower=0, upper=4_356, bins=(1, 1_500, 2_000, 2_500), nullable=False),
}


def table(folder: Path, *, is_binned: bool = True) -> pl.DataFrame:
    """Both files; numbers as they are, or replaced by the place of their bin, as a word."""
    parts = []
    for name in ("adult.data", "adult.test"):
        lines = (folder / name).read_text("ascii").splitlines()
        rows = [
            [cell.strip().rstrip(".") for cell in line.split(",")]
            for line in lines
            if line.count(",") == len(COLUMNS) - 1
        ]
        parts.append(pl.DataFrame(rows, schema=list(COLUMNS), orient="row"))
    whole = pl.concat(parts).drop(_LEFT_OUT)
    if not is_binned:
        return whole.with_columns(pl.col(name).cast(pl.Int64) for name in NUMBERS)
    return whole.with_columns(
        pl.Series(name, bins.encode(whole[name].cast(pl.Int64))).cast(pl.String)
        for name, bins in NUMBERS.items()
    )


def domain() -> Domain:
    """What each column may hold; both arms are told it."""
    words = {name: text.split(", ") for name, text in WORDS.items()}
    words["relationship"] = _RELATIONS.split(", ")
    for name in ("workclass", "occupation", "native-country"):
        words[name].append(_UNKNOWN)
    for name, bins in NUMBERS.items():
        words[name] = [str(place) for place in range(bins.size)]
    return Domain({
        name: Categories(values=tuple(words[name]), other=None, nullable=False)
        for name in COLUMNS
        if name not in _LEFT_OUT
    })
