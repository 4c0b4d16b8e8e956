"""``python -m tests.cluster.kwok start|pods|stop``: 200 nodes and thousands of pods."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.plan import Plan, default_state
from tests.cluster.driver.telling import CannotDoError, say
from tests.cluster.kwok.crowd import Crowd


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.kwok")
    parser.add_argument("--name", default="lab")
    parser.add_argument("--state", default="")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start").add_argument("--nodes", type=int, default=200)
    pods = commands.add_parser("pods")
    pods.add_argument("count", type=int)
    pods.add_argument("--namespace", default="simulated")
    commands.add_parser("stop")
    options = parser.parse_args(arguments)
    state = Path(options.state).resolve() if options.state else default_state(options.name)
    plan = Plan.saved(state) or Plan(name=options.name, state=state)
    try:
        crowd = Crowd(Cluster(plan))
        if options.command == "start":
            crowd.start(options.nodes)
            say(f"{crowd.ready()} simulated nodes ready")
        elif options.command == "pods":
            took = crowd.pods(options.count, namespace=options.namespace)
            say(f"{options.count} simulated pods run in {options.namespace}, after {took:.0f} s")
        else:
            crowd.stop()
            say("no simulated node is left")
    except CannotDoError as error:
        sys.stderr.write(f"kwok: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
