"""Runs the tests that need a cluster: ``make test-cluster``, and the end of ``make test``.

    python -m tests.cluster.suite [--where-possible] [--minutes N] [PYTEST ARGUMENTS]

It starts a cluster where none runs (and ends the one it started), builds and pushes the images
that changed, then runs one file of tests after another. With ``--where-possible`` a machine
that cannot run a cluster is told so in one line, with the number of tests left out, and that is
no failure; nor are files that the time given was not enough for, which are named and counted.
Then the file of faults, which waits for minutes, is left out too, and named.
A file that failed is run once more at the end: what fails twice has failed, and what passed the
second time only is named.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.cluster import release
from tests.cluster.conftest import can_run, the_plan
from tests.cluster.driver import doctor
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.processes import CHECKOUT
from tests.cluster.driver.telling import CannotDoError, say

if TYPE_CHECKING:
    from collections.abc import Sequence

PYTEST = (sys.executable, "-m", "pytest", "-n0", "-m", "cluster")
INSTALL = CHECKOUT / "images" / "machine" / "install.sh"
FILES = (
    "tests/cluster/test_provider.py",
    "tests/cluster/test_main_job.py",
    "tests/cluster/test_containment.py",
    "tests/cluster/test_hub.py",
    "tests/cluster/test_leader.py",
    "tests/cluster/chart",
    "tests/cluster/test_images.py",
    "tests/cluster/test_release.py",
    "tests/cluster/test_updown.py",
)
"""What matters most first: where time is short, the last are left out."""
FAULTS = "tests/cluster/test_faults.py"
"""Waits for minutes while parts are away: ``make test`` names it and leaves it out."""
MOST_AGAIN = 4
"""More than that is no accident."""
NO_TESTS = 5  # pytest's word for nothing collected


def main(arguments: Sequence[str]) -> int:
    """Run them, or say why not; returns the exit status."""
    options, rest = _parser().parse_known_args(arguments)
    began = time.monotonic()
    why_not, is_ours = "", False
    try:
        why_not, is_ours = provide()
        if not why_not:
            release.push_images(Cluster(the_plan()))
    except CannotDoError as error:
        say(f"cluster: {error}")
        return 1
    if why_not:
        say(f"cluster: {count(everything())} tests left out: {why_not}")
        return 0 if options.where_possible else 1
    if options.where_possible:
        say(f"cluster: {count([FAULTS])} tests left out, {FAULTS}: 'make test-cluster' runs them")
        rest = [*rest, *(file for file in everything() if file != FAULTS)]
    try:
        return _run(rest, until=began + options.minutes * 60 if options.minutes else None)
    finally:
        if is_ours:
            Cluster(the_plan()).down()


def _run(rest: Sequence[str], *, until: float | None) -> int:
    chosen = [each for each in rest if not each.startswith("-") and each.startswith("tests/")]
    flags = [each for each in rest if each not in chosen]
    began = time.monotonic()
    failed, left = _each(chosen or everything(), flags, until)
    say(f"cluster: all files once in {(time.monotonic() - began) / 60:.1f} minutes")
    if failed and len(failed) <= MOST_AGAIN:
        say(f"cluster: again: {', '.join(failed)}")
        first = failed
        failed, late = _each(first, flags, until)
        failed += late
        if passed := [file for file in first if file not in failed]:
            say(f"cluster: passed only the second time: {', '.join(passed)}")
    if left:
        say(f"cluster: {count(left)} tests left out, there was no time: {', '.join(left)}")
    if failed:
        say(f"cluster: failed: {', '.join(failed)}")
    return 1 if failed else 0


def _each(
    files: Sequence[str], flags: Sequence[str], until: float | None
) -> tuple[list[str], list[str]]:
    """Run one file after another; return those that failed, and those there was no time for."""
    failed, left = [], []
    for file in files:
        seconds = None if until is None else until - time.monotonic()
        if seconds is not None and seconds <= 0:
            left.append(file)
            continue
        try:
            done = subprocess.run(
                [*PYTEST, *flags, file], cwd=CHECKOUT, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            left.append(file)
            continue
        if done.returncode not in {0, NO_TESTS}:
            failed.append(file)
    return failed, left


def everything() -> list[str]:
    """Return every file that may hold such tests: those named here, then what is new."""
    found = [str(each.relative_to(CHECKOUT)) for each in CHECKOUT.glob("tests/cluster/test_*.py")]
    # The release's story takes the lab away: what needs one comes before.
    first, last = FILES[:6], FILES[6:]
    return [*first, *sorted(set(found) - set(FILES)), *last]


def provide() -> tuple[str, bool]:
    """Install what can be installed, start the cluster.

    Returns:
        Why not, where it cannot be; and whether it was started here.
    """
    plan = the_plan()
    if Cluster(plan).is_started:
        Cluster(plan).up()
        return "", False
    if not doctor.beyond_help(plan):
        installed = subprocess.run([INSTALL, "cluster"], check=False, cwd=CHECKOUT)
        if installed.returncode:
            return "what a cluster needs could not be installed (see above)", False
    why_not = can_run(plan)
    if why_not:
        return why_not, False
    Cluster(plan).up()
    return "", True


def count(wanted: Sequence[str]) -> int:
    """How many tests would have run."""
    done = subprocess.run(
        [*PYTEST, "--collect-only", "-q", "--no-header", *wanted],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    return sum("::" in line for line in done.stdout.splitlines())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.suite", description=__doc__)
    parser.add_argument("--where-possible", action="store_true")
    parser.add_argument("--minutes", type=float, default=0, help="no limit where 0")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
