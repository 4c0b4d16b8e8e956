"""Runs the tests that need a cluster: ``make test-cluster``, and the end of ``make test``.

    python -m tests.cluster.suite [--where-possible] [PYTEST ARGUMENTS]

With ``--where-possible`` a machine that cannot run a cluster is told so in one line, with
the number of tests left out, and that is no failure.
"""

from __future__ import annotations

import subprocess
import sys

from tests.cluster.conftest import can_run, the_plan
from tests.cluster.driver import doctor
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.processes import CHECKOUT
from tests.cluster.driver.telling import CannotDoError, say

PYTEST = (sys.executable, "-m", "pytest", "-n0", "-m", "cluster")
INSTALL = CHECKOUT / "images" / "machine" / "install.sh"


def main(arguments: list[str]) -> int:
    """Run them, or say why not; returns the exit status."""
    where_possible = "--where-possible" in arguments
    rest = [each for each in arguments if each != "--where-possible"]
    wanted = rest if any(not each.startswith("-") for each in rest) else [*rest, "tests/cluster"]
    try:
        why_not = provide()
    except CannotDoError as error:
        why_not = str(error)
    if why_not:
        say(f"cluster: {count(wanted)} tests left out: {why_not}")
        return 0 if where_possible else 1
    return subprocess.run([*PYTEST, *wanted], cwd=CHECKOUT, check=False).returncode


def provide() -> str:
    """Install what can be installed, and start the cluster; why not, where it cannot be."""
    plan = the_plan()
    if not doctor.beyond_help(plan) and not Cluster(plan).is_started:
        installed = subprocess.run([INSTALL, "cluster"], check=False, cwd=CHECKOUT)
        if installed.returncode:
            return "what a cluster needs could not be installed (see above)"
    return can_run(plan)


def count(wanted: list[str]) -> int:
    """How many tests would have run."""
    done = subprocess.run(
        [*PYTEST, "--collect-only", "-q", "--no-header", *wanted],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    return sum("::" in line for line in done.stdout.splitlines())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
