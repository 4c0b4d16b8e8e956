"""The commands: ``python -m tests.cluster up|down|status|...``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.driver import binaries, doctor, outside
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.plan import Plan, PlanError, default_state
from tests.cluster.driver.telling import CannotDoError, say

if TYPE_CHECKING:
    from collections.abc import Callable

Options = argparse.Namespace
LOG_LINES = 40


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status. People never see a traceback."""
    options = parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options, cluster_of(options)) or 0
    except (CannotDoError, PlanError) as error:
        sys.stderr.write(f"cluster: {error}\n")
        return 1
    except BrokenPipeError:  # who reads us has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def cluster_of(options: Options) -> Cluster:
    """The cluster that runs, or the one that the options describe."""
    state = Path(options.state).resolve() if options.state else default_state(options.name)
    kept = Plan.saved(state)
    if kept and Cluster(kept).is_started:
        return Cluster(kept)
    if options.command != "up":
        return Cluster(kept or Plan(name=options.name, state=state))
    return Cluster(
        Plan(
            name=options.name,
            octet=options.octet,
            state=state,
            leaky=options.leaky,
            docker=not options.no_docker,
            outside=tuple(options.outside),
        )
    )


def _up(options: Options, cluster: Cluster) -> None:
    if cluster.plan.leaky != options.leaky:
        asked, is_so = ("leaky", "tight") if options.leaky else ("tight", "leaky")
        change = "open" if options.leaky else "close"
        raise CannotDoError(f"a {is_so} cluster runs: 'hole {change}' makes it {asked}")
    cluster.up()


def _down(options: Options, cluster: Cluster) -> None:
    ran = cluster.is_started
    cluster.down(purge=options.purge)
    say("nothing of the cluster is left" if ran else "no cluster ran; nothing of one is left")
    if cluster.plan.images.exists():
        say(f"its images stay in {cluster.plan.images} for the next start (--purge deletes them)")


def _build(options: Options, _: Cluster) -> None:
    made = binaries.ensure(*options.modules, only=options.only)
    for name, path in [] if options.only else sorted(made.items()):
        say(f"{name:24} {path}")


def _doctor(_: Options, cluster: Cluster) -> int:
    found = doctor.problems(cluster.plan)
    say("\n".join(found) or "a cluster can run on this machine")
    return 1 if found else 0


def _status(_: Options, cluster: Cluster) -> int:
    if not cluster.is_started:
        say("no cluster runs here: 'make cluster' starts one")
        return 1
    plan, failing = cluster.plan, cluster.failing()
    say(f"{plan.name}: {'leaky' if plan.leaky else 'tight'}, state in {plan.state}")
    for part in cluster.parts.all():
        say(f"  {part.name:20} {'runs' if part.alive else 'ended'}  pid {part.pid}")
    is_ready = cluster.nodes_are_ready()
    say("nodes", "ready" if is_ready else "NOT ready")
    if failing:
        say(f"not running: {', '.join(failing)} ('make cluster' starts them again)")
    return 0 if is_ready and not failing else 1


def _logs(options: Options, cluster: Cluster) -> None:
    files = sorted(cluster.parts.logs.glob("*.log"))
    if not options.part:
        say("\n".join(f"{file.stem:20} {file.stat().st_size} bytes" for file in files))
        return
    for file in files:
        if file.stem == options.part:
            lines = file.read_text(errors="replace").splitlines()
            say("\n".join(lines[-options.lines :]))
            return
    raise CannotDoError(f"no log of {options.part!r}; 'logs' alone lists them")


def _kubectl(options: Options, cluster: Cluster) -> None:
    program = binaries.known().get("kubectl")
    if program is None or not cluster.is_started:
        raise CannotDoError("no cluster runs here: 'make cluster' starts one")
    os.execv(program, [str(program), f"--kubeconfig={cluster.plan.kubeconfig}", *options.rest])


def _outside(options: Options, cluster: Cluster) -> None:
    if not cluster.is_started:
        raise CannotDoError("no cluster runs here: 'make cluster' starts one")
    say(json.dumps(outside.ask(cluster.plan, "reset" if options.reset else "show"), indent=1))


def _node(options: Options, cluster: Cluster) -> None:
    node = cluster.a_node(options.node)
    nodes = cluster.nodes()
    {"stop": nodes.fail, "start": nodes.recover}[options.action](node)


def _part(options: Options, cluster: Cluster) -> None:
    cluster.act_on(options.part, options.action)


def _hole(options: Options, cluster: Cluster) -> None:
    cluster.a_node("node1")
    cluster.set_leaky(leaky=options.action == "open")


def _forward(options: Options, cluster: Cluster) -> None:
    cluster.forward(options.port, options.target)
    if options.target:
        say(f"http://127.0.0.1:{options.port}/ leads to {options.target}")


COMMANDS: dict[str, Callable[[Options, Cluster], int | None]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "doctor": _doctor,
    "build": _build,
    "logs": _logs,
    "kubectl": _kubectl,
    "outside": _outside,
    "node": _node,
    "part": _part,
    "hole": _hole,
    "forward": _forward,
}


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="python -m tests.cluster")
    top.add_argument("--name", default="lab", help="of the cluster; two can stand side by side")
    top.add_argument("--state", default="", help="folder of its files, if not the usual one")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start what does not run; compiles what is missing")
    up.add_argument("--octet", type=int, default=98, help="addresses are 10.OCTET.0.0/16")
    up.add_argument("--leaky", action="store_true", help="leave a hole over IPv6 link-local")
    up.add_argument("--no-docker", action="store_true", help="no daemon that builds images")
    up.add_argument("--outside", action="append", default=[], help="one more address outside")
    down = commands.add_parser("down", help="end it and leave nothing")
    down.add_argument("--purge", action="store_true", help="delete its images too")
    commands.add_parser("status", help="what runs and what does not")
    commands.add_parser("doctor", help="what this machine lacks; changes nothing")
    build = commands.add_parser("build", help="compile what is missing, print where it is")
    build.add_argument("modules", nargs="*", help="beyond the needed ones: minio, kwok")
    build.add_argument(
        "--only", action="store_true", help="these alone; says nothing where they are there"
    )
    logs = commands.add_parser("logs", help="the end of a part's log; alone, which there are")
    logs.add_argument("part", nargs="?", default="")
    logs.add_argument("--lines", type=int, default=LOG_LINES)
    commands.add_parser("kubectl", help="kubectl as the administrator").add_argument(
        "rest", nargs=argparse.REMAINDER
    )
    show = commands.add_parser("outside", help="what arrived outside, as JSON")
    show.add_argument("--reset", action="store_true", help="and begin again at nothing")
    node = commands.add_parser("node", help="make a node disappear, bring it back")
    node.add_argument("action", choices=("stop", "start"))
    node.add_argument("node")
    part = commands.add_parser("part", help="stop, kill, start, pause, resume one part")
    part.add_argument("action", choices=("stop", "kill", "start", "pause", "resume"))
    part.add_argument("part")
    hole = commands.add_parser("hole", help="open or close the hole over IPv6 link-local")
    hole.add_argument("action", choices=("open", "close"))
    forward = commands.add_parser("forward", help="let a port here lead to a service")
    forward.add_argument("port", type=int)
    forward.add_argument("target", nargs="?", default="", help="NAMESPACE/SERVICE:PORT; none: end")
    return top
