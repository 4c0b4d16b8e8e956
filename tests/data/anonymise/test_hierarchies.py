from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.data.anonymise import (
    Model,
    Problem,
    QuasiIdentifier,
    apply,
    dates,
    flat,
    from_csv,
    from_rows,
    numbers,
    postal_codes,
    regions,
    search,
)
from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.data.anonymise import Hierarchy


def test_numbers_become_nested_intervals_counted_from_zero() -> None:
    hierarchy = numbers(pl.Series("age", [0, 4, 5, 12, 19]), width=5, branching=2)
    assert hierarchy.of("4") == ("[0, 5[", "[0, 10[", "[0, 20[", "*")
    assert hierarchy.of("12") == ("[10, 15[", "[10, 20[", "[0, 20[", "*")
    assert [words.fr for words in hierarchy.levels] == [
        "valeur",
        "intervalles de 5",
        "intervalles de 10",
        "intervalles de 20",
        "tout",
    ]


def test_decimals_fall_where_they_are_written() -> None:
    hierarchy = numbers(pl.Series("x", [0.1, 0.3, 0.7]), width=0.1, branching=10)
    assert hierarchy.of("0.3") == ("[0.3, 0.4[", "[0, 1[", "*")
    assert hierarchy.of("0.7")[0] == "[0.7, 0.8["


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=20),
    st.sampled_from([0.5, 1, 7, 1000]),
    st.integers(2, 10),
)
def test_intervals_cover_every_number_and_never_refine(
    values: list[float | None], width: float, branching: int
) -> None:
    column = pl.Series("x", values, dtype=pl.Float64)
    hierarchy = numbers(column, width=width, branching=branching)
    hierarchy.covers(column.cast(pl.String).to_list())
    for value, text in zip(values, column.cast(pl.String).to_list(), strict=True):
        if value is None:
            assert hierarchy.of(None)[-1] == "*"
            continue
        interval = hierarchy.of(text)[0]
        assert interval is not None
        low, high = interval.strip("[").split(", ")
        assert float(low) <= value < float(high) or abs(value) < 1e-5


def test_dates_become_months_quarters_years_decades() -> None:
    hierarchy = dates(pl.Series("d", [date(1987, 5, 3), None]))
    assert hierarchy.of("1987-05-03") == ("1987-05", "1987-T2", "1987", "1980-1989", "*")
    assert hierarchy.of(None) == (None, None, None, None, "*")
    assert len(hierarchy.levels) == hierarchy.height == 6


def test_instants_become_days_first() -> None:
    column = pl.Series("d", [datetime(2001, 1, 2, 3, 4)])  # noqa: DTZ001
    hierarchy = dates(column)
    text = column.cast(pl.String)[0]
    assert hierarchy.of(text)[:2] == ("2001-01-02", "2001-01")
    assert len(hierarchy.levels) == hierarchy.height == 7


def test_postal_codes_become_sorting_areas_and_districts() -> None:
    hierarchy = postal_codes(pl.Series("cp", ["H2X 1Y4", "h2x1y4", "G1R", None]))
    assert hierarchy.of("h2x1y4") == hierarchy.of("H2X 1Y4") == ("H2X", "H", "*")
    assert hierarchy.of("G1R") == ("G1R", "G", "*")


def test_a_wrong_postal_code_is_counted_and_shown_masked_only() -> None:
    with pytest.raises(DataError) as refusal:
        postal_codes(pl.Series("cp", ["H2X 1Y4", "D1D 1D1", "75001"]))
    assert refusal.value.reason == "not_a_postal_code"
    assert "2 valeurs" in refusal.value.fr
    assert "75001" not in refusal.value.fr
    assert "7••••" in refusal.value.fr


def test_regions_are_as_given() -> None:
    hierarchy = regions("ville", {"Laval": ("Laval", "Québec"), "Oka": ("Laurentides", "Québec")})
    assert hierarchy.of("Oka") == ("Laurentides", "Québec", "*")
    assert regions("ville", {"Oka": "Laurentides"}).of("Oka") == ("Laurentides", "*")


def test_a_hierarchy_that_refines_is_refused() -> None:
    with pytest.raises(DataError) as refusal:
        from_rows("q", [("a", "x", "1"), ("b", "x", "2")])
    assert refusal.value.reason == "hierarchy_refines"
    assert "niveau 2" in refusal.value.fr


@pytest.mark.parametrize(
    ("reason", "rows"),
    [
        ("ragged_hierarchy", [("a", "*"), ("b", "x", "*")]),
        ("hierarchy_conflict", [("a", "x"), ("a", "y")]),
        ("empty_hierarchy", []),
    ],
)
def test_a_broken_hierarchy_is_refused(reason: str, rows: list[tuple[str, ...]]) -> None:
    with pytest.raises(DataError, match=reason):
        from_rows("q", rows)


def test_values_outside_are_counted_and_masked() -> None:
    hierarchy = from_rows("q", [("a", "*")])
    with pytest.raises(DataError) as refusal:
        hierarchy.covers(["a", "secret", None, "autre"])
    assert refusal.value.reason == "value_outside_hierarchy"
    assert "2 valeurs" in refusal.value.fr
    assert "secret" not in refusal.value.fr + refusal.value.en


def test_files_are_read_with_their_mark_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_bytes("\ufeffé;*\r\nb;*\r\n;*\r\n".encode())
    hierarchy = from_csv("q", path)
    assert hierarchy.of("é") == hierarchy.of(None) == ("*",)
    path.write_bytes("é;*".encode("latin-1"))
    with pytest.raises(DataError, match="hierarchy_encoding"):
        from_csv("q", path)


@pytest.mark.parametrize("make", [dates, postal_codes])
def test_the_wrong_kind_of_column_is_refused(make: Callable[[pl.Series], Hierarchy]) -> None:
    with pytest.raises(DataError, match="wrong_column_type"):
        make(pl.Series("x", [1.5]))
    with pytest.raises(DataError, match="wrong_column_type"):
        numbers(pl.Series("x", ["1"]), width=1)
    with pytest.raises(DataError, match="wrong_interval"):
        numbers(pl.Series("x", [1]), width=0)
    with pytest.raises(DataError, match="not_a_number"):
        numbers(pl.Series("x", [float("nan")]), width=1)


def test_derived_hierarchies_drive_a_search_and_raw_columns_keep_their_type() -> None:
    table = pl.DataFrame({
        "age": [31, 33, 52, 54, None, None],
        "born": [date(year, month, 1) for year in (1990, 1971, 2003) for month in (1, 2)],
        "code": ["H2X 1Y4", "H2X 1Y5", "G1R 1A1", "G1R 1A2", "J0X 1A1", "J0X 1A2"],
        "sex": [True] * 6,
    })
    quasi = (
        QuasiIdentifier(column="age", hierarchy=numbers(table["age"], width=10)),
        QuasiIdentifier(column="born", hierarchy=dates(table["born"])),
        QuasiIdentifier(column="code", hierarchy=postal_codes(table["code"])),
        QuasiIdentifier(column="sex", hierarchy=flat(table["sex"])),
    )
    problem = Problem(table=table, quasi_identifiers=quasi, model=Model(k=2))
    found = search(problem)
    assert found.levels == (1, 2, 1, 0)
    published = apply(problem, found)
    assert published["age"].to_list() == ["[30, 40["] * 2 + ["[50, 60["] * 2 + [None] * 2
    assert published["born"].unique().sort().to_list() == ["1971-T1", "1990-T1", "2003-T1"]
    assert published["sex"].dtype == pl.Boolean
