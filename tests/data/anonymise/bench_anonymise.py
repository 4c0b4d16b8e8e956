"""Speed of the search and of the check, as ratios; and proofs too long for the tests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from hypothesis import given, settings

from lab.data.anonymise import (
    DistinctL,
    EntropyL,
    EqualT,
    HierarchicalT,
    Model,
    OrderedT,
    Problem,
    check,
    search,
)
from lab.data.anonymise.encode import encoded
from lab.data.anonymise.groups import rolled_up, root
from lab.data.anonymise.lattice import Lattice
from tests.data.anonymise import adult, test_search

if TYPE_CHECKING:
    from collections.abc import Callable

ARX_SECONDS = 9.0
"""The order of ARX's published time for an optimal search of this table."""
ROUNDS = 5
SAMPLE = 40
MILLION = 1_000_000


def main() -> None:
    for k, limit in ((5, 0.0), (5, 0.04), (100, 0.0)):
        _search(k, limit)
    _published()
    _million()
    _brute_force()


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _search(k: int, limit: float) -> None:
    problem = Problem(
        table=adult.table(),
        quasi_identifiers=adult.quasi_identifiers(),
        model=Model(k=k),
        suppression_limit=limit,
    )
    found = search(problem)
    data = encoded(problem)
    lattice = Lattice(data)
    cheaper = lattice.order[: int(np.searchsorted(np.sort(lattice.losses), found.loss)) + 1]
    sample = [lattice.levels(int(n)) for n in cheaper[:: max(1, len(cheaper) // SAMPLE)]]
    ours, naive = [], []
    for _ in range(ROUNDS):
        ours.append(_seconds(lambda: search(problem)))
        naive.append(_seconds(lambda: [rolled_up(data, root(data), at) for at in sample]))
    mine = min(ours)
    # In order of loss, without roll-up nor tags: every cheaper node, all rows each time.
    plain = min(naive) / len(sample) * len(cheaper)
    _say(
        f"search, k = {k}, {limit:.0%}: {mine:.3f} s of CPU, {found.examined} of {found.nodes} "
        f"nodes; {ARX_SECONDS / mine:.0f} x ARX's order of 9 s; {plain / mine:.0f} x the plain "
        f"search ({plain:.1f} s, from {len(sample)} of its {len(cheaper)} nodes)"
    )


def _published() -> None:
    """Values of ARX's own tests that take longer than ours may."""
    job = "occupation"
    near = HierarchicalT(column=job, t=0.2, hierarchy=adult.hierarchy(job))
    cases = (
        (Model(k=100), adult.quasi_identifiers(), 379417.3460570988),
        (
            Model(k=5, criteria=(near,)),
            adult.quasi_identifiers(without=job),
            377622.78458729305,
        ),
    )
    for model, quasi, loss in cases:
        problem = Problem(
            table=adult.table(), quasi_identifiers=quasi, model=model, suppression_limit=0.04
        )
        start = time.process_time()
        found = search(problem)
        _say(
            f"published loss {loss}: {'equal' if found.loss == loss else found.loss}, "
            f"{time.process_time() - start:.2f} s of CPU"
        )


def _million() -> None:
    rng = np.random.default_rng(5)
    table = pl.DataFrame({
        "age": rng.integers(0, 12, MILLION),
        "sex": rng.integers(0, 2, MILLION),
        "region": rng.integers(0, 17, MILLION),
        "year": rng.integers(0, 10, MILLION),
        "ill": rng.integers(0, 20, MILLION),
    }).with_columns(pl.all().cast(pl.String))
    model = Model(
        k=11,
        criteria=(
            DistinctL(column="ill", l=3),
            EntropyL(column="ill", l=3),
            EqualT(column="ill", t=0.5),
            OrderedT(column="ill", t=0.5),
        ),
    )
    names = ["age", "sex", "region", "year"]
    verdicts: list[bool] = []

    def run() -> None:
        verdicts.append(check(table, names, model).holds)

    start = time.perf_counter()
    spent = min(_seconds(run) for _ in range(3))
    wall = (time.perf_counter() - start) / 3
    _say(
        f"check of k, two l and two t on a million rows: {spent:.2f} s of CPU, {wall:.2f} s "
        f"(holds: {verdicts[0]})"
    )


def _brute_force() -> None:
    inner = test_search.test_equals_brute_force_over_all_nodes_and_keeps_every_promise
    proof = given(test_search.problems)(inner.hypothesis.inner_test)  # type: ignore[attr-defined]
    settings(max_examples=500, deadline=None, database=None)(proof)()
    _say("500 random problems equal brute force")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
