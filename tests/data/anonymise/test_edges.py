from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from lab.data.anonymise import (
    EqualT,
    HierarchicalT,
    Model,
    Problem,
    QuasiIdentifier,
    Suppressed,
    apply,
    check,
    flat,
    from_rows,
    risk,
    search,
)
from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.data.anonymise import Hierarchy

ONE = pl.DataFrame({"q": ["a"], "s": ["v"]})


def _problem(table: pl.DataFrame, *, k: int = 2, limit: float = 0.0, **more: object) -> Problem:
    quasi = (QuasiIdentifier(column="q", hierarchy=flat(table["q"])),)
    given: dict[str, Any] = {"quasi_identifiers": quasi, "model": Model(k=k), **more}
    return Problem(table=table, suppression_limit=limit, **given)


def test_a_table_without_rows_is_refused_but_satisfies_every_model() -> None:
    with pytest.raises(DataError) as refusal:
        _problem(ONE.clear())
    assert refusal.value.reason == "empty_table"
    assert "aucune ligne" in refusal.value.fr
    assert check(ONE.clear(), ["q"], Model(k=5, criteria=(EqualT(column="s", t=0.1),))).holds


def test_one_row_is_one_class_of_one() -> None:
    found = search(_problem(ONE, k=1))
    assert (found.levels, found.loss, found.smallest) == ((0,), 0.0, 1)


def test_k_above_the_number_of_rows_has_no_solution_unless_all_may_go() -> None:
    with pytest.raises(DataError, match="no_solution"):
        search(_problem(ONE, k=5, limit=0.99))
    problem = _problem(ONE, k=5, limit=1.0)
    found = search(problem)
    assert (found.suppressed, found.classes, found.smallest) == (1, 0, 0)
    assert apply(problem, found).height == 0


def test_a_column_of_nothing_but_missing_values_is_one_class() -> None:
    table = pl.DataFrame({"q": [None, None]}, schema={"q": pl.String})
    found = search(_problem(table))
    assert (found.levels, found.smallest) == ((0,), 2)


def test_missing_is_a_class_of_its_own_until_everything_is_one() -> None:
    table = pl.DataFrame({"q": ["a", "b", None, "a", "b"]})
    hierarchy = from_rows("q", [("a", "ab", "*"), ("b", "ab", "*")])
    quasi = (QuasiIdentifier(column="q", hierarchy=hierarchy),)
    problem = _problem(table, limit=0.2, quasi_identifiers=quasi, model=Model(k=4))
    found = search(problem)
    assert (found.levels, found.suppressed) == ((1,), 1)
    stars = apply(problem, found, suppressed=Suppressed.STARRED)["q"].to_list()
    assert stars == ["ab", "ab", "*", "ab", "ab"]
    assert search(_problem(table, quasi_identifiers=quasi, model=Model(k=4))).levels == (2,)


@pytest.mark.parametrize(
    ("reason", "make"),
    [
        ("no_quasi_identifier", lambda: _problem(ONE, quasi_identifiers=())),
        ("unknown_column", lambda: _problem(ONE, model=Model(k=1, criteria=(_t("zz"),)))),
        ("sensitive_is_quasi_identifier", lambda: _problem(ONE, model=_model("q"))),
        ("column_twice", lambda: _problem(ONE, quasi_identifiers=_twice())),
        ("wrong_threshold", lambda: _problem(ONE, limit=1.1)),
        ("wrong_threshold", lambda: _problem(ONE, limit=float("nan"))),
        ("wrong_threshold", lambda: Model(k=0)),
        ("wrong_threshold", lambda: EqualT(column="s", t=-0.1)),
        ("empty_table", lambda: risk(ONE.clear(), ["q"])),
        ("hierarchy_without_root", lambda: HierarchicalT(column="s", t=0.1, hierarchy=_woods())),
    ],
)
def test_what_cannot_be_answered_is_refused_in_two_languages(
    reason: str, make: Callable[[], object]
) -> None:
    with pytest.raises(DataError) as refusal:
        make()
    assert refusal.value.reason == reason
    assert refusal.value.fr
    assert refusal.value.en


def _t(column: str) -> EqualT:
    return EqualT(column=column, t=0.1)


def _model(column: str) -> Model:
    return Model(k=1, criteria=(_t(column),))


def _twice() -> tuple[QuasiIdentifier, ...]:
    return (QuasiIdentifier(column="q", hierarchy=flat(ONE["q"])),) * 2


def _woods() -> Hierarchy:
    return from_rows("s", [("a", "A"), ("b", "B")])


def test_the_limit_is_the_decimal_number_that_was_written() -> None:
    table = pl.DataFrame({"q": ["a"] * 100})
    assert _problem(table, limit=0.29).suppressible_rows == 29  # 0.29 * 100 is 28.999…


def test_a_hundred_wide_columns_do_not_overflow_their_key() -> None:
    columns = {f"c{i}": [f"{row}" for row in range(50)] for i in range(14)}
    table = pl.DataFrame(columns)
    quasi = tuple(QuasiIdentifier(column=c, hierarchy=flat(table[c])) for c in table.columns)
    found = search(Problem(table=table, quasi_identifiers=quasi, model=Model(k=2)))
    assert found.levels == (1,) * 14


def test_a_lattice_beyond_reason_is_refused() -> None:
    table = pl.DataFrame({f"c{i}": ["a", "b"] for i in range(23)})
    quasi = tuple(QuasiIdentifier(column=c, hierarchy=flat(table[c])) for c in table.columns)
    with pytest.raises(DataError, match="lattice_too_large"):
        search(Problem(table=table, quasi_identifiers=quasi, model=Model(k=2)))
