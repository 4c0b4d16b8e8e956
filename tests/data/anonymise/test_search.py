from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.data.anonymise import (
    DistinctL,
    EntropyL,
    EqualT,
    HierarchicalT,
    Loss,
    Model,
    OrderedT,
    Problem,
    Progress,
    QuasiIdentifier,
    RecursiveCL,
    Suppressed,
    apply,
    check,
    from_rows,
    mondrian,
    search,
    top,
)
from lab.data.errors import DataError
from tests.data.anonymise import naive

FRUIT = [
    ("a", "ab", "abc", "*"),
    ("b", "ab", "abc", "*"),
    ("c", "c", "abc", "*"),
    ("d", "de", "de", "*"),
    ("e", "de", "de", "*"),
]
SHAPE = [("x", "xy", "*"), ("y", "xy", "*"), ("z", "z", "*")]
ILLS = [("p", "pq", "*"), ("q", "pq", "*"), ("r", "r", "*"), ("s", "r", "*"), ("", "", "*")]

letters = st.sampled_from([row[0] for row in FRUIT] + [None])
shapes = st.sampled_from([row[0] for row in SHAPE])
ills = st.sampled_from(["p", "q", "r", "s", None])
tables = st.lists(st.tuples(letters, shapes, ills), min_size=1, max_size=14).map(
    lambda rows: pl.DataFrame(rows, schema=dict.fromkeys("fsi", pl.String), orient="row")
)
thresholds = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 1.0])
criteria = st.one_of(
    st.builds(DistinctL, column=st.just("i"), l=st.integers(1, 3)),
    st.builds(EntropyL, column=st.just("i"), l=st.integers(1, 3)),
    st.builds(
        RecursiveCL, column=st.just("i"), c=st.sampled_from([0.5, 1.0, 2.5]), l=st.integers(1, 3)
    ),
    st.builds(EqualT, column=st.just("i"), t=thresholds),
    st.builds(OrderedT, column=st.just("i"), t=thresholds),
    st.builds(
        HierarchicalT, column=st.just("i"), t=thresholds, hierarchy=st.just(from_rows("i", ILLS))
    ),
)
models = st.builds(Model, k=st.integers(1, 4), criteria=st.lists(criteria, max_size=2).map(tuple))
QUASI = (
    QuasiIdentifier(column="f", hierarchy=from_rows("f", FRUIT)),
    QuasiIdentifier(column="s", hierarchy=from_rows("s", SHAPE)),
)
problems = st.builds(
    Problem,
    table=tables,
    quasi_identifiers=st.just(QUASI),
    model=models,
    suppression_limit=st.sampled_from([0.0, 0.07, 0.2, 0.5, 1.0]),
    loss=st.sampled_from(Loss),
)


@settings(max_examples=40, deadline=None)
@given(problems)
def test_equals_brute_force_over_all_nodes_and_keeps_every_promise(problem: Problem) -> None:
    expected = naive.best(problem)
    if expected is None:
        with pytest.raises(DataError, match="no_solution"):
            search(problem)
        return
    found = search(problem)
    gone = naive.suppressed(problem, found.levels)
    assert found.loss == pytest.approx(expected, abs=1e-6)
    assert found.loss == pytest.approx(naive.loss(problem, found.levels, gone), abs=1e-6)
    assert found.suppressed == gone.count(True) <= problem.suppressible_rows

    published = apply(problem, found)
    assert published.height == problem.table.height - found.suppressed
    verdict = check(published, ["f", "s"], problem.model, reference=problem.table)
    assert verdict.holds
    assert verdict.risk.k >= problem.model.k or not verdict.risk.rows
    rows = naive.labels(problem, found.levels)
    kept = [row for row, out in zip(rows, gone, strict=True) if not out]
    assert published.select("f", "s").rows() == kept


@settings(max_examples=25, deadline=None)
@given(problems)
def test_check_says_what_the_oracle_says_of_the_raw_table(problem: Problem) -> None:
    bad = naive.suppressed(problem, (0, 0))
    assert check(problem.table, ["f", "s"], problem.model).holds == (True not in bad)


@settings(max_examples=20, deadline=None)
@given(problems)
def test_alternatives_come_best_first_and_none_is_another_one_raised(
    problem: Problem,
) -> None:
    try:
        found = top(problem, 4)
    except DataError:
        return
    assert found[0] == search(problem) or found[0].levels == search(problem).levels
    assert [s.loss for s in found] == sorted(s.loss for s in found)
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            assert any(a < b for a, b in zip(other.levels, one.levels, strict=True))


@settings(max_examples=25, deadline=None)
@given(problems)
def test_starred_rows_say_nothing_and_are_left_out_of_the_count(problem: Problem) -> None:
    try:
        found = search(problem)
    except DataError:
        return
    published = apply(problem, found, suppressed=Suppressed.STARRED)
    assert published.height == problem.table.height
    verdict = check(published, ["f", "s"], problem.model, reference=problem.table)
    assert verdict.holds
    gone = naive.suppressed(problem, found.levels)
    assert all(
        row == ("*", "*", None) for row, out in zip(published.rows(), gone, strict=True) if out
    )


@settings(max_examples=20, deadline=None)
@given(problems)
def test_mondrian_satisfies_the_model_with_labels_of_the_hierarchies(problem: Problem) -> None:
    if not check(problem.table, [], problem.model).holds:
        with pytest.raises(DataError, match="no_solution"):
            mondrian(problem)
        return
    made = mondrian(problem)
    assert made.table.equals(mondrian(problem).table)
    assert check(made.table, ["f", "s"], problem.model, reference=problem.table).holds
    assert made.table.height == problem.table.height
    for quasi in QUASI:
        for raw, label in zip(problem.table[quasi.column], made.table[quasi.column], strict=True):
            assert label in (raw, *quasi.hierarchy.of(raw))
    assert "minimalité" in made.warning.fr
    assert "Wong" in made.warning.en


def test_progress_is_told_and_a_search_can_be_cancelled() -> None:
    table = pl.DataFrame({"f": ["a", "b", "c", "d", "e"], "s": ["x", "y", "z", "x", "y"]})
    problem = Problem(table=table, quasi_identifiers=QUASI, model=Model(k=2))
    told: list[Progress] = []
    search(problem, progress=told.append)
    assert told
    assert all(p.decided <= p.nodes == 12 for p in told)
    with pytest.raises(DataError, match="cancelled"):
        search(problem, cancelled=lambda: True)


def test_what_is_left_of_each_column_is_told() -> None:
    table = pl.DataFrame({"f": ["a", "b", "a", "b"], "s": ["x", "x", "x", "x"]})
    found = search(Problem(table=table, quasi_identifiers=QUASI, model=Model(k=3)))
    assert found.levels == (1, 0)
    assert [(c.column, c.level, c.kept, c.labels) for c in found.columns] == [
        ("f", 1, 0.0, 1),
        ("s", 0, 1.0, 1),
    ]
    assert (found.classes, found.smallest, found.average) == (1, 4, 4.0)
