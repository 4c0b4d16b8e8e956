from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab import grants
from lab.domain.errors import ProviderError
from lab.domain.proofs import is_genuine
from lab.domain.sandbox import Seen
from tests.conftest import make_sandbox
from tests.providers.kubernetes_proof.cluster import KEY, Cluster, add_node
from tests.providers.kubernetes_proof.samples import changed

if TYPE_CHECKING:
    from lab.domain.containment import Proof
    from lab.domain.sandbox import Observation

BOX = make_sandbox("sb-b200000001")
POLICY = ("networkpolicies", BOX.id, "portes")
CLOSED = ("networkpolicies", BOX.id, "tout-fermer")
SERVICE = ("services", "vase-clos", f"door-{BOX.id}")


async def until(cluster: Cluster, *seen: Seen) -> Observation:
    async with asyncio.timeout(20):
        while (found := await cluster.containment.observe(BOX)).seen not in seen:
            await asyncio.sleep(0.02)
    return found


async def placed(cluster: Cluster) -> None:
    await cluster.isolation.ensure(BOX)
    async with asyncio.timeout(10):
        while (await cluster.isolation.observe(BOX)).seen is not Seen.READY:
            await asyncio.sleep(0.01)


async def proved(cluster: Cluster) -> Proof:
    await placed(cluster)
    await cluster.containment.ensure(BOX)
    found = await until(cluster, Seen.READY, Seen.ABSENT)
    assert found.seen is Seen.READY, found.detail
    return cluster.proofs.kept[BOX.id]


def jobs(cluster: Cluster) -> list[str]:
    return [key[2] for key in cluster.server.objects if key[0] == "jobs"]


def writes(cluster: Cluster) -> int:
    return sum(n for verb, n in cluster.server.requests.items() if verb != "GET")


async def test_a_sandbox_is_contained_once_a_signed_proof_of_both_ends_is_kept(
    cluster: Cluster,
) -> None:
    assert (await cluster.containment.observe(BOX)).seen is Seen.ABSENT
    await placed(cluster)
    before = writes(cluster)
    await cluster.containment.ensure(BOX)
    assert (await cluster.containment.observe(BOX)).seen is Seen.CONVERGING
    found = await until(cluster, Seen.READY, Seen.ABSENT)
    assert found.seen is Seen.READY
    assert writes(cluster) - before == 3  # Service, policy, Job
    proof = cluster.proofs.kept[BOX.id]
    assert proof.holds
    assert is_genuine(proof, KEY)
    assert sum(result.arrivals == 0 for result in proof.results) >= 80
    granted = cluster.grants.held[BOX.id, grants.DOORS]
    assert granted["doors"] == ["storage", "tracking"]
    assert cluster.witnesses.announced == cluster.witnesses.forgotten


async def test_the_probes_run_as_a_notebook_does_and_are_told_their_node(
    cluster: Cluster,
) -> None:
    await proved(cluster)
    (job,) = cluster.pods.jobs
    assert job["metadata"]["name"].startswith("preuve-")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {item["name"]: item["value"] for item in container["env"]}
    assert pod["nodeSelector"] == {"kubernetes.io/hostname": f"{env['LAB_NODE']}.example"}
    assert all("valueFrom" not in item for item in container["env"])
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["automountServiceAccountToken"] is False
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


async def test_a_pass_with_nothing_to_do_asks_the_cluster_for_its_nodes_alone(
    cluster: Cluster,
) -> None:
    await proved(cluster)
    before = len(cluster.server.log)
    for _ in range(3):
        assert (await cluster.containment.observe(BOX)).seen is Seen.READY
    assert set(cluster.server.log[before:]) == {("GET", "/api/v1/nodes")}


async def test_a_hole_shuts_the_doors_and_is_named_once(cluster: Cluster) -> None:
    cluster.witnesses.arrived = {"udp-all-nodes6-8888": 1}
    await placed(cluster)
    await cluster.containment.ensure(BOX)
    found = await until(cluster, Seen.READY, Seen.ABSENT)
    told = "does not hold: IPv6 link-local: udp-all-nodes6-8888 (open, arrived)"
    assert (found.seen, found.detail) == (Seen.ABSENT, told)
    assert cluster.grants.held == {}
    assert POLICY not in cluster.server.objects
    assert SERVICE not in cluster.server.objects
    assert CLOSED in cluster.server.objects
    with pytest.raises(ProviderError, match="IPv6 link-local"):
        await cluster.containment.ensure(BOX)
    cluster.witnesses.arrived = {}
    await cluster.containment.ensure(BOX)
    assert (await until(cluster, Seen.READY)).detail == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nonce": "b" * 32}, "it is of another run"),
        ({"run": "another"}, "it is of another run"),
        ({"results": []}, "it does not say what came of"),
        ({"node": "node7"}, "on another node"),
    ],
)
async def test_a_forged_report_proves_nothing(
    cluster: Cluster, change: dict[str, Any], why: str
) -> None:
    cluster.pods.found = lambda said: said | change
    await placed(cluster)
    await cluster.containment.ensure(BOX)
    found = await until(cluster, Seen.READY, Seen.ABSENT)
    assert found.seen is Seen.ABSENT
    assert why in found.detail
    assert cluster.proofs.kept == {}


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ("Complete", "no report of theirs arrived"),
        ("Failed", "the probes did not report: it said no"),
        ("", "did not run in time"),
    ],
)
async def test_no_report_is_no_proof(cluster: Cluster, ends: str, why: str) -> None:
    cluster.pods.found = lambda _: None
    cluster.pods.ends = lambda _: ends
    await placed(cluster)
    await cluster.containment.ensure(BOX)
    found = await until(cluster, Seen.READY, Seen.ABSENT)
    assert found.seen is Seen.ABSENT
    assert why in found.detail
    assert jobs(cluster) == []


async def test_a_report_that_comes_too_late_is_not_taken_for_the_next_run(
    cluster: Cluster,
) -> None:
    cluster.pods.found = lambda _: None
    await placed(cluster)
    await cluster.containment.ensure(BOX)
    await until(cluster, Seen.ABSENT)
    (job,) = cluster.pods.jobs
    run = job["metadata"]["name"].removeprefix("preuve-")
    cluster.reports.kept[BOX.id, run] = {"run": run, "late": True}
    with pytest.raises(ProviderError):
        await cluster.containment.ensure(BOX)
    cluster.pods.found = lambda said: said
    await cluster.containment.ensure(BOX)
    await until(cluster, Seen.READY)
    assert len({job["metadata"]["name"] for job in cluster.pods.jobs}) == 2


async def test_a_witness_that_does_not_answer_proves_nothing_and_takes_nothing_back(
    cluster: Cluster,
) -> None:
    proof = await proved(cluster)
    cluster.clock.time += timedelta(hours=13)
    assert (await until(cluster, Seen.DUE)).detail == "the proof ages"
    cluster.witnesses.trouble = ProviderError(cluster.containment.stage, "no witness answers")
    await cluster.containment.ensure(BOX)
    await asyncio.sleep(0.1)
    assert (await cluster.containment.observe(BOX)).seen is Seen.DUE
    with pytest.raises(ProviderError, match="no witness answers"):
        await cluster.containment.ensure(BOX)
    assert cluster.proofs.kept[BOX.id] == proof


async def test_a_proof_that_ages_is_made_anew_and_counts_for_a_day(cluster: Cluster) -> None:
    proof = await proved(cluster)
    cluster.clock.time += timedelta(hours=13)
    await until(cluster, Seen.DUE)
    await cluster.containment.ensure(BOX)
    await until(cluster, Seen.READY)
    assert cluster.proofs.kept[BOX.id].finished_at > proof.finished_at
    cluster.clock.time += timedelta(hours=25)
    found = await cluster.containment.observe(BOX)
    assert (found.seen, found.detail) == (Seen.ABSENT, "the proof is too old")


async def test_a_renewal_that_finds_a_hole_shuts_the_doors(cluster: Cluster) -> None:
    await proved(cluster)
    cluster.clock.time += timedelta(hours=13)
    cluster.pods.found = lambda said: changed(said, "tcp4-metadata-1", outcome="open")
    await cluster.containment.ensure(BOX)
    found = await until(cluster, Seen.ABSENT)
    assert found.detail == "does not hold: metadata address: tcp4-metadata-1 (open)"
    assert cluster.grants.held == {}


async def test_another_node_makes_another_proof_due_while_the_old_one_counts(
    cluster: Cluster,
) -> None:
    await proved(cluster)
    add_node(cluster.server, "node3")
    found = await cluster.containment.observe(BOX)
    assert (found.seen, found.detail) == (Seen.DUE, "the cluster changed since the proof")
    await cluster.containment.ensure(BOX)
    await until(cluster, Seen.READY)


async def test_a_policy_that_another_hand_changed_ends_the_proof(cluster: Cluster) -> None:
    await proved(cluster)
    edited = cluster.server.kept()[POLICY]
    edited["spec"]["egress"] = [{}]
    cluster.server.put("networkpolicies", edited)
    found = await until(cluster, Seen.REVOKED)
    assert found.detail == "not as it should be: policy portes"
    await cluster.containment.ensure(BOX)
    await until(cluster, Seen.READY)
    assert cluster.server.objects[POLICY]["spec"]["egress"] != [{}]
    async with asyncio.timeout(10):
        while len(cluster.pods.jobs) < 2:
            await asyncio.sleep(0.01)


async def test_a_proof_that_somebody_else_signed_or_changed_does_not_count(
    cluster: Cluster,
) -> None:
    await proved(cluster)
    other = cluster.provider(b"another-key")
    found = await other.observe(BOX)
    assert (found.seen, found.detail) == (Seen.ABSENT, "the proof is not genuine")
    stranger = make_sandbox("sb-b200000002")
    cluster.proofs.kept[stranger.id] = cluster.proofs.kept[BOX.id]
    cluster.grants.held[stranger.id, grants.DOORS] = {"doors": []}
    found = await cluster.containment.observe(stranger)
    assert found.seen is Seen.REVOKED


async def test_shut_doors_are_revoked_and_removed_ones_absent(cluster: Cluster) -> None:
    await proved(cluster)
    assert await cluster.containment.owned() == {BOX.id}
    await cluster.containment.revoke(BOX.id)
    found = await cluster.containment.observe(BOX)
    assert (found.seen, found.detail) == (Seen.REVOKED, "the doors are shut")
    for _ in range(2):
        await cluster.containment.remove(BOX.id)
        found = await until(cluster, Seen.ABSENT)
    assert not any(fact.is_present for fact in found.facts)
    assert await cluster.containment.owned() == frozenset()


async def test_removing_while_the_probes_run_ends_them(cluster: Cluster) -> None:
    cluster.pods.found = lambda _: None
    cluster.pods.ends = lambda _: ""
    await placed(cluster)
    await cluster.containment.ensure(BOX)
    async with asyncio.timeout(10):
        while not jobs(cluster):
            await asyncio.sleep(0.01)
    await cluster.containment.remove(BOX.id)
    assert jobs(cluster) == []
    assert (await cluster.containment.observe(BOX)).seen is Seen.ABSENT
    assert cluster.witnesses.forgotten == cluster.witnesses.announced


async def test_without_a_place_there_is_nothing_to_prove(cluster: Cluster) -> None:
    with pytest.raises(ProviderError, match="there is no place yet"):
        await cluster.containment.ensure(BOX)


async def test_not_being_able_to_look_is_not_seeing_the_walls_down(cluster: Cluster) -> None:
    await proved(cluster)
    cluster.server.is_down = True
    cluster.server.cut()
    assert (await until(cluster, Seen.UNKNOWN)).detail.startswith("kubernetes: ")
    cluster.server.is_down = False
    await until(cluster, Seen.READY)


async def insist(cluster: Cluster) -> None:
    """Ask again and again: a proof is made, and fails, in a task of its own."""
    for _ in range(200):
        await cluster.containment.ensure(BOX)
        await asyncio.sleep(0.05)


async def test_only_a_node_that_has_a_witness_and_takes_pods_is_chosen(cluster: Cluster) -> None:
    await placed(cluster)
    add_node(cluster.server, "node3")  # has no witness
    cluster.server.objects["nodes", "", "node1"]["spec"] = {"unschedulable": True}
    await cluster.containment.ensure(BOX)
    await until(cluster, Seen.READY)
    (job,) = cluster.pods.jobs
    selector = job["spec"]["template"]["spec"]["nodeSelector"]
    assert selector == {"kubernetes.io/hostname": "node2.example"}
    cluster.server.objects["nodes", "", "node2"]["status"]["conditions"] = []
    cluster.clock.time += timedelta(hours=13)
    with pytest.raises(ProviderError, match="no node that takes pods has a witness"):
        await insist(cluster)
