"""Runs the tests that need a cluster: ``make test-cluster``, and the end of ``make test``.

    python -m tests.cluster.suite [--where-possible] [--minutes N] [PYTEST ARGUMENTS]

It starts a cluster where none runs (and ends the one it started), builds and pushes the images
that changed, then runs the files of tests, those that do not touch each other two at a time:
most of what they do is wait. The file of faults, which waits for minutes while parts are away,
is named and left out unless it is asked for: ``make test-faults``. With ``--where-possible`` a
machine that cannot run a cluster is told so in one line, with the number of tests left out, and
that is no failure; nor are files that the time given was not enough for, which are named and
counted.
A file that failed is run once more at the end, alone: what fails twice has failed, and what
passed the second time only is named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.cluster import release
from tests.cluster.conftest import READY, can_run, the_plan
from tests.cluster.driver import doctor
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.processes import CHECKOUT
from tests.cluster.driver.telling import CannotDoError, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PYTEST = (sys.executable, "-m", "pytest", "-n0", "-m", "cluster")
INSTALL = CHECKOUT / "images" / "machine" / "install.sh"
MAIN, CHART = "tests/cluster/test_main_job.py", "tests/cluster/chart"
FAULTS, RELEASE = "tests/cluster/test_faults.py", "tests/cluster/test_release.py"
HUB, UPDOWN = "tests/cluster/test_hub.py", "tests/cluster/test_updown.py"
DOSSIER = "tests/cluster/test_dossier.py"
Lanes = tuple[tuple[str, ...], ...]
PHASES: tuple[Lanes, ...] = (
    (
        (MAIN, "tests/cluster/test_containment.py"),
        (
            "tests/cluster/test_leader.py",
            "tests/cluster/test_provider.py",
            CHART,
            HUB,
            DOSSIER,
            "tests/cluster/test_images.py",
        ),
    ),
    # The release's story takes the lab away; the other one has a cluster of its own.
    ((RELEASE,), (UPDOWN,)),
)
"""One phase after the other; in a phase, its lanes at the same time.

Only the first lane opens the nodes' holes or needs them closed, and only it installs a lab. What
matters most comes first: where time is short, the last are left out.
"""
AFTER = {CHART: MAIN, HUB: MAIN, DOSSIER: MAIN}
"""These use the lab, or what all labs of a cluster share, which must be there by then."""
WITHOUT = {"tests/cluster/test_driver.py", FAULTS}
"""The first needs no cluster; the other waits for minutes."""
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
    if FAULTS not in rest:
        say(f"cluster: {count([FAULTS])} tests left out, {FAULTS}: 'make test-faults' runs them")
    try:
        return _run(
            rest,
            until=began + options.minutes * 60 if options.minutes else None,
        )
    finally:
        if is_ours:
            Cluster(the_plan()).down()


def _run(rest: Sequence[str], *, until: float | None) -> int:
    chosen = [each for each in rest if not each.startswith("-") and each.startswith("tests/")]
    flags = tuple(each for each in rest if each not in chosen)
    began = time.monotonic()
    runs = Runs(flags, until, {READY: "1"})
    for phase in _alone(chosen) if chosen else phases():
        runs.phase(phase)
    failed, left = runs.failed, runs.left
    say(f"cluster: all files once in {(time.monotonic() - began) / 60:.1f} minutes")
    if failed and len(failed) <= MOST_AGAIN:
        say(f"cluster: again: {', '.join(failed)}")
        again = Runs(flags, until)
        for phase in _alone(failed):
            again.phase(phase)
        if passed := [file for file in failed if file not in again.failed + again.left]:
            say(f"cluster: passed only the second time: {', '.join(passed)}")
        failed = again.failed + again.left
    if left:
        say(f"cluster: {count(left)} tests left out, there was no time: {', '.join(left)}")
    if failed:
        say(f"cluster: failed: {', '.join(failed)}")
    return 1 if failed else 0


@dataclass
class Runs:
    """Files that are run, and what became of them.

    Attributes:
        flags: For pytest.
        until: When all must end, on the monotonic clock.
        told: More of the environment.
        failed: Files; so are ``left``, for which there was no time.
    """

    flags: tuple[str, ...]
    until: float | None
    told: Mapping[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def phase(self, lanes: Lanes) -> None:
        """Run every lane; return when all have ended."""
        ended = {file: threading.Event() for lane in lanes for file in lane}
        with ThreadPoolExecutor(len(lanes)) as pool:
            for running in [pool.submit(self._lane, lane, ended, len(lanes)) for lane in lanes]:
                running.result()

    def _lane(
        self, files: Sequence[str], ended: Mapping[str, threading.Event], lanes: int
    ) -> None:
        try:
            for file in files:
                first = ended.get(AFTER.get(file, ""))
                if first is not None:
                    first.wait()
                self._one(file, is_alone=lanes == 1)
                ended[file].set()
        finally:
            for file in files:  # whatever broke: nobody waits for ever
                ended[file].set()

    def _one(self, file: str, *, is_alone: bool) -> None:
        """Run one file. Beside others, what it says is shown once it has ended."""
        seconds = None if self.until is None else self.until - time.monotonic()
        if seconds is not None and seconds <= 0:
            self.left.append(file)
            return
        began = time.monotonic()
        say(f"cluster: {file} begins")
        try:
            done = subprocess.run(
                [*PYTEST, *self.flags, file],
                cwd=CHECKOUT,
                check=False,
                timeout=seconds,
                env=os.environ | self.told,
                stdout=None if is_alone else subprocess.PIPE,
                stderr=None if is_alone else subprocess.STDOUT,
                text=True,
            )
        except subprocess.TimeoutExpired:
            self.left.append(file)
            return
        took = f"{time.monotonic() - began:.0f} s"
        say("\n".join(word for word in (done.stdout, f"cluster: {file} took {took}") if word))
        if done.returncode not in {0, NO_TESTS}:
            self.failed.append(file)


def phases() -> tuple[Lanes, ...]:
    """Return what is run: what is named here, with what is new, each alone, before the last."""
    known = {file for lanes in PHASES for lane in lanes for file in lane}
    found = {str(f.relative_to(CHECKOUT)) for f in CHECKOUT.glob("tests/cluster/test_*.py")}
    *first, last = PHASES
    return (*first, *_alone(sorted(found - known - WITHOUT)), last)


def everything() -> list[str]:
    """Return every file that may hold such tests."""
    return [file for lanes in phases() for lane in lanes for file in lane]


def _alone(files: Sequence[str]) -> tuple[Lanes, ...]:
    return tuple(((file,),) for file in files)


def provide() -> tuple[str, bool]:
    """Install what can be installed, start the cluster.

    Returns:
        Why not, where it cannot be; and whether it was started here.
    """
    plan = the_plan()
    if Cluster(plan).is_started:
        Cluster(plan).up()
        if plan.leaky:  # a run that was killed may have left it so
            Cluster(plan).set_leaky(leaky=False)
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
