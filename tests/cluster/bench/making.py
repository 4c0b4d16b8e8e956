"""The objects of one sandbox made in two ways: as the lab does, and posted with nothing else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab import grants as keeping
from lab.domain.egress import Door
from lab.domain.walls import Peer
from lab.providers.kubernetes import objects, pods
from lab.providers.kubernetes.access import KubernetesAccess
from lab.providers.kubernetes.client import Client
from lab.providers.kubernetes.doors import ensure_doors
from lab.providers.kubernetes.failures import UnreachableError
from lab.providers.kubernetes.isolation import NamespaceProvider
from lab.providers.kubernetes.objects import Lab
from lab.providers.kubernetes.resources import (
    JOB,
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    Resource,
)
from lab.providers.kubernetes.session import Session
from tests.cluster.proof_bench import MemoryGrants
from tests.conftest import make_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab.domain.sandbox import Sandbox

NAME = "vase-clos"
DOORS = frozenset(Door)
KINDS = (
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    LIMIT_RANGE,
    ROLE_BINDING,
    SERVICE,
    JOB,
    SECRET,
)
PLURALS = frozenset(kind.plural for kind in KINDS)
LAB = Lab(
    namespace=NAME,
    selectors={peer: {"app.kubernetes.io/component": peer.value} for peer in Peer},
)
IMAGE = "registry:5000/x@sha256:" + "a" * 64
ADDRESSES = pods.Addresses(doors=("storage", "tracking"), gateway="10.96.0.20", hub="10.96.0.21")
KEYS = {"AWS_ACCESS_KEY_ID": "k" * 20, "AWS_SECRET_ACCESS_KEY": "s" * 40}
PRIORITY = Resource(
    "scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", is_namespaced=False
)
PATIENCE_SECONDS = 180
ANSWER_SECONDS = 60.0
"""Of one answer: what is measured is not whether a busy machine is quick."""


class Now:
    """The time."""

    def now(self) -> datetime:
        """Return it."""
        return datetime.now(UTC)


def sandbox(number: int) -> Sandbox:
    """Return one of many."""
    return make_sandbox(f"sb-{number:010x}")


def probe(each: Sandbox) -> dict[str, Any]:
    """Return the Job of its proof, as long as the real one."""
    return pods.probe_job(
        lab=NAME,
        sandbox_id=each.id,
        name="preuve-0123456789",
        image=IMAGE,
        addresses=ADDRESSES,
        env={"LAB_NODE": "node1", "LAB_PROBE": "x" * 16_000},
    )


def notebook(each: Sandbox, node: str) -> dict[str, Any]:
    """Return the pod of its member, placed."""
    made = pods.notebook_pod(
        lab=NAME,
        sandbox_id=each.id,
        member_id=each.spec.members[0],
        image=IMAGE,
        resources=each.spec.resources,
        addresses=ADDRESSES,
        env={"HOME": pods.HOME},
        datasets=({"id": "demandes-prestations", "version": 1},),
        template_id=each.spec.template_id,
    )
    made["spec"]["nodeName"] = node
    return made


def compiled(each: Sandbox, slot: int) -> list[tuple[Resource, dict[str, Any]]]:
    """Return all nine objects of a provision, the namespace first."""
    return [
        (NAMESPACE, objects.namespace(LAB, each, slot)),
        (NETWORK_POLICY, objects.closed(LAB, each.id)),
        (RESOURCE_QUOTA, objects.resource_quota(LAB, each)),
        (LIMIT_RANGE, objects.limit_range(LAB, each)),
        (ROLE_BINDING, objects.hub_rights(LAB, each.id)),
        (SERVICE, objects.door_service(LAB, each.id, slot)),
        (NETWORK_POLICY, objects.door_policy(LAB, each.id, slot, DOORS)),
        (JOB, probe(each)),
        (SECRET, objects.access(LAB, each.id, KEYS)),
    ]


async def raw(client: Client, each: Sandbox, slot: int) -> None:
    """Post the same objects with nothing around it: the namespace, then all others at once."""
    first, *rest = compiled(each, slot)
    await client.create(*first)
    await asyncio.gather(*(client.create(kind, what) for kind, what in rest))


class Ours:
    """Provisions as the reconciler does, but for the wait until the probes have run."""

    def __init__(self, session: Session) -> None:
        self.session, self._grants = session, MemoryGrants()
        self.place = NamespaceProvider(session)
        self._access = KubernetesAccess(session, grants=self._grants, clock=Now())

    async def provision(self, each: Sandbox) -> None:
        """Make a place, its doors, the Job of its proof, and the keys."""
        await self.place.ensure(each)
        await ensure_doors(self.session, each, DOORS)
        await self.session.client.create(JOB, probe(each))
        granted = {"door_access_key": "k" * 20, "door_secret_key": "s" * 40}
        await self._grants.write(each.id, keeping.STORAGE, granted)
        await self._access.ensure(each)

    async def again(self, each: Sandbox) -> None:
        """Pass over one that is as it should be."""
        await self.place.ensure(each)
        await ensure_doors(self.session, each, DOORS)
        await self._access.ensure(each)


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[Session]:
    """Open a session that knows what is there, however long a busy machine takes to tell."""
    session = Session(client=Client(kubeconfig, timeout_seconds=ANSWER_SECONDS), lab=LAB)
    try:
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                await session.ready()
                break
            except UnreachableError:
                if asyncio.get_running_loop().time() > until:
                    raise
        yield session
    finally:
        await session.aclose()


async def furnish(client: Client) -> None:
    """Make what stands before any sandbox does."""
    metadata = {"name": NAME}
    await client.create(NAMESPACE, {**NAMESPACE.header(), "metadata": metadata})
    hub = {"metadata": {"name": "hub", "namespace": NAME}, "spec": {"ports": [{"port": 8081}]}}
    await client.create(SERVICE, {**SERVICE.header(), **hub})
    for name in (pods.NOTEBOOK_PRIORITY, pods.PROBE_PRIORITY):
        what = {"metadata": {"name": name}, "value": 0}
        await client.create(PRIORITY, {**PRIORITY.header(), **what})
