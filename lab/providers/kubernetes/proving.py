"""What a proof on a cluster aims at, and the judgement of what came back. Pure.

The program inside tries and reports; it knows nothing of what should hold. Here the list
is drawn up, and a report counts only if it answers that list: same run, same nonce, every
name, nothing else. What arrived at a witness weighs more than what the sender saw.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lab.domain.containment import Expected, Outcome, ProbeResult
from lab.providers.kubernetes.inside.probes.run import pod_names, wanted_names
from lab.providers.kubernetes.proving_words import SETTLED, SILENT, few

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.providers.kubernetes.inside.probes.aims import Probe

SETTLE_SECONDS = 10.0
"""A network that has not closed itself around a new pod by then is an open one."""
_MOST_MS = 60_000


class ReportError(ValueError):
    """What came is not the report of this run. Never a proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One witness, as it told of itself.

    Attributes:
        control: Where it answers the control plane.
        link: Its IPv6 link-local address; ``gateway`` is that of what routes for it.
        node_addresses: Of the node it runs on.
        tcp: Ports on which it was just heard; so is ``udp``.
    """

    node: str
    control: str = ""
    v4: str = ""
    v6: str = ""
    link: str = ""
    gateway: str = ""
    node_addresses: tuple[str, ...] = ()
    tcp: frozenset[int] = frozenset()
    udp: frozenset[int] = frozenset()

    def place(self) -> dict[str, str]:
        """Return it as the program inside reads it."""
        node4 = next((a for a in self.node_addresses if ":" not in a), "")
        node6 = next((a for a in self.node_addresses if ":" in a), "")
        found = {
            "v4": self.v4,
            "v6": self.v6,
            "link": self.link,
            "gateway": self.gateway,
            "node4": node4,
            "node6": node6,
        }
        return {key: value for key, value in found.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What there is to aim at outside the sandbox.

    Attributes:
        witnesses: One of each node that has one.
        services: Addresses of the lab's own services and of the cluster's, by name, each
            with the ports that must not answer.
        resolvers: Name servers of the cluster.
        internet: Host and port of what stands for the rest of the world.
        others: Gateway ports of other sandboxes, with the gateway's pods to try them on.
    """

    witnesses: tuple[Witness, ...]
    services: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    resolvers: tuple[str, ...] = ()
    internet: tuple[tuple[str, int], ...] = ()
    others: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way that must be open, or one of ours that must not.

    Attributes:
        kind: As the program inside calls it; ``tcp`` where it must be shut.
    """

    name: str
    kind: str
    host: str
    port: int
    path: str = ""
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Planned:
    """One probe, what it must find, and whether a witness can see it arrive."""

    probe: Probe
    expected: Expected = Expected.BLOCKED
    is_watched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the probes: what it was told, so that its answer can be judged."""

    run: str
    nonce: str
    planned: tuple[Planned, ...]
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What the witnesses counted of one nonce, all of them together.

    Attributes:
        names: By probe.
        silent: Connections that said nothing of ours, by where they came from.
    """

    names: Mapping[str, int] = field(default_factory=dict)
    silent: Mapping[str, int] = field(default_factory=dict)


def aims(
    run: Run,
    world: World,
    *,
    report: str = "",
    settle: Sequence[Probe] = (),
    files_too: bool = True,
) -> str:
    """Write what the program inside reads from ``LAB_PROBE``."""
    content = {
        "run": run.run,
        "nonce": run.nonce,
        "report": report,
        "places": {witness.node: witness.place() for witness in world.witnesses},
        "probes": [astuple(item.probe) for item in run.planned],
        "settle": [astuple(probe) for probe in settle],
        "open": [astuple(item.probe) for item in run.planned if item.expected is Expected.OPEN],
        "settle_seconds": SETTLE_SECONDS,
        "files_too": files_too,
    }
    return json.dumps(content, separators=(",", ":"))


def judge(run: Run, report: Mapping[str, Any], arrivals: Arrivals) -> tuple[ProbeResult, ...]:
    """Weigh what the program inside said against what arrived.

    Raises:
        ReportError: It is not the answer to what this run asked.
    """
    _check(run, report)
    by_name = _results(report)
    on_pod = dict.fromkeys(pod_names(), Expected.BLOCKED)
    on_pod |= dict.fromkeys(wanted_names(), Expected.OPEN)
    planned = {item.probe.name: item for item in run.planned}
    lacking = sorted({*on_pod, *planned} - by_name.keys())
    if lacking:
        raise ReportError(f"it does not say what came of {few(lacking)}")
    strange = sorted(by_name.keys() - on_pod.keys() - planned.keys())
    if strange:
        raise ReportError(f"it speaks of what was not asked: {few(strange)}")
    found = [_weigh(by_name[n], planned[n], arrivals.names.get(n, 0)) for n in planned]
    found += [replace(by_name[name], expected=expected) for name, expected in on_pod.items()]
    return (*found, _settled(report), _silent(report, arrivals))


def _check(run: Run, report: Mapping[str, Any]) -> None:
    if report.get("run") != run.run or report.get("nonce") != run.nonce:
        raise ReportError("it is of another run")
    if report.get("end") is not True:
        raise ReportError("the probes did not run to their end")
    if report.get("node") != run.node:
        raise ReportError("the probes ran on another node than they were sent to")


def _results(report: Mapping[str, Any]) -> dict[str, ProbeResult]:
    try:
        found = [_result(item) for item in report["results"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ReportError("it cannot be read") from error
    by_name = {result.name: result for result in found}
    if len(by_name) != len(found):
        raise ReportError("it says the same thing twice")
    return by_name


def _result(item: Mapping[str, Any]) -> ProbeResult:
    return ProbeResult(
        name=str(item["name"]),
        expected=Expected.BLOCKED,
        outcome=Outcome(item["outcome"]),
        detail=str(item["detail"])[:200],
        took_ms=max(0, min(int(item["took_ms"]), _MOST_MS)),
    )


def _weigh(result: ProbeResult, planned: Planned, arrived: int) -> ProbeResult:
    weighed = replace(
        result,
        expected=planned.expected,
        arrivals=arrived if planned.is_watched or arrived else None,
    )
    if arrived and planned.expected is Expected.BLOCKED:
        return replace(weighed, outcome=Outcome.OPEN, detail=f"it arrived; {result.detail}"[:200])
    return weighed


def _settled(report: Mapping[str, Any]) -> ProbeResult:
    """Say how long after its start the pod was still let through."""
    took = report.get("settled_ms")
    is_settled = isinstance(took, int) and 0 <= took <= SETTLE_SECONDS * 2000
    return ProbeResult(
        name=SETTLED,
        expected=Expected.BLOCKED,
        outcome=Outcome.BLOCKED if is_settled else Outcome.OPEN,
        detail=f"closed {took} ms after the pod's start" if is_settled else "never closed",
        took_ms=int(took) if is_settled and isinstance(took, int) else 0,
    )


def _silent(report: Mapping[str, Any], arrivals: Arrivals) -> ProbeResult:
    addresses = report.get("addresses")
    own = {str(text) for text in addresses} if isinstance(addresses, list) else set()
    count = sum(n for source, n in arrivals.silent.items() if source.partition("%")[0] in own)
    return ProbeResult(
        name=SILENT,
        expected=Expected.BLOCKED,
        outcome=Outcome.OPEN if count else Outcome.BLOCKED,
        detail="a witness saw connections that carried no message" if count else "none was seen",
        arrivals=count,
    )
