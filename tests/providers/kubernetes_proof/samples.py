"""A small world, a run in it, and the report that a good pod would write."""

from __future__ import annotations

from typing import Any

from lab.domain.egress import Door
from lab.providers.kubernetes.containment_runs import new_run
from lab.providers.kubernetes.containment_world import ways
from lab.providers.kubernetes.inside.probes.run import pod_names, wanted_names
from lab.providers.kubernetes.proving import Run, Witness, World
from lab.providers.kubernetes.proving_plan import plan

PORTS = frozenset({22, 53, 80, 443, 5000, 8081, 8888, 9000, 9001, 20000})
NONCE = "a" * 32
GRANT: dict[str, Any] = {
    "sandbox_id": "sb-b200000001",
    "doors": ["storage", "tracking"],
    "ports": {"storage": 20000, "tracking": 20001, "report": 20002},
    "address": "10.96.0.9",
    "hub_address": "10.96.0.8",
}


def witness(number: int, *, has_version_6: bool = True) -> Witness:
    return Witness(
        node=f"node{number}",
        control=f"10.244.{number}.5",
        v4=f"10.244.{number}.5",
        v6=f"fd44::{number}:5" if has_version_6 else "",
        link=f"fe80::{number}:5" if has_version_6 else "",
        gateway=f"fe80::{number}:1" if has_version_6 else "",
        node_addresses=(f"192.0.2.{number}", f"2001:db8::{number}"),
        tcp=PORTS,
        udp=PORTS,
    )


def world(*, nodes: int = 2, has_version_6: bool = True) -> World:
    return World(
        witnesses=tuple(witness(n, has_version_6=has_version_6) for n in range(1, nodes + 1)),
        services={
            "api": [("10.96.0.3", 8001)],
            "tracking": [("10.96.0.4", 5000)],
            "kubernetes-api": [("10.96.0.1", 443)],
        },
        resolvers=("10.96.0.10",),
        internet=(("192.0.2.10", 80), ("2001:db8::10", 80)),
        others=(("10.244.1.9", 20003), ("10.96.0.19", 9000)),
    )


def a_run(around: World | None = None) -> Run:
    around = around or world()
    return new_run(plan(around, ways(GRANT, frozenset(Door))), "node1", NONCE)


def report(of: Run, /, **changes: Any) -> dict[str, Any]:
    """All that must be blocked was, all that must work did."""
    outcomes = {item.probe.name: item.expected.value for item in of.planned}
    outcomes |= dict.fromkeys(pod_names(), "blocked") | dict.fromkeys(wanted_names(), "open")
    results = [
        {"name": name, "outcome": outcome, "detail": "", "took_ms": 3}
        for name, outcome in outcomes.items()
    ]
    found = {
        "run": of.run,
        "nonce": of.nonce,
        "node": "node1",
        "addresses": ["10.244.1.7", "fe80::7"],
        "settled_ms": 0,
        "opened_ms": 10,
        "took_ms": 4000,
        "results": results,
        "end": True,
    }
    return found | changes


def changed(found: dict[str, Any], name: str, **changes: Any) -> dict[str, Any]:
    results = [r | changes if r["name"] == name else r for r in found["results"]]
    return found | {"results": results}
