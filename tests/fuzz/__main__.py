"""``make fuzz``: thousands of cases over the whole API. Exit code 1 on a finding or too few."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.engine import Fuzz
from tests.fuzz.stage import Stage


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="Of each operation, twice.")
    parser.add_argument("--least", type=int, default=5000, help="Cases below which it fails.")
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--seed", type=int, default=20261122)
    asked = parser.parse_args()
    began, total, findings = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        fuzz = Fuzz(stage, examples=asked.examples, number=asked.seed, seconds=asked.seconds)
        for tally in fuzz.run():
            total += tally.cases
            findings += len(tally.findings)
            answers = " ".join(f"{s}:{n}" for s, n in sorted(tally.statuses.items()))
            print(f"{tally.cases:6} {tally.name}  {answers}", flush=True)  # noqa: T201  # a command
            for finding in dict.fromkeys(tally.findings[:5]):
                print(f"  FOUND {finding}", flush=True)  # noqa: T201  # a command
        stage.close()
    took = time.monotonic() - began
    if not fuzz.is_complete:
        print("the time was over before every operation was done")  # noqa: T201  # a command
    print(f"{total} cases, {findings} findings, {took:.0f} s, seed {asked.seed}")  # noqa: T201  # a command
    return 0 if not findings and total >= asked.least and fuzz.is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
