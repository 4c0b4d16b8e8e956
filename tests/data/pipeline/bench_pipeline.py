"""Most memory that each step takes of a table, and what the bound says it takes.

``python -m tests.data.pipeline.bench_pipeline [rows ...]`` makes a table of that many rows and
twelve columns, has a process of its own do each step as a dossier's runs do, and prints the peak
of its resident memory (``VmHWM`` of ``/proc``) beside ``lab.domain.intake_room``'s figure. It
ends with 1 where a step took more than that.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lab.domain.evidence import ColumnChoice, PrivacyPolicy, Scope, Technique
from lab.domain.intake_room import needed_bytes
from lab.domain.privacy import Role
from lab.ports import Plan
from tests.data.ingest.bench_large import peak_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS = (100_000, 400_000)
"""Ten minutes. Two million take an hour, and are asked for by name."""
_MIB = 2**20
QUASI = {"sexe": 2, "region": 17, "emploi": 40, "langue": 3, "scolarite": 9}
WORDS = {"diagnostic": 30, "programme": 12, "bureau": 60}
NUMBERS = {"annee": (1930, 2006), "revenu": (10_000, 90_000), "jours": (0, 365), "enfants": (0, 9)}


def make(path: Path, rows: int) -> None:
    rng = np.random.default_rng(5)
    words = {
        name: pl.Series([f"{name} {at:02}" for at in range(size)]).gather(
            rng.integers(0, size, rows)
        )
        for name, size in (QUASI | WORDS).items()
    }
    numbers = {name: rng.integers(*bounds, rows) for name, bounds in NUMBERS.items()}
    pl.DataFrame(words | numbers).write_parquet(path)


def plan(technique: Technique) -> Plan:
    domain: dict[str, object] = {
        name: {"kind": "categories", "values": [f"{name} {at:02}" for at in range(size)]}
        for name, size in (QUASI | WORDS).items()
    }
    domain |= {
        name: {"kind": "numbers", "lower": low, "upper": high}
        for name, (low, high) in NUMBERS.items()
    }
    parameters: Mapping[str, object] = (
        {"epsilon": "1", "domain": domain}
        if technique is Technique.SYNTHESIS
        else {"suppression": 0.04}
    )
    columns = [ColumnChoice(name, Role.QUASI_IDENTIFIER) for name in QUASI]
    columns += [ColumnChoice("annee", Role.QUASI_IDENTIFIER)]
    columns += [ColumnChoice("diagnostic", Role.SENSITIVE)]
    left = (WORDS.keys() | NUMBERS.keys()) - {"annee", "diagnostic"}
    columns += [ColumnChoice(name, Role.OTHER) for name in sorted(left)]
    policy = PrivacyPolicy(
        k_between=11,
        k_inside=5,
        attack_risk_upper=0.09,
        epsilon_total=Decimal(3),
        review_months=12,
        raw_limit_bytes=2**40,
    )
    return Plan(
        technique=technique,
        columns=tuple(columns),
        parameters=parameters,
        scope=Scope.BETWEEN,
        k=11,
        policy=policy,
        seed=1,
    )


def child(table: Path, step: str) -> None:
    """Do one step and say what it took."""
    from lab.data.pipeline import TablePipeline  # noqa: PLC0415  in the measured process alone

    is_synthesis = "synth" in step
    asked = plan(Technique.SYNTHESIS if is_synthesis else Technique.K_ANONYMITY)
    pipeline, treated = TablePipeline(), table.with_suffix(f".{asked.technique.value}")
    start, cpu = time.perf_counter(), time.process_time()

    def tell(_: object) -> None:
        return None

    match step:
        case "assess":
            pipeline.assess(table, asked, tell=tell)
        case "anonymise":
            pipeline.anonymise(table, treated, asked, tell=tell)
        case "synthesise":
            pipeline.synthesise(table, treated, asked, tell=tell)
        case _:
            pipeline.measure(table, treated, asked, tell=tell)
    _say(
        f"{peak_bytes() / _MIB:.0f} {time.perf_counter() - start:.1f}"
        f" {time.process_time() - cpu:.1f}"
    )


STEPS = ("assess", "anonymise", "measure", "synthesise", "measure the synthesis")


def main(sizes: tuple[int, ...]) -> int:
    over = 0
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            table = Path(folder) / "table.parquet"
            make(table, rows)
            width = len(QUASI) + len(WORDS) + len(NUMBERS)
            bound = needed_bytes(rows, width) / _MIB
            _say(f"{rows:,} x {width}: the bound is {bound:,.0f} MiB")
            for step in STEPS:
                done = subprocess.run(
                    [sys.executable, "-m", __spec__.name, "child", str(table), step],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                peak, seconds, cpu = map(float, done.stdout.split())
                over += peak > bound
                word = "" if peak <= bound else ": OVER THE BOUND"
                _say(f"  {step}: peak {peak:,.0f} MiB, {seconds:.0f} s ({cpu:.0f} s CPU){word}")
    return 1 if over else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(Path(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(main(tuple(map(int, sys.argv[1:])) or ROWS))
