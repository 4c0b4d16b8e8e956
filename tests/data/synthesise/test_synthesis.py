from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lab.data.errors import DataError
from lab.data.synthesise import (
    TREE,
    Budget,
    Categories,
    Dates,
    Domain,
    Numbers,
    generate,
    synthesise,
)
from lab.data.synthesise.mechanism import Plan, measure
from lab.data.synthesise.noise import Noise
from tests.data.synthesise import adult

DOMAIN = Domain({
    "ville": Categories(values=("Québec", "Lévis", "Gaspé")),
    "âge": Numbers(lower=0, upper=99.5, bins=7),
    "revenu": Numbers(lower=-10, upper=10, bins=(-1.5, 0.25), nullable=False),
    "jour": Dates(first=date(2020, 2, 1), last=date(2021, 1, 1), bins=4),
    "vu": Dates(first=date(2020, 2, 1), last=date(2020, 2, 1), bins=1, nullable=False),
    "code": Categories(values=(1, 7, 9), nullable=False),
    "oui": Categories(values=(True, False)),
    "mot": Categories(values=("a", "b"), other=None),
})
SCHEMA: dict[str, Any] = {
    "ville": pl.String,
    "âge": pl.Int16,
    "revenu": pl.Float64,
    "jour": pl.Date,
    "vu": pl.Datetime("us"),
    "code": pl.Int64,
    "oui": pl.Boolean,
    "mot": pl.Categorical,
}
ROW = st.tuples(
    st.sampled_from(["Québec", "Lévis", "Montréal", "", None]),
    st.one_of(st.none(), st.integers(-200, 200)),
    st.one_of(st.none(), st.floats(width=64)),
    st.one_of(st.none(), st.dates(date(1900, 1, 1), date(2100, 1, 1))),
    st.one_of(st.none(), st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))),  # noqa: DTZ001
    st.one_of(st.none(), st.integers(0, 10)),
    st.one_of(st.none(), st.booleans()),
    st.sampled_from(["a", "b", "c", None]),
)


def _table(rows: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@settings(max_examples=12, deadline=None)
@given(
    st.lists(ROW, min_size=1, max_size=30),
    st.sampled_from([0.2, 3.0, 100.0]),
    st.sampled_from([TREE, Plan()]),
)
def test_every_value_made_is_within_the_declared_domain(
    rows: list[Any], epsilon: float, plan: Plan
) -> None:
    found = synthesise(_table(rows), DOMAIN, Budget(epsilon), rows=40, plan=plan)
    made = found.table
    assert dict(made.schema) == SCHEMA
    assert list(made.columns) == list(SCHEMA)
    assert made.height == 40
    assert found.rho <= found.budget.rho
    assert set(made["ville"]) <= {"Québec", "Lévis", "Gaspé", "autre", None}
    assert made["âge"].drop_nulls().is_between(0, 99).all()
    assert made["revenu"].null_count() == 0
    assert made["revenu"].is_between(-10, 10).all()
    assert made["jour"].drop_nulls().is_between(date(2020, 2, 1), date(2021, 1, 1)).all()
    assert set(made["vu"].dt.date()) == {date(2020, 2, 1)}
    assert set(made["code"]) <= {1, 7, 9}
    assert set(made["oui"]) <= {True, False, None}
    assert set(made["mot"]) <= {"a", "b", None}


@settings(max_examples=12, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=30))
def test_codes_survive_being_decoded_and_encoded_again(rows: list[Any]) -> None:
    table = _table(rows)
    codes = DOMAIN.encode(table)
    assert codes.shape == (table.width, table.height)
    assert (codes >= 0).all()
    assert (codes < np.array(DOMAIN.sizes(table.columns))[:, None]).all()
    again = DOMAIN.decode(codes, table.schema, np.random.default_rng(0))
    assert (DOMAIN.encode(again) == codes).all()


def test_same_seed_and_same_noisy_counts_give_the_same_rows() -> None:
    table = adult.table().head(500)
    domain = adult.domain()
    sizes = domain.sizes(table.columns)
    measured = measure(domain.encode(table), sizes, Noise(0.5), plan=Plan(extras=0.3))
    one, same, other = (
        generate(measured, domain, table.schema, rows=300, seed=seed) for seed in (1, 1, 2)
    )
    assert_frame_equal(one, same)
    assert not one.equals(other)


def test_structure_of_a_real_table_is_found_again() -> None:
    table = adult.table()
    found = synthesise(table, adult.domain(), Budget(1.0))
    assert found.table.schema == table.schema
    assert abs(found.table.height - table.height) < 500
    assert len(found.pairs) > table.width
    married = pl.col("marital-status") == "Married-civ-spouse"
    rate = [
        one.filter(married).select((pl.col("salary-class") == ">50K").mean()).item()
        for one in (table, found.table)
    ]
    assert rate[1] == pytest.approx(rate[0], abs=0.05)
    assert found.warnings == ()


def test_outside_values_are_moved_and_no_figure_tells_how_many() -> None:
    table = pl.DataFrame({"ville": ["ailleurs"] * 400, "n": [10**6] * 400})
    domain = Domain({
        "ville": Categories(values=("ici",), nullable=False),
        "n": Numbers(lower=0, upper=10, bins=2, nullable=False),
    })
    made = synthesise(table, domain, Budget(50.0), rows=100).table
    assert made["ville"].to_list() == ["autre"] * 100
    assert made["n"].is_between(5, 10).all()


def test_whole_numbers_reach_both_bounds() -> None:
    column = Numbers(lower=17, upper=19, bins=1, nullable=False)
    made = column.decode(np.zeros(200, dtype=np.int64), pl.Int64(), np.random.default_rng(0))
    assert set(made) == {17, 18, 19}


@pytest.mark.parametrize("rows", [1, 2, 20])
def test_one_column_is_enough(rows: int) -> None:
    table = pl.DataFrame({"x": ["a"] * rows})
    found = synthesise(table, Domain({"x": Categories(values=("a", "b"))}), Budget(1.0), rows=9)
    assert found.pairs == ()
    assert found.rho == pytest.approx(found.budget.rho)
    assert [one.reason for one in found.warnings] == ["noise_dominates"]


def test_constant_and_empty_columns_stay_so() -> None:
    table = pl.DataFrame(
        {"k": ["a"] * 900, "vide": [None] * 900, "x": [0, 1, 2] * 300},
        schema={"k": pl.String, "vide": pl.Float64, "x": pl.Int8},
    )
    domain = Domain({
        "k": Categories(values=("a",), other=None, nullable=False),
        "vide": Numbers(lower=0, upper=1, bins=1),
        "x": Categories(values=(0, 1, 2), nullable=False),
    })
    made = synthesise(table, domain, Budget(30.0)).table
    assert made.schema == table.schema
    assert set(made["k"]) == {"a"}
    assert made["vide"].null_count() > 0.95 * made.height
    assert set(made["x"]) == {0, 1, 2}


GOOD = {"x": Categories(values=("a", "b"))}
X = pl.DataFrame({"x": ["a"]})


@pytest.mark.parametrize(
    ("table", "columns", "rows", "reason"),
    [
        (X.clear(), GOOD, None, "no_rows"),
        (pl.DataFrame(), {}, None, "no_columns"),
        (X, {}, None, "domain_columns"),
        (X, {**GOOD, "y": GOOD["x"]}, None, "domain_columns"),
        (X, {"x": Numbers(lower=0, upper=1)}, None, "domain_type"),
        (X, {"x": Categories(values=())}, None, "domain_invalid"),
        (X, {"x": Categories(values=("a", "a"))}, None, "domain_invalid"),
        (X, {"x": Numbers(lower=1, upper=0)}, None, "domain_invalid"),
        (X, {"x": Numbers(lower=0, upper=float("inf"))}, None, "domain_invalid"),
        (X, {"x": Numbers(lower=0, upper=9, bins=(5, 4))}, None, "domain_invalid"),
        (X, {"x": Dates(first=datetime(2020, 1, 1, tzinfo=UTC), last=date(2021, 1, 1))}, None,
         "domain_invalid"),
        (X, {"x": Categories(values=tuple(str(i) for i in range(60_000)))}, None,
         "domain_too_large"),
        (X, GOOD, 0, "rows_invalid"),
        (pl.DataFrame({f"x{i}": ["a"] for i in range(65)}), {}, None, "too_many_columns"),
    ],
)  # fmt: skip
def test_refused(table: pl.DataFrame, columns: Any, rows: int | None, reason: str) -> None:
    with pytest.raises(DataError) as refused:
        synthesise(table, Domain(columns), Budget(1.0), rows=rows)
    assert refused.value.reason == reason
    assert refused.value.fr != refused.value.en


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (Numbers(lower=0, upper=1000), pl.Int8),
        (Numbers(lower=0.2, upper=0.8, bins=1), pl.Int64),
        (Categories(values=(1, 300)), pl.UInt8),
        (Categories(values=("a", "b")), pl.Enum(["a", "b"])),
    ],
)
def test_refused_when_the_columns_type_cannot_hold_the_domain(column: Any, dtype: Any) -> None:
    table = pl.DataFrame({"x": [None]}, schema={"x": dtype})
    with pytest.raises(DataError, match="domain_type"):
        synthesise(table, Domain({"x": column}), Budget(1.0))


def test_progress_is_told_and_a_run_can_be_stopped() -> None:
    told: list[float] = []
    table = adult.table().head(300)
    synthesise(table, adult.domain(), Budget(1.0), plan=Plan(extras=0.3), progress=told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    with pytest.raises(DataError, match="cancelled"):
        synthesise(X, Domain(GOOD), Budget(1.0), cancelled=lambda: True)
