"""Measures a lab of its own: first and second start, approval to READY, memory.

Run by ``make bench``; prints a table and leaves nothing behind.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.e2e.a_lab import a_lab

_MIB = 1024**2


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="vase-clos-bench-") as name, a_lab(Path(name)) as lab:
        first = lab.seconds
        status = lab.json("status")
        sandbox = lab.json("sandbox", "show", lab.sandbox_id)
        taken = {each["stage"]: each["took_seconds"] for each in sandbox["stages"]}
        running = lab.up().seconds
        began = time.monotonic()
        lab.lab("down")
        down = time.monotonic() - began
        second = lab.up().seconds
        began = time.monotonic()
        purpose = ("--agency", "rft", "--purpose", "Mesure", "--dataset", "demandes-prestations")
        lab.json("request", "file", *purpose, "--wait")
        ready = time.monotonic() - began
    lines = {
        "first start, to the address and a READY sandbox": f"{first:.1f} s",
        "second start": f"{second:.1f} s",
        "'lab up' while it runs": f"{running:.1f} s",
        "stop": f"{down:.1f} s",
        "request filed to READY, the command included": f"{ready:.1f} s",
        "idle memory of all parts (PSS)": f"{status['pss_bytes'] / _MIB:.0f} MiB",
    }
    lines |= {
        f"  {part['name']}": f"{part['pss_bytes'] / _MIB:.0f} MiB" for part in status["parts"]
    }
    lines |= {f"stage {stage}": f"{seconds} s" for stage, seconds in taken.items()}
    for what, figure in lines.items():
        sys.stdout.write(f"{what:<50} {figure}\n")


if __name__ == "__main__":
    main()
