from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.egress import Door
from lab.domain.ids import SandboxId
from lab.providers.kubernetes import proving_hash
from lab.providers.kubernetes.containment_world import ways
from lab.providers.kubernetes.inside.probes.aims import Aims
from lab.providers.kubernetes.inside.probes.network import KINDS
from lab.providers.kubernetes.inside.probes.run import pod_names, wanted_names
from lab.providers.kubernetes.proving import Arrivals, ReportError, aims, judge
from lab.providers.kubernetes.proving_plan import decoy, plan, settle
from lab.providers.kubernetes.proving_words import SETTLED, SILENT, failures
from tests.providers.kubernetes_proof.samples import GRANT, a_run, changed, report, world

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = Arrivals()
ITEM = {"name": "token", "outcome": "blocked", "detail": "", "took_ms": 1}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def proof(results: Sequence[ProbeResult]) -> Proof:
    return Proof(
        sandbox_id=SandboxId("sb-b200000001"),
        spec_hash="a.b",
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=9),
        results=tuple(results),
    )


# The list of probes


def test_two_nodes_are_tried_by_eighty_probes_that_are_seen_at_both_ends() -> None:
    planned = plan(world(), ways(GRANT, frozenset(Door)))
    assert sum(item.is_watched for item in planned) >= 80
    names = [item.probe.name for item in planned]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]{1,64}", name) for name in names)
    assert {item.probe.kind for item in planned} <= KINDS
    assert {n for n in names if n in {*pod_names(), *wanted_names()}} == set()


@pytest.mark.parametrize(
    "part",
    [
        *("tcp4-pod-same-8888", "tcp6-pod-other-9000", "udp4-pod-other-53", "udp6-pod-same-443"),
        *("ping4-pod-same", "ping6-pod-other", "sctp4-pod-same", "tcp6-link-pod-8888"),
        *("udp6-link-pod-53", "udp-all-nodes6-8888", "udp-all-nodes4-53", "udp-broadcast-53"),
        *("tcp6-link-node-kubelet", "tcp6-link-node-kubernetes-api", "udp6-link-node-53"),
        *("tcp6-link-own-gateway-kubelet", "tcp4-node-same-kubelet", "tcp6-node-other-kubelet"),
        *("tcp4-node-other-kubernetes-api", "udp4-node-same-53", "ping4-node-same"),
        *("tcp4-kubernetes-api-1", "tcp4-lab-api-1", "tcp4-lab-tracking-1"),
        *("tcp4-other-door-1", "dns-udp-1", "dns-tcp-1", "dns-own", "look-up-outside"),
        *("tcp4-metadata-1", "tcp6-metadata-5", "udp4-metadata-time", "dns-metadata6"),
        *("tcp4-internet-1", "tcp6-internet-2", "dns-internet-udp-1", "udp6-internet-2-443"),
        *("ping4-internet-1", "socket-raw4", "socket-packet", "door-report", "door-hub"),
    ],
)
def test_the_list_holds(part: str) -> None:
    assert part in {item.probe.name for item in plan(world(), ways(GRANT, frozenset(Door)))}


def test_one_node_alone_is_asked_nothing_of_another() -> None:
    names = {item.probe.name for item in plan(world(nodes=1), ())}
    assert not any("other" in name and "door" not in name for name in names)


def test_a_cluster_without_version_6_is_asked_nothing_of_its_pods_over_it() -> None:
    planned = plan(world(has_version_6=False), ())
    assert not any("6-pod" in item.probe.name for item in planned)
    assert [probe.name for probe in settle(world(has_version_6=False))] == ["settle4"]


def test_a_port_that_one_witness_does_not_hear_is_not_tried() -> None:
    around = world()
    deaf = replace(around.witnesses[1], tcp=frozenset({8888}))
    names = {
        p.probe.name for p in plan(replace(around, witnesses=(around.witnesses[0], deaf)), ())
    }
    assert "tcp4-pod-same-8888" in names
    assert "tcp4-pod-same-9000" not in names


def test_doors_that_the_profile_keeps_shut_must_not_answer() -> None:
    by_name = {way.name: way for way in ways(GRANT, frozenset({Door.HUB, Door.STORAGE}))}
    assert by_name["door-storage"].is_open
    assert by_name["door-report"].is_open
    assert by_name["door-hub"].is_open
    shut = by_name["door-tracking"]
    assert (shut.is_open, shut.kind, shut.host, shut.port) == (False, "tcp", "10.96.0.9", 5000)
    wall = by_name["wall"]
    assert (wall.is_open, wall.kind, wall.host, wall.port) == (False, "tcp", "10.96.0.9", 9002)


def test_what_is_written_for_the_program_inside_is_what_it_reads() -> None:
    around, run = world(), a_run()
    url = "http://temoin.lab:9001/report/x"
    text = aims(run, around, report=url, settle=settle(around))
    read = Aims.read(text, "node1")
    assert (read.run, read.nonce, read.report) == (run.run, run.nonce, url)
    assert read.probes == tuple(item.probe for item in run.planned)
    assert [probe.name for probe in read.settle] == ["settle4", "settle6"]
    assert {probe.name for probe in read.open} == {
        *("door-report", "door-storage", "door-tracking", "door-hub")
    }
    assert read.resolve("@same.v4") == "10.244.1.5"
    assert read.resolve("@other.node4") == "192.0.2.2"
    assert len(text) < 60_000  # one variable of an environment holds 128 KiB


def test_decoys_try_pods_alone() -> None:
    names = {item.probe.name for item in decoy(world())}
    assert names == {
        f"{kind}{family}-pod-{where}-8888"
        for kind in ("tcp", "udp")
        for family in "46"
        for where in ("same", "other")
    }


# The judgement


def test_a_good_report_is_a_proof_that_holds() -> None:
    run = a_run()
    results = judge(run, report(run), NOTHING)
    assert proof(results).holds
    watched = [r for r in results if r.arrivals is not None]
    assert len(watched) > 80
    assert failures(proof(results)) == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"run": "another"}, "another run"),
        ({"nonce": "b" * 32}, "another run"),
        ({"nonce": None}, "another run"),
        ({"end": False}, "to their end"),
        ({"node": "node9"}, "on another node"),
        ({"node": ["node1"]}, "on another node"),
        ({"results": None}, "cannot be read"),
        ({"results": [{"name": "a"}]}, "cannot be read"),
        ({"results": ["tcp4"]}, "cannot be read"),
        ({"results": [{**ITEM, "took_ms": float("inf")}]}, "cannot be read"),
        ({"results": [{**ITEM, "outcome": ["open"]}]}, "cannot be read"),
        ({"results": []}, "does not say what came of"),
    ],
)
def test_what_is_not_this_runs_report_is_no_proof(changes: dict[str, Any], why: str) -> None:
    run = a_run()
    with pytest.raises(ReportError, match=why):
        judge(run, report(run, **changes), NOTHING)


def test_a_report_that_leaves_a_probe_out_is_no_proof() -> None:
    run = a_run()
    said = report(run)
    for name in ("tcp6-link-node-kubelet", "token", "tmp-write"):
        short = said | {"results": [r for r in said["results"] if r["name"] != name]}
        with pytest.raises(ReportError, match=f"does not say what came of {name}"):
            judge(run, short, NOTHING)


def test_a_report_that_says_more_or_says_it_twice_is_no_proof() -> None:
    run = a_run()
    said = report(run)
    strange = {"name": "mine", "outcome": "blocked", "detail": "", "took_ms": 1}
    with pytest.raises(ReportError, match="was not asked: mine"):
        judge(run, said | {"results": [*said["results"], strange]}, NOTHING)
    with pytest.raises(ReportError, match="twice"):
        judge(run, said | {"results": [*said["results"], said["results"][0]]}, NOTHING)


def test_an_outcome_that_nobody_knows_is_no_proof() -> None:
    run = a_run()
    with pytest.raises(ReportError, match="cannot be read"):
        judge(run, changed(report(run), "token", outcome="fine"), NOTHING)


def test_what_arrived_weighs_more_than_what_the_sender_saw() -> None:
    run = a_run()
    results = judge(run, report(run), Arrivals(names={"udp4-pod-other-53": 1}))
    found = next(r for r in results if r.name == "udp4-pod-other-53")
    assert (found.outcome, found.arrivals) == (Outcome.OPEN, 1)
    assert not proof(results).holds
    assert failures(proof(results)) == "other sandboxes: udp4-pod-other-53 (open, arrived)"


def test_arrivals_of_others_and_of_the_time_before_the_walls_stood_count_for_nothing() -> None:
    run = a_run()
    arrivals = Arrivals(names={"settle4": 3, "never-asked": 1}, silent={"10.244.1.99": 4})
    assert proof(judge(run, report(run), arrivals)).holds


def test_a_connection_from_the_probe_that_carried_nothing_is_a_hole() -> None:
    run = a_run()
    results = judge(run, report(run), Arrivals(silent={"fe80::7%eth0": 2}))
    found = next(r for r in results if r.name == SILENT)
    assert (found.outcome, found.arrivals) == (Outcome.OPEN, 2)
    assert not proof(results).holds


@pytest.mark.parametrize("settled_ms", [-1, None, "0", 10**6])
def test_walls_that_never_closed_around_the_pod_do_not_hold(settled_ms: object) -> None:
    run = a_run()
    results = judge(run, report(run, settled_ms=settled_ms), NOTHING)
    assert [r.name for r in results if not r.holds] == [SETTLED]


@pytest.mark.parametrize("outcome", ["open", "unknown"])
def test_what_is_open_or_could_not_be_tried_does_not_hold(outcome: str) -> None:
    run = a_run()
    for name in ("tcp4-metadata-1", "token", "capabilities-eff"):
        results = judge(run, changed(report(run), name, outcome=outcome), NOTHING)
        assert [r.name for r in results if not r.holds] == [name]


@pytest.mark.parametrize("outcome", ["blocked", "unknown"])
def test_a_door_that_must_open_and_does_not_is_said_so(outcome: str) -> None:
    run = a_run()
    results = judge(
        run, changed(report(run), "door-storage", outcome=outcome, detail="no answer"), NOTHING
    )
    assert failures(proof(results)) == "own doors: door-storage (must work: no answer)"


def test_words_and_numbers_of_a_report_are_cut_to_size() -> None:
    run = a_run()
    said = changed(report(run), "token", detail="x" * 9999, took_ms=10**12)
    found = next(r for r in judge(run, said, NOTHING) if r.name == "token")
    assert (len(found.detail), found.took_ms) == (200, 60_000)


def test_a_leaky_cluster_is_named_by_its_hole_before_its_probes() -> None:
    run = a_run()
    said = report(run)
    names = [i.probe.name for i in run.planned if "link" in i.probe.name]
    for name in names:
        said = changed(said, name, outcome="open")
    told = failures(proof(judge(run, said, Arrivals(names={"udp-all-nodes6-53": 2}))))
    assert told.startswith("IPv6 link-local: tcp6-link-pod-80 (open), ")
    assert told.endswith("more")
    assert "udp-all" in json.dumps(told) or "and" in told


@pytest.mark.parametrize(
    ("name", "hole"),
    [
        ("tcp6-link-node-kubelet", "IPv6 link-local"),
        ("udp-all-nodes6-53", "IPv6 link-local"),
        ("udp-broadcast-53", "multicast"),
        ("tcp4-metadata-1", "metadata address"),
        ("tcp4-node-same-kubelet", "node"),
        ("tcp4-kubernetes-api-1", "Kubernetes API"),
        ("dns-udp-1", "name resolution"),
        ("tcp6-internet-2", "internet"),
        ("tcp4-pod-other-8888", "other sandboxes"),
        ("tcp4-other-door-1", "doors of other sandboxes"),
        ("door-tracking", "own doors"),
        ("tcp4-lab-database-1", "services of the lab"),
        ("capabilities-eff", "the pod itself"),
    ],
)
def test_each_hole_has_an_operators_word(name: str, hole: str) -> None:
    failed = ProbeResult(name, Expected.BLOCKED, Outcome.OPEN)
    assert failures(proof([failed])) == f"{hole}: {name} (open)"


# What a proof is of


def node(name: str = "node1", uid: str = "u1", **annotations: str) -> dict[str, Any]:
    status = {"nodeInfo": {"kernelVersion": "6.1", "containerRuntimeVersion": "containerd://1.6"}}
    return {
        "metadata": {"name": name, "uid": uid, "annotations": annotations},
        "status": status | {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def around(*nodes: dict[str, Any]) -> str:
    return proving_hash.digest(proving_hash.around(nodes))


def test_nodes_and_their_network_make_another_proof_due_and_their_pulse_does_not() -> None:
    base = around(node(), node("node2", "u2"))
    assert around(node("node2", "u2"), node()) == base
    beating = node() | {"status": {**node()["status"], "conditions": []}}
    assert around(beating, node("node2", "u2")) == base
    assert around(node()) != base
    assert around(node(), node("node2", "another")) != base
    assert around(node(**{"projectcalico.org/IPv4Address": "x"}), node("node2", "u2")) != base
    newer = node()
    newer["status"] = {"nodeInfo": {"kernelVersion": "6.2"}}
    assert around(newer, node("node2", "u2")) != base


def test_the_two_halves_are_told_apart() -> None:
    text = proving_hash.spec_hash("aa", "bb")
    assert (proving_hash.walls_of(text), proving_hash.around_of(text)) == ("aa", "bb")
    assert proving_hash.around_of("an-older-proof") == ""
