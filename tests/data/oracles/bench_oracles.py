"""The lab beside two libraries, each in its own process, in turn, on the same rows.

``python -m tests.data.oracles.bench_oracles [--rounds 2] [--models mst,aim] [--libraries dpmm]``.
Both arms are given the same table, split, domain and budget; one function measures what either of
them made. The libraries live in ``.build/oracles``, which this builds from ``libraries.txt``. An
arm that cannot run is named and counted at the end.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]  # it ships no types
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # it ships no types

from lab.data.measure.coding import view
from lab.data.measure.intervals import excess, rate
from lab.data.measure.singling import singling_out
from lab.data.synthesise import Plan, synthesise
from tests.data.oracles import adult_full
from tests.data.oracles.environment import Arm, NotHadError, adult_folder, built
from tests.data.oracles.recounting import counted
from tests.data.synthesise.bench_synthesise import EPSILON_ONE, pairs_tvd, tstr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ATTACKS = 500
"""Anonymeter's default; it takes minutes for more where few predicates isolate anybody."""
CLAUSES = 3
"""Columns in a predicate of anonymeter, its default; ours chooses how many."""
PEOPLE = 10_000
LIBRARIES = ("anonymeter", "dpmm")
COPIED = {"nobody": 0.0, "a fifth": 0.2, "everybody": 1.0}
Table = pl.DataFrame


def split() -> tuple[Table, Table]:
    """Four fifths to learn from, 39,073 rows, and the rest to try on."""
    table = adult_full.table(adult_folder())
    order = np.random.default_rng(0).permutation(table.height)
    cut = table.height * 4 // 5
    return table[order[:cut]], table[order[cut:]]


def synthesis(python: Path, folder: Path, models: Sequence[str], rounds: int) -> None:
    train, test = split()
    domain = adult_full.domain()
    source, target = folder / "train.parquet", folder / "made.parquet"
    train.write_parquet(source)
    words = {name: list(getattr(column, "values")) for name, column in domain.columns.items()}  # noqa: B009  # a field, not pandas
    rows: dict[str, list[list[float]]] = {}

    def note(name: str, made: Table, seconds: float, cpu: float) -> None:
        found = [seconds, cpu, *_quality(made, train, test)]
        rows.setdefault(name, []).append(found)
        _say(_quality_line(name, found))

    _say(f"synthesis of {train.height:,} x {train.width}, eps 1, delta {EPSILON_ONE.delta}")
    _say(_quality_line("real rows", [0.0, 0.0, *_quality(train, test, test)]))
    for seed in range(rounds):
        for model in models:
            start, cpu = time.perf_counter(), time.process_time()
            ours = synthesise(train, domain, EPSILON_ONE, seed=seed, plan=Plan()).table
            note("ours", ours, time.perf_counter() - start, time.process_time() - cpu)
            with Arm(python, f"dpmm {model}") as arm:
                took = arm.ask(
                    "synthesise",
                    source=str(source),
                    target=str(target),
                    domain=words,
                    model=model,
                    epsilon=EPSILON_ONE.epsilon,
                    delta=EPSILON_ONE.delta,
                    seed=seed,
                    settings={},
                )
            note(f"dpmm {model}", pl.read_parquet(target), took["seconds"], took["cpu"])
    mine = np.mean(rows["ours"], axis=0)
    for model in models:
        theirs = np.mean(rows[f"dpmm {model}"], axis=0)
        _say(
            f"  dpmm {model} / ours: {theirs[0] / mine[0]:.0f} x the time"
            f" ({theirs[1] / mine[1]:.0f} x of processor), TVD {theirs[2]:.4f} to {mine[2]:.4f},"
            f" AUC {theirs[3]:.4f} to {mine[3]:.4f}, accuracy {theirs[4]:.4f} to {mine[4]:.4f}"
        )


def _quality(made: Table, near: Table, test: Table) -> list[float]:
    """Distance of pairs; AUC and accuracy of the better of two learners, on rows held out."""
    domain = adult_full.domain()
    learners: tuple[Callable[[], Any], ...] = (
        lambda: LogisticRegression(max_iter=300),
        lambda: HistGradientBoostingClassifier(max_iter=60, random_state=0),
    )
    learnt = np.max([tstr(made, test, domain, learner) for learner in learners], axis=0)
    return [pairs_tvd(made, near, domain), *map(float, learnt)]


def _quality_line(name: str, found: Sequence[float]) -> str:
    return (
        f"  {name}: {found[0]:.2f} s ({found[1]:.2f} s of CPU), TVD of pairs {found[2]:.4f},"
        f" TSTR AUC {found[3]:.4f}, accuracy {found[4]:.4f}"
    )


def people(copied: float) -> tuple[Table, Table, Table]:
    """Different rows: a source, as many people outside, a release that copies a share."""
    table = adult_full.table(adult_folder(), is_binned=False)
    mixed = table.unique(maintain_order=True).sample(fraction=1, shuffle=True, seed=3)
    source, control, others = (mixed.slice(at * PEOPLE, PEOPLE) for at in range(3))
    count = round(PEOPLE * copied)
    return source, control, pl.concat([source.head(count), others.head(PEOPLE - count)])


def singling(python: Path, folder: Path, rounds: int) -> None:
    _say(f"singling out, {PEOPLE:,} rows of source, control and release, {ATTACKS:,} predicates")
    ratios = []
    for name, share in COPIED.items():
        tables = dict(zip(("source", "control", "released"), people(share), strict=True))
        paths = {part: str(folder / f"{part}.parquet") for part in tables}
        for part, table in tables.items():
            table.write_parquet(paths[part])
        with Arm(python, "anonymeter") as arm:
            for seed in range(rounds):
                ours, mine = _ours(tables, seed)
                theirs = arm.ask(
                    "single_out", **paths, attacks=ATTACKS, columns=CLAUSES, seed=seed
                )
                ratios.append(theirs["cpu"] / mine[1])
                _compare(name, (ours, mine), theirs, tables)
    _say(
        f"  anonymeter / ours: {min(ratios):.0f} to {max(ratios):.0f} x, median"
        f" {np.median(ratios):.0f} x, of processor time"
    )


def _ours(tables: dict[str, Table], seed: int) -> tuple[Any, tuple[float, float]]:
    start, cpu = time.perf_counter(), time.process_time()
    seen = view(
        tables["source"],
        tables["control"],
        tables["released"],
        columns=tables["source"].columns,
        hierarchies={},
    )
    rng = np.random.default_rng(seed)
    found = singling_out(seen, attempts=ATTACKS, rng=rng, multivariate=True)
    return found, (time.perf_counter() - start, time.process_time() - cpu)


def _compare(
    name: str,
    ours: tuple[Any, tuple[float, float]],
    theirs: dict[str, Any],
    tables: dict[str, Table],
) -> None:
    """Say the risks of both, and what ours counts with their predicates."""
    trial, (seconds, cpu) = ours
    again = counted(theirs["predicates"], tables)
    same = again == (theirs["successes"], theirs["control"])
    tried = len(theirs["predicates"])
    # One formula for both: theirs spreads its successes over as many as were asked for.
    risk = excess(rate(theirs["successes"], tried), rate(theirs["control"], tried))
    mine = trial.excess
    agrees = mine.lower <= risk.upper and risk.lower <= mine.upper
    _say(
        f"  copies {name}: ours {mine.estimate:.3f} [{mine.lower:.3f}, {mine.upper:.3f}]"
        f" in {seconds:.2f} s ({cpu:.2f} s of CPU); anonymeter {risk.estimate:.3f}"
        f" [{risk.lower:.3f}, {risk.upper:.3f}] in {theirs['seconds']:.2f} s"
        f" ({theirs['cpu']:.2f} s of CPU), as it says itself {theirs['risk'][0]:.3f};"
        f" {'within each other' if agrees else 'APART'};"
        f" its {tried} predicates counted again by ours: {'equal' if same else f'{again} NOT'}"
        f" {theirs['successes']} and {theirs['control']}"
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run both comparisons; name and count the library that could not run."""
    parser = argparse.ArgumentParser(prog="bench_oracles")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--models", default="mst", help="of dpmm: mst, aim, or both")
    parser.add_argument("--libraries", default=",".join(LIBRARIES))
    given = parser.parse_args()
    wanted = given.libraries.split(",")
    models = [name for name in given.models.split(",") if name]
    lacking = []
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    _say(f"machine: {os.cpu_count()} processors, load {load}")
    with tempfile.TemporaryDirectory() as folder:
        for name, run in (
            ("anonymeter", lambda python: singling(python, Path(folder), given.rounds)),
            ("dpmm", lambda python: synthesis(python, Path(folder), models, given.rounds)),
        ):
            if name not in wanted:
                continue
            try:
                run(built())
            except NotHadError as error:
                lacking.append(name)
                _say(f"  NOT RUN: {name}: {error}")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    done = len(wanted) - len(lacking)
    _say(f"{done} of {len(LIBRARIES)} libraries compared with; load {load}")


if __name__ == "__main__":
    main()
