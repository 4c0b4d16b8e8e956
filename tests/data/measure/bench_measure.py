"""How fast the measures are; both arms of a ratio take turns in one run."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lab.data.measure import (
    Plan,
    Technique,
    Thresholds,
    count,
    diversity,
    judge,
    measure_risk,
    measure_utility,
)
from lab.data.measure.coding import View, view
from lab.data.measure.singling import singling_out
from lab.domain.privacy import Role
from tests.data.adult import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds: the machine may be busy."""
    start = time.process_time()
    work()
    return time.process_time() - start


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def counting() -> None:
    rows = 1_000_000
    rng = np.random.default_rng(0)
    table = pl.DataFrame({
        "sexe": rng.choice(["F", "M"], rows),
        "annee": rng.integers(1930, 2006, rows),
        "region": rng.choice([f"R{i:02}" for i in range(17)], rows),
        "emploi": rng.choice([f"E{i:02}" for i in range(40)], rows),
        "langue": rng.choice(["fr", "en", "autre"], rows),
        "diagnostic": rng.choice([f"D{i:02}" for i in range(30)], rows),
        "revenu": rng.integers(10_000, 90_000, rows),
    })
    known = ["sexe", "annee", "region", "emploi", "langue"]
    k = min(seconds(lambda: count(table, known)) for _ in range(ROUNDS))
    words = min(seconds(lambda: diversity(table, known, ["diagnostic"])) for _ in range(ROUNDS))
    numbers = min(seconds(lambda: diversity(table, known, ["revenu"])) for _ in range(ROUNDS))
    say(f"1,000,000 rows, 5 quasi-identifiers: k {k:.2f} s, l and t of words {words:.2f} s,")
    say(f"    l and t of a number with 80,000 values {numbers:.2f} s (CPU)")


def _query_by_query(table: pl.DataFrame, source: pl.DataFrame, wanted: int) -> int:
    """Predicates as a library of queries tries them: one filter each, on release and source."""
    rng = np.random.default_rng(0)
    names, tried = table.columns, 0
    for _ in range(wanted):
        row = table.row(int(rng.integers(table.height)), named=True)
        chosen = rng.choice(names, int(rng.integers(2, len(names) + 1)), replace=False)
        clauses = [pl.col(str(n)) == row[str(n)] for n in chosen]
        if table.filter(*clauses).height == 1:
            source.filter(*clauses)
        tried += 1
    return tried


def singling(table: pl.DataFrame) -> None:
    mixed = table.sample(fraction=1, shuffle=True, seed=0)
    source, control = mixed[:15_000], mixed[15_000:22_000]
    released = mixed[22_000:]
    tables: View = view(source, control, released, columns=table.columns, hierarchies={})
    ours, theirs = [], []
    for turn in range(ROUNDS):
        rng = np.random.default_rng(turn)
        ours.append(
            seconds(lambda: singling_out(tables, attempts=5000, rng=rng, multivariate=True)) / 5000  # noqa: B023
        )
        theirs.append(seconds(lambda: _query_by_query(released, source, 300)) / 300)
    say(
        f"singling out, {released.height} released and {source.height} source rows: "
        f"{1 / min(ours):,.0f} predicates/s (with the control), query by query "
        f"{1 / min(theirs):,.0f}/s (without), ratio {min(theirs) / min(ours):.1f}"
    )


def whole(table: pl.DataFrame) -> None:
    mixed = table.sample(fraction=1, shuffle=True, seed=0)
    source, control, released = mixed[:15_000], mixed[15_000:22_000], mixed[22_000:]
    roles = dict.fromkeys(table.columns, Role.QUASI_IDENTIFIER)
    plan = Plan(
        roles=roles | {"salary-class": Role.SENSITIVE},
        technique=Technique.SYNTHESIS,
        epsilon=1.0,
    )
    start = time.process_time()
    report = measure_risk(source, released, control, plan=plan)
    risks = time.process_time() - start
    useful = seconds(lambda: measure_utility(source, released, control, plan=plan))
    verdict = judge(report, Thresholds())
    say(f"Adult, people drawn anew: risks {risks:.1f} s, utility {useful:.1f} s (CPU)")
    for reason in verdict.reasons:
        say(f"    {'ok' if reason.passed else 'NO'} {reason.en}")


def main() -> None:
    """Print seconds and ratios."""
    counting()
    if TABLE.exists():
        table = pl.read_csv(TABLE, separator=";")
        singling(table)
        whole(table)
    else:
        say("the Adult table is not beside the checkout: the rest is left out")


if __name__ == "__main__":
    main()
