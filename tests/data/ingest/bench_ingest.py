"""Peak memory and speed of ingesting a large CSV, beside polars' own streaming scan.

`python -m tests.data.ingest.bench_ingest [megabytes]`; each arm runs in its own process, in turn.
The other arm only parses and writes: it hashes nothing, checks no encoding, no width and no count,
and takes types from a sample of rows.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

_ROUNDS = 2
_MIB = 2**20


def make_csv(path: Path, megabytes: int, *, seed: int = 20261122) -> None:
    """Write a table of ten columns, of text, numbers in French, dates and codes."""
    rng = np.random.default_rng(seed)
    names = np.array([
        "Élise Côté",
        "François Hébert",
        "Marie-Ève Roy",
        "Noël Gagné",
        "Zoé Nadeau",
    ])
    rows, row = 100_000, 0
    with path.open("wb") as file:
        while file.tell() < megabytes * 10**6:
            cents = rng.integers(0, 10**7, rows)
            table = pl.DataFrame({
                "dossier": pl.Series(np.arange(row, row + rows)).cast(pl.String).str.zfill(10),
                "nom": names[rng.integers(0, 5, rows)],
                "montant": pl
                .Series(cents / 100)
                .cast(pl.String)
                .str.replace(".", ",", literal=True),
                "date": pl.Series(rng.integers(0, 20_000, rows)).cast(pl.Date).cast(pl.String),
                "âge": rng.integers(0, 100, rows),
                "région": rng.integers(1, 18, rows).astype(str),
                "actif": np.array(["oui", "non"])[rng.integers(0, 2, rows)],
                "note": np.array(["à revoir; urgent", "", "s.o.", "=A1"])[
                    rng.integers(0, 4, rows)
                ],
                "taux": pl.Series(rng.random(rows)).round(6),
                "compte": rng.integers(0, 10**9, rows),
            })
            table.write_csv(file, separator=";", include_header=row == 0)
            row += rows


def run_ours(source: Path, target: Path) -> None:
    from lab.data.ingest import read  # noqa: PLC0415  imported in the measured process alone

    read(source, target)


def run_scan(source: Path, target: Path) -> None:
    pl.scan_csv(source, separator=";").sink_parquet(target)


def main() -> None:
    """Print peak resident memory (MiB) and speed (MB/s) of both arms."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    if not 1 <= megabytes <= 2_000:
        raise SystemExit("between 1 and 2000 megabytes")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "table.csv"
        subprocess.run(
            [sys.executable, "-m", __spec__.name, "make", str(source), str(megabytes)], check=True
        )
        size = source.stat().st_size
        for _ in range(_ROUNDS):
            for arm in ("ours", "scan"):
                start = time.perf_counter()
                done = subprocess.run(
                    [
                        sys.executable,
                        "-m",
                        __spec__.name,
                        arm,
                        str(source),
                        f"{folder}/{arm}.parquet",
                    ],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                seconds = time.perf_counter() - start
                cpu, peak = map(float, done.stdout.split())
                speed, worked = size / 1e6 / seconds, size / 1e6 / cpu
                sys.stdout.write(
                    f"{arm}: {size / 1e6:.0f} MB, peak {peak:.0f} MiB, {speed:.0f} MB/s by the "
                    f"clock, {worked:.0f} MB/s of processor\n"
                )


def _one() -> None:
    arm, source, target = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if arm == "make":
        make_csv(source, int(target))
        return
    (run_ours if arm == "ours" else run_scan)(source, Path(target))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss * 1024 / _MIB}\n")


if __name__ == "__main__":
    _one() if len(sys.argv) > 3 else main()
