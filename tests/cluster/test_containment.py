"""The proof of a sandbox's walls on a real cluster, seen from both ends."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lab.domain.containment import Expected, Outcome
from lab.domain.egress import Door
from lab.domain.errors import TerminalProviderError
from lab.domain.ids import SandboxId
from lab.domain.proofs import is_genuine
from lab.domain.sandbox import Seen
from lab.providers.kubernetes.client import Applied, Client
from lab.providers.kubernetes.containment import ContainmentProvider
from lab.providers.kubernetes.containment_canary import Canary
from lab.providers.kubernetes.containment_runs import Probes
from lab.providers.kubernetes.containment_world import Lookout
from lab.providers.kubernetes.enforcement import Enforcement
from lab.providers.kubernetes.enforcement_verdict import Verdict
from lab.providers.kubernetes.isolation import NamespaceProvider
from lab.providers.kubernetes.proving import judge
from lab.providers.kubernetes.resources import NAMESPACE, NETWORK_POLICY
from lab.providers.kubernetes.session import Session
from tests.cluster.driver import outside
from tests.cluster.driver.telling import say
from tests.cluster.proof_bench import Bench, LogReports, MemoryGrants, MemoryProofs, images
from tests.conftest import make_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from lab.domain.containment import ProbeResult, Proof
    from lab.domain.sandbox import Observation, Sandbox
    from lab.providers.kubernetes.resources import Resource
    from tests.cluster.driver.cluster import Cluster

LAB = "dev-proof-lab"
FIRST, SECOND, OPEN = "sb-b200000001", "sb-b200000002", "sb-b200000003"
KEY = b"a-key-of-this-test"
# Nothing listens there, or the kernel gives nobody the means: neither is a wall of ours.
NOBODY_THERE = (
    "all-routers6",
    "udp6-link-node",
    "udp6-link-own",
    "ssh",
    "etcd",
    "kubelet-read",
    "udp4-node",
    "udp6-node",
    "mdns",
    "look-up",
    "dns-own",
)
NO_MEANS = ("ping", "sctp", "socket-")
OF_ONE_NODE = ("kubernetes-api", "controllers", "scheduler")
"""Only one of the two nodes holds the control plane: ours, or the other."""
OPEN_RUNS = 3
"""A datagram may be lost on a busy machine; what never gets out in three runs is shut."""
UNROUTED = ("metadata-2", "metadata-3", "metadata-4")


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(scope="module")
def bench(cluster: Cluster) -> Iterator[Bench]:
    found = images()
    if found is None:
        pytest.skip("no images of the lab and of the probe: run 'lab images build' and 'push'")
    bench = Bench(plan=cluster.plan, namespace=LAB, images=found)

    async def act(what: str) -> None:
        async with bench.connected():
            await (bench.raise_lab() if what == "up" else bench.down())

    asyncio.run(act("up"))
    yield bench
    asyncio.run(act("down"))


@asynccontextmanager
async def providers(
    bench: Bench,
) -> AsyncIterator[tuple[NamespaceProvider, ContainmentProvider, MemoryProofs]]:
    witnesses, _ = await bench.witnesses()
    session = Session(client=Client(bench.plan.kubeconfig), lab=bench.lab)
    grants, proofs = MemoryGrants(), MemoryProofs()
    canary = Canary(
        session=session,
        witnesses=witnesses,
        lookout=Lookout(client=session.client, grants=grants, around=await bench.around()),
        reports=LogReports(bench),
        probes=Probes(lab=LAB, image=bench.images.probe),
    )
    containment = ContainmentProvider(
        session=session,
        grants=grants,
        canary=canary,
        proofs=proofs,
        key=KEY,
        doors_of=lambda _: frozenset(Door),
        clock=Clock(),
    )
    try:
        yield NamespaceProvider(session), containment, proofs
    finally:
        await containment.aclose()
        await session.aclose()


async def until(
    provider: ContainmentProvider | NamespaceProvider, sandbox: Sandbox, *seen: Seen
) -> Observation:
    deadline = time.monotonic() + 120
    while (found := await provider.observe(sandbox)).seen not in seen:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.2)
    return found


async def prove(bench: Bench, *sandbox_ids: str) -> tuple[Observation, Proof | None]:
    """Make sandboxes one after the other; return what came of the last, and take all away."""
    async with bench.connected(), providers(bench) as (isolation, containment, proofs):
        sandboxes = [make_sandbox(sandbox_id) for sandbox_id in sandbox_ids]
        try:
            for sandbox in sandboxes:
                await isolation.ensure(sandbox)
                await until(isolation, sandbox, Seen.READY)
                await containment.ensure(sandbox)
                found = await until(containment, sandbox, Seen.READY, Seen.ABSENT)
            return found, await proofs.get(sandboxes[-1].id)
        finally:
            for sandbox in sandboxes:
                await containment.remove(sandbox.id)
                assert (await containment.observe(sandbox)).seen is Seen.ABSENT
                await isolation.remove(sandbox.id)
            for sandbox in sandboxes:
                await until(isolation, sandbox, Seen.ABSENT)


async def test_a_sandbox_is_ready_once_eighty_probes_were_refused_at_both_ends(
    bench: Bench,
) -> None:
    outside.ask(bench.plan, "reset")
    found, proof = await prove(bench, FIRST, SECOND)
    assert found.seen is Seen.READY, found.detail
    assert proof is not None
    assert proof.holds
    assert is_genuine(proof, KEY)
    blocked = [r for r in proof.results if r.expected is Expected.BLOCKED]
    watched = [r for r in blocked if r.arrivals is not None]
    assert len(watched) >= 80
    assert {r.arrivals for r in watched} == {0}
    assert max(r.took_ms for r in blocked) < 2000
    names = {r.name for r in proof.results}
    for part in ("pod-same", "pod-other", "link-pod", "all-nodes6", "node-same-kubelet"):
        assert any(part in name for name in names), part
    for part in ("other-door", "kubernetes-api", "metadata", "internet", "dns", "gateway", "hub"):
        assert any(part in name for name in names), part
    opened = {r.name for r in proof.results if r.expected is Expected.OPEN}
    assert opened == {"door-report", "door-storage", "door-tracking", "door-hub", "tmp-write"}
    said = json.loads(bench.last_log)
    assert said["took_ms"] < 20_000
    from_pod = [
        row for row in outside.ask(bench.plan)["arrivals"] if row["source"] in said["addresses"]
    ]
    assert from_pod == []
    took = (proof.finished_at - proof.started_at).total_seconds()
    say(f"{len(proof.results)} probes, {len(watched)} two-sided, {took:.1f} s in all")


async def test_the_same_probes_in_an_open_namespace_show_that_each_can_succeed(
    bench: Bench, cluster: Cluster
) -> None:
    cluster.set_leaky(leaky=True)  # or the nodes themselves would refuse what is link-local
    stayed: dict[str, ProbeResult] = {}
    arrived: set[str] = set()
    try:
        async with bench.connected():
            await bench.make_open(OPEN)
            outside.ask(bench.plan, "reset")
            for attempt in range(OPEN_RUNS):
                run, report, arrivals = await bench.run_open(OPEN)
                results = {result.name: result for result in judge(run, report, arrivals)}
                planned = {item.probe.name for item in run.planned}
                watched = {item.probe.name for item in run.planned if item.is_watched}
                shut = {n for n in planned if results[n].outcome is not Outcome.OPEN}
                stayed = {n: results[n] for n in shut if attempt == 0 or n in stayed}
                arrived |= {name for name in watched if results[name].arrivals}
                if watched <= arrived and not unexplained(stayed):
                    break
    finally:
        cluster.set_leaky(leaky=False)
    for name, result in stayed.items():
        say(f"cannot succeed here: {name}: {result.detail}")
    assert unexplained(stayed) == []
    for part in OF_ONE_NODE:
        for family in ("4", "6"):
            both = {f"tcp{family}-node-{where}-{part}" for where in ("same", "other")}
            assert len(both & stayed.keys()) == 1, both
    assert len(watched) >= 80
    assert watched <= arrived
    rows = outside.ask(bench.plan)["arrivals"]
    reached = {(row["target"], row["port"]) for row in rows}
    assert {("192.0.2.10", 80), ("2001:db8::10", 80), ("169.254.169.254", 80)} <= reached
    say(f"{len(watched)} of {len(watched)} watched probes arrived in the open")


def unexplained(stayed: Mapping[str, ProbeResult]) -> list[str]:
    """Return what did not get out and has no reason not to, on this cluster."""
    of_one = [f"node-{where}-{part}" for where in ("same", "other") for part in OF_ONE_NODE]
    reasons = (*NOBODY_THERE, *NO_MEANS, *of_one, *UNROUTED)
    return [name for name in stayed if not any(part in name for part in reasons)]


async def test_the_probes_of_the_pod_itself_see_a_loose_one(bench: Bench) -> None:
    loose = f"{LAB}-loose"
    async with bench.connected():
        await bench.make_namespace(loose)
        report = await bench.run_loose(loose)
    outcomes = {item["name"]: item["outcome"] for item in report["results"]}
    for name in (
        *("token", "host-root", "host-mounts", "write-root", "write-etc", "proc-count"),
        *("proc-core-pattern", "devices", "make-device", "set-user-id", "mount-tmpfs"),
        *("unshare-net", "setns", "chroot", "root-user", "become-root", "capabilities-eff"),
        *("new-privileges", "no-filter", "socket-raw4", "socket-packet", "ping4-pod-same"),
        *("environment", "shadow", "root-home"),
    ):
        assert outcomes[name] == "open", name


async def test_a_leaky_cluster_is_found_out_and_the_hole_is_named(
    bench: Bench, cluster: Cluster
) -> None:
    cluster.set_leaky(leaky=True)
    try:
        found, proof = await prove(bench, FIRST)
    finally:
        cluster.set_leaky(leaky=False)
    assert found.seen is Seen.ABSENT
    assert "does not hold: IPv6 link-local: " in found.detail
    assert proof is not None
    failed = {result.name: result for result in proof.results if not result.holds}
    assert {"tcp6-link-pod-8888", "tcp6-link-node-kubelet", "udp-all-nodes6-8888"} <= set(failed)
    assert failed["udp6-link-pod-8888"].arrivals
    assert failed["udp-all-nodes6-8888"].arrivals
    assert all("6-" in name or "all-" in name for name in failed)


def enforcement(bench: Bench, client: Client, witnesses: Any, lookout: Lookout) -> Enforcement:
    return Enforcement(
        client=client,
        lab=bench.lab,
        witnesses=witnesses,
        lookout=lookout,
        probes=Probes(lab=LAB, image=bench.images.probe),
    )


class Ignoring(Client):
    """A cluster that takes policies and enforces none, as one without a capable CNI does."""

    async def apply(self, resource: Resource, wanted: Mapping[str, Any]) -> Applied:
        if resource is NETWORK_POLICY:
            return Applied(dict(wanted), is_new=True)
        return await super().apply(resource, wanted)


@pytest.mark.parametrize("ignores", [False, True])
async def test_the_gate_opens_only_where_policies_are_enforced(
    bench: Bench, *, ignores: bool
) -> None:
    client = (Ignoring if ignores else Client)(bench.plan.kubeconfig)
    async with bench.connected():
        witnesses, _ = await bench.witnesses()
        lookout = Lookout(client=client, grants=MemoryGrants(), around=await bench.around())
        gate = enforcement(bench, client, witnesses, lookout)
        try:
            found = await gate.try_now()
            if ignores:
                assert found.verdict is Verdict.IGNORED
                assert "does not enforce NetworkPolicy" in found.detail
                with pytest.raises(TerminalProviderError, match="tcp4-pod-same-8888"):
                    await gate.check(SandboxId(FIRST))
            else:
                assert found.verdict is Verdict.ENFORCED, found.detail
                await gate.check(SandboxId(FIRST))
            for decoy in gate.decoys.both():
                left = await client.get(NAMESPACE, decoy)
                assert left is None or "deletionTimestamp" in left["metadata"]
        finally:
            await gate.aclose()
            await witnesses.aclose()
            await client.aclose()


async def test_a_deleted_job_is_no_proof(bench: Bench) -> None:
    async with bench.connected(), providers(bench) as (isolation, containment, proofs):
        sandbox = make_sandbox(FIRST)
        try:
            await isolation.ensure(sandbox)
            await until(isolation, sandbox, Seen.READY)
            await containment.ensure(sandbox)
            await bench.delete_jobs(FIRST)
            found = await until(containment, sandbox, Seen.ABSENT, Seen.READY)
            assert found.seen is Seen.ABSENT
            assert await proofs.get(SandboxId(FIRST)) is None
        finally:
            await containment.remove(sandbox.id)
            await isolation.remove(sandbox.id)
            await until(isolation, sandbox, Seen.ABSENT)
