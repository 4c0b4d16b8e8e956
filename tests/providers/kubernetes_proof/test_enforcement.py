from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.sandbox import Stage
from lab.grants import is_sandbox_id
from lab.providers.kubernetes.containment_runs import Ended, new_run
from lab.providers.kubernetes.enforcement_gate import GatedIsolation
from lab.providers.kubernetes.enforcement_verdict import (
    Decoyed,
    Decoys,
    Trial,
    Verdict,
    judge,
)
from lab.providers.kubernetes.proving import Arrivals
from lab.providers.kubernetes.proving_plan import decoy
from tests.conftest import make_sandbox
from tests.providers.kubernetes_proof.samples import world

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.providers.kubernetes.enforcement import Enforcement
    from tests.providers.kubernetes_proof.cluster import Cluster

BOX = make_sandbox("sb-b200000001")
CLOSED_DECOY, OPEN_DECOY = Decoys.of("vase-clos").both()
ALL = {item.probe.name: 1 for item in decoy(world())}


def decoyed(arrived: Mapping[str, int], ended: Ended = Ended.WELL) -> Decoyed:
    around = world()
    run = new_run(decoy(around), "node1", "a" * 32)
    return Decoyed(run, ended, Arrivals(names=arrived))


@pytest.mark.parametrize(
    ("shut", "opened", "verdict"),
    [
        (decoyed({}), decoyed(ALL, Ended.BADLY), Verdict.ENFORCED),
        (decoyed({"settle4": 2}), decoyed(ALL), Verdict.ENFORCED),
        (decoyed(ALL), decoyed(ALL), Verdict.IGNORED),
        (decoyed({"udp6-pod-other-8888": 1}), decoyed(ALL), Verdict.IGNORED),
        (decoyed({"tcp4-pod-same-8888": 1}, Ended.GONE), decoyed({}), Verdict.IGNORED),
        (decoyed({}), decoyed({}), Verdict.UNKNOWN),
        (decoyed({}), decoyed({"tcp6-pod-same-8888": 1}), Verdict.UNKNOWN),
        (decoyed({}, Ended.BADLY), decoyed(ALL), Verdict.UNKNOWN),
        (decoyed({}, Ended.GONE), decoyed(ALL), Verdict.UNKNOWN),
    ],
)
def test_a_network_is_trusted_only_if_it_refuses_what_it_can_carry(
    shut: Decoyed, opened: Decoyed, verdict: Verdict
) -> None:
    assert judge(shut, opened).verdict is verdict


def test_what_arrived_is_named_and_what_to_do_is_said() -> None:
    said = judge(decoyed({"udp6-pod-other-8888": 1}), decoyed(ALL)).detail
    assert "does not enforce NetworkPolicy" in said
    assert "udp6-pod-other-8888" in said
    assert "Install a network plugin" in said


def test_two_labs_of_one_cluster_have_decoys_of_their_own_that_admission_takes() -> None:
    names = {name for lab in ("vase-clos", "another") for name in Decoys.of(lab).both()}
    assert len(names) == 4
    assert all(is_sandbox_id(name) for name in names)


class Network:
    """Lets the witnesses see what a network of some kind would let through."""

    def __init__(self, cluster: Cluster, *, enforces: bool, carries: bool = True) -> None:
        self._nonces: list[str] = []
        self._enforces, self._carries = enforces, carries
        cluster.witnesses.arrivals = self.arrivals
        cluster.pods.ends = self.ends

    def ends(self, namespace: str) -> str:
        is_open = namespace == OPEN_DECOY or not self._enforces
        return "Failed" if is_open and self._carries else "Complete"

    async def arrivals(self, nonce: str, _: object) -> Arrivals:
        self._nonces.append(nonce)
        is_open = self.opened(nonce) or not self._enforces
        return Arrivals(names=ALL if is_open and self._carries else {})

    opened = staticmethod(lambda _: False)


@pytest.fixture
def named(cluster: Cluster) -> Cluster:
    """Told which nonce went to which decoy, by the order in which they are drawn."""

    def opened(nonce: str) -> bool:
        for job in cluster.pods.jobs:
            env = job["spec"]["template"]["spec"]["containers"][0]["env"]
            if any(nonce in item.get("value", "") for item in env):
                return job["metadata"]["namespace"] == OPEN_DECOY
        raise AssertionError(nonce)

    Network.opened = staticmethod(opened)
    return cluster


async def tried(gate: Enforcement) -> None:
    async with asyncio.timeout(20):
        while gate.last.verdict is not Verdict.ENFORCED:
            await asyncio.sleep(0.05)


async def test_a_cluster_that_enforces_opens_the_gate_and_leaves_no_decoy(
    named: Cluster,
) -> None:
    Network(named, enforces=True)
    gate = named.gate()
    with pytest.raises(ProviderError, match="is being tried"):
        await gate.check(BOX.id)
    assert named.known == []
    await tried(gate)
    # Who waited for it is looked at now, and not when its next try is due.
    assert named.known == [BOX.id]
    await gate.check(BOX.id)
    await gate.aclose()
    await asyncio.sleep(0.1)
    assert not [key for key in named.server.objects if key[2] in {CLOSED_DECOY, OPEN_DECOY}]
    closing = ("PATCH", f"/apis/networking.k8s.io/v1/namespaces/{CLOSED_DECOY}/networkpolicies/")
    made = [path for method, path in named.server.log if "networkpolicies" in path]
    assert all(OPEN_DECOY not in path for path in made)
    first = next(path for _, path in named.server.log if CLOSED_DECOY in path and "jobs" in path)
    policy = next(path for path in made if path.startswith(closing[1]))
    paths = [path for _, path in named.server.log]
    assert paths.index(policy) < paths.index(first)


async def test_a_cluster_that_ignores_policies_gets_no_sandbox_and_an_operator_is_told(
    named: Cluster,
) -> None:
    Network(named, enforces=False)
    gate = named.gate()
    assert (await gate.try_now()).verdict is Verdict.IGNORED
    isolation = GatedIsolation(named.isolation, gate)
    with pytest.raises(TerminalProviderError, match="does not enforce NetworkPolicy") as caught:
        await isolation.ensure(BOX)
    assert caught.value.stage is Stage.ISOLATION
    assert ("namespaces", "", BOX.id) not in named.server.objects
    await gate.aclose()


async def test_a_network_that_carries_nothing_is_not_read_as_one_that_enforces(
    named: Cluster,
) -> None:
    Network(named, enforces=True, carries=False)
    gate = named.gate()
    found = await gate.try_now()
    assert found.verdict is Verdict.UNKNOWN
    with pytest.raises(ProviderError, match="carries nothing") as caught:
        await gate.check(BOX.id)
    assert not isinstance(caught.value, TerminalProviderError)
    await gate.aclose()


async def test_a_trial_that_fails_changes_nothing_of_what_was_known(named: Cluster) -> None:
    Network(named, enforces=True)
    gate = named.gate()
    assert (await gate.try_now()).verdict is Verdict.ENFORCED
    named.witnesses.trouble = ProviderError(Stage.CONTAINMENT, "no witness answers")
    assert await gate.try_now() == Trial(
        Verdict.UNKNOWN, "the network could not be tried: containment: no witness answers"
    )
    assert gate.last.verdict is Verdict.ENFORCED


async def test_somebody_elses_namespace_of_that_name_is_not_touched(named: Cluster) -> None:
    labels = {"vase-clos.lab/sandbox": CLOSED_DECOY, "vase-clos.lab/lab": "another"}
    named.server.put("namespaces", {"metadata": {"name": CLOSED_DECOY, "labels": labels}})
    found = await named.gate().try_now()
    assert "exists and is not the lab's" in found.detail
    assert ("namespaces", "", CLOSED_DECOY) in named.server.objects


async def test_the_gate_lets_everything_pass_but_the_making_and_hides_the_decoys(
    named: Cluster,
) -> None:
    Network(named, enforces=True)
    gate = named.gate()
    isolation = GatedIsolation(named.isolation, gate)
    assert (await isolation.observe(BOX)).seen.value == "absent"
    assert isolation.stage is Stage.ISOLATION
    await isolation.revoke(BOX.id)
    await isolation.remove(BOX.id)
    await isolation.owned()  # begins to try; the next time is hours away
    await tried(gate)
    await isolation.ensure(BOX)
    decoy_labels = named.server.objects["namespaces", "", BOX.id]["metadata"]["labels"] | {
        "vase-clos.lab/sandbox": CLOSED_DECOY
    }
    named.server.put("namespaces", {"metadata": {"name": CLOSED_DECOY, "labels": decoy_labels}})
    async with asyncio.timeout(10):
        while await named.isolation.owned() != {BOX.id, CLOSED_DECOY}:
            await asyncio.sleep(0.02)
    assert await isolation.owned() == {BOX.id}
    await gate.aclose()
