from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.data.errors import DataError
from lab.data.measure import count, diversity
from tests.data.adult import TABLE, needs_adult

Rows = list[tuple[str | None, int, str]]
tiny = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]), st.integers(0, 2), st.sampled_from(["x", "y", "z"])
    ),
    min_size=1,
    max_size=12,
)


def table_of(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"q": pl.String, "n": pl.Int64, "s": pl.String}, orient="row")


@needs_adult
def test_published_risks_of_adult_to_the_last_digit() -> None:
    table = pl.read_csv(TABLE, separator=";")
    found = count(table, table.columns)
    assert found.average_risk == 0.6465751607983555
    assert found.unique_share == 0.5142895033485844
    assert (found.rows, found.k, found.maximal_risk) == (30162, 1, 1.0)


@given(tiny)
@settings(max_examples=40, deadline=None)
def test_counts_agree_with_brute_force(rows: Rows) -> None:
    found = count(table_of(rows), ["q", "n"], thresholds=(2, 5))
    classes = Counter((q, n) for q, n, _ in rows)
    size = [classes[q, n] for q, n, _ in rows]
    assert found.k == min(size)
    assert found.classes == len(classes)
    assert found.unique_share == pytest.approx(size.count(1) / len(rows))
    assert found.average_risk == pytest.approx(sum(1 / s for s in size) / len(rows))
    assert found.maximal_risk == 1 / min(size)
    for k, share in found.under:
        assert share == pytest.approx(sum(s < k for s in size) / len(rows))
    assert dict(found.sizes) == dict(Counter(classes.values()))


@given(tiny)
@settings(max_examples=40, deadline=None)
def test_diversity_agrees_with_brute_force(rows: Rows) -> None:
    table = table_of(rows)
    for column, at in (("s", 2), ("n", 1)):
        (found,) = diversity(table, ["q"], [column])
        kept = [r for r in rows if r[0] is not None]
        groups: defaultdict[str | None, list[Any]] = defaultdict(list)
        for row in kept:
            groups[row[0]].append(row[at])
        if not kept:
            assert (found.l, found.t) == (0, 0.0)
            continue
        everything = [r[at] for r in kept]
        assert found.l == min(len(set(g)) for g in groups.values())
        assert found.t == pytest.approx(max(_far(g, everything) for g in groups.values()))


def _far(group: list[Any], everything: list[Any]) -> float:
    values = sorted(set(everything))
    gaps = [group.count(v) / len(group) - everything.count(v) / len(everything) for v in values]
    if isinstance(values[0], str) or len(values) == 1:
        return sum(abs(g) for g in gaps) / 2
    return sum(abs(sum(gaps[: i + 1])) for i in range(len(gaps) - 1)) / (len(values) - 1)


def test_one_person_in_a_small_group_makes_k_one() -> None:
    table = pl.DataFrame({"region": ["A"] * 20 + ["B"] * 20 + ["C"]})
    found = count(table, ["region"])
    assert found.k == 1
    assert found.under == ((5, 1 / 41), (11, 1 / 41))


def test_rows_with_nothing_left_are_in_no_class() -> None:
    table = pl.DataFrame({"a": ["x", "x", "*", None], "b": ["1", "1", "*", None]})
    found = count(table, ["a", "b"])
    assert (found.rows, found.suppressed, found.k) == (2, 2, 2)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (pl.DataFrame({"a": pl.Series([], dtype=pl.Int64)}), (0, 0, 0)),
        (pl.DataFrame({"a": [1, 1, 1]}), (3, 1, 3)),
        (pl.DataFrame({"a": pl.Series([None, None], dtype=pl.String)}), (0, 0, 0)),
        (pl.DataFrame({"a": [None, None]}), (0, 0, 0)),
        (pl.DataFrame({"a": [float("nan"), 1.0, float("nan")]}), (3, 2, 1)),
    ],
)
def test_degenerate_tables_are_counted(table: pl.DataFrame, expected: tuple[int, ...]) -> None:
    found = count(table, ["a"])
    assert (found.rows, found.classes, found.k) == expected


def test_without_quasi_identifiers_all_rows_are_one_class() -> None:
    assert count(pl.DataFrame({"a": [1, 2, 3]}), []).k == 3


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(DataError, match="missing_column") as error:
        count(pl.DataFrame({"a": [1]}), ["âge"])
    assert "«\u00a0âge\u00a0»" in error.value.fr
