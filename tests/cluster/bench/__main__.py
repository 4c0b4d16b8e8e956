"""What a provision costs the API server and us, and scale: ``make bench-cluster``.

Ratios, all arms in turns, against real API servers of its own on loopback: they hold on a busy
machine, absolute times do not. Takes about five minutes on two cores and at most fifteen: where
the time is not enough for all sandboxes of the larger lab it goes on with fewer, and says so.
Leaves nothing behind.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.cluster.bench import provisions, scale
from tests.cluster.bench.server import server
from tests.cluster.bench.telling import progress, say
from tests.cluster.driver.telling import CannotDoError

FILL_SHARE = 0.6
"""Of the time given: for the sandboxes of the larger lab."""


def main() -> int:
    """Measure and print; return the exit status."""
    options = _parser().parse_args()
    until = time.monotonic() + options.minutes * 60 * FILL_SHARE
    say("load average before", "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()))
    try:
        with tempfile.TemporaryDirectory(prefix="vase-clos-bench-") as name:
            _measure(Path(name), options, until)
    except CannotDoError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    say("load average after", "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()))
    return 0


def _measure(folder: Path, options: argparse.Namespace, until: float) -> None:
    progress("an API server of its own")
    with server(folder / "alone") as alone:
        asyncio.run(provisions.measure(alone, options.rounds))
    progress("two API servers with simulated nodes")
    with ExitStack() as stack:
        few, many = (stack.enter_context(server(folder / each)) for each in ("few", "many"))
        for each, log in ((few, "kwok-few.log"), (many, "kwok-many.log")):
            stack.enter_context(scale.crowd(each, folder / log))
        asyncio.run(scale.fill(few, options.few, until=until))
        made = asyncio.run(scale.fill(many, options.many, until=until))
        if made < options.many:
            say("sandboxes of the larger lab", f"{made}: no time for {options.many}")
        asyncio.run(scale.compare(few, many))
        scale.resync(many)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="provisions of each arm")
    parser.add_argument("--few", type=int, default=100, help="sandboxes, the smaller lab")
    parser.add_argument("--many", type=int, default=3000, help="sandboxes, the larger lab")
    parser.add_argument("--minutes", type=float, default=15, help="at most, in all")
    return parser


if __name__ == "__main__":
    sys.exit(main())
