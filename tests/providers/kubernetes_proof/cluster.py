"""A cluster of this process: an API server, witnesses, and what pods would do."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lab.domain.egress import Door
from lab.domain.sandbox import Stage
from lab.providers import kubernetes
from lab.providers.kubernetes.containment import ContainmentProvider
from lab.providers.kubernetes.containment_canary import Canary
from lab.providers.kubernetes.containment_runs import Probes
from lab.providers.kubernetes.containment_world import Lookout, Surroundings
from lab.providers.kubernetes.enforcement import Enforcement
from lab.providers.kubernetes.inside.probes.run import pod_names, wanted_names
from lab.providers.kubernetes.proving import Arrivals, Witness
from tests.providers.kubernetes_proof.samples import witness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from aiohttp import web

    from lab.domain.containment import Proof
    from lab.domain.errors import ProviderError
    from lab.domain.ids import SandboxId
    from tests.conftest import FixedClock
    from tests.providers.kubernetes.fake_server import FakeServer

KEY = b"a-key-of-this-test"
PROBE = "registry.example/probe@sha256:" + "0" * 64


class Witnesses:
    def __init__(self) -> None:
        self.trouble: ProviderError | None = None
        self.arrived: dict[str, int] = {}
        self.announced: list[str] = []
        self.forgotten: list[str] = []

    async def announce(self, nonce: str) -> tuple[Witness, ...]:
        if self.trouble is not None:
            raise self.trouble
        self.announced.append(nonce)
        return witness(1), witness(2)

    async def arrivals(self, nonce: str, _: Iterable[Witness]) -> Arrivals:
        assert nonce in self.announced
        if self.trouble is not None:
            raise self.trouble
        return Arrivals(names=dict(self.arrived))

    async def forget(self, nonce: str, _: Iterable[Witness]) -> None:
        self.forgotten.append(nonce)

    async def aclose(self) -> None:
        """Nothing is held."""


class Reports:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}

    async def take(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        return self.kept.pop((sandbox_id, run), None)

    async def drop_of(self, sandbox_id: SandboxId) -> None:
        for key in [key for key in self.kept if key[0] == sandbox_id]:
            del self.kept[key]


class Proofs:
    def __init__(self) -> None:
        self.kept: dict[SandboxId, Proof] = {}

    async def get(self, sandbox_id: SandboxId) -> Proof | None:
        return self.kept.get(sandbox_id)

    async def put(self, proof: Proof) -> None:
        self.kept[proof.sandbox_id] = proof

    async def drop(self, sandbox_id: SandboxId) -> None:
        self.kept.pop(sandbox_id, None)


class Grants:
    def __init__(self) -> None:
        self.held: dict[tuple[SandboxId, str], dict[str, Any]] = {}

    async def write(self, sandbox_id: SandboxId, name: str, values: Mapping[str, Any]) -> None:
        self.held[sandbox_id, name] = dict(values)

    async def read(self, sandbox_id: SandboxId, name: str) -> dict[str, Any] | None:
        return self.held.get((sandbox_id, name))

    async def remove(self, sandbox_id: SandboxId, name: str) -> None:
        self.held.pop((sandbox_id, name), None)

    async def holders(self, name: str) -> frozenset[SandboxId]:
        return frozenset(key for key, held in self.held if held == name)


class Pods:
    """Runs each Job that is made: says what the probes found, as ``tests`` want it.

    Attributes:
        found: Changes what a good pod would say; ``None`` says nothing at all.
        ends: The condition with which the Job ends; empty where it goes on for ever.
    """

    def __init__(self, server: FakeServer, reports: Reports) -> None:
        self._server, self._reports = server, reports
        self.found: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda said: said
        self.ends: Callable[[str], str] = lambda _: "Complete"
        self.jobs: list[dict[str, Any]] = []
        server.faults.append(self._see)

    async def _see(self, request: web.Request) -> web.StreamResponse | None:
        words = request.path.split("/")
        if request.method == "POST" and words[-1] == "jobs":
            job = await request.json()
            asyncio.get_running_loop().call_later(0.02, self._run, job)
        return None

    def _run(self, job: dict[str, Any]) -> None:
        self.jobs.append(job)
        namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
        if ("jobs", namespace, name) not in self._server.objects:
            return
        container = job["spec"]["template"]["spec"]["containers"][0]
        env = {item["name"]: item.get("value", "") for item in container["env"]}
        aims = json.loads(env["LAB_PROBE"])
        said = self.found(good(aims, env["LAB_NODE"]))
        if said is not None and aims["report"]:
            self._reports.kept[namespace, aims["run"]] = said
        if end := self.ends(namespace):
            status: dict[str, Any] = {
                "conditions": [{"type": end, "status": "True", "message": "it said no"}]
            }
            status |= {"succeeded": 1} if end == "Complete" else {"failed": 1}
            self._server.put("jobs", {**job, "status": status})


def good(aims: dict[str, Any], node: str) -> dict[str, Any]:
    """What a pod says behind walls that hold."""
    opened = {probe[0] for probe in aims["open"]}
    names = [probe[0] for probe in aims["probes"]] + [*pod_names(), *wanted_names()]
    opened |= set(wanted_names())
    results = [
        {
            "name": name,
            "outcome": "open" if name in opened else "blocked",
            "detail": "",
            "took_ms": 2,
        }
        for name in names
    ]
    return {
        "run": aims["run"],
        "nonce": aims["nonce"],
        "node": node,
        "addresses": ["10.244.1.7"],
        "settled_ms": 0,
        "results": results,
        "end": True,
    }


class Cluster:
    def __init__(self, server: FakeServer, folder: Path, clock: FixedClock) -> None:
        self.server, self.clock = server, clock
        self.witnesses, self.reports = Witnesses(), Reports()
        self.proofs, self.grants = Proofs(), Grants()
        self.pods = Pods(server, self.reports)
        self.session = kubernetes.open_session({"kubeconfig": server.kubeconfig(folder)})
        self.isolation = kubernetes.build(Stage.ISOLATION, {"session": self.session})
        self.probes = Probes(
            lab="vase-clos",
            image=PROBE,
            deadline_seconds=2,
            margin_seconds=1,
            late_seconds=0.4,
            look_seconds=0.2,
        )
        self.lookout = Lookout(
            client=self.session.client,
            grants=self.grants,
            around=Surroundings(namespace="vase-clos", internet=(("192.0.2.10", 80),)),
            nodes_seconds=0,
        )
        self.containment = self.provider(KEY)
        self.known: list[SandboxId] = []

    def provider(self, key: bytes) -> ContainmentProvider:
        canary = Canary(
            session=self.session,
            witnesses=self.witnesses,  # type: ignore[arg-type]
            lookout=self.lookout,
            reports=self.reports,
            probes=self.probes,
        )
        return ContainmentProvider(
            session=self.session,
            grants=self.grants,
            canary=canary,
            proofs=self.proofs,
            key=key,
            doors_of=lambda _: frozenset(Door),
            clock=self.clock,
        )

    def gate(self) -> Enforcement:
        return Enforcement(
            client=self.session.client,
            lab=self.session.lab,
            witnesses=self.witnesses,  # type: ignore[arg-type]
            lookout=self.lookout,
            probes=self.probes,
            on_known=self.known.append,
        )

    def now(self) -> datetime:
        return self.clock.now()


def add_node(server: FakeServer, name: str) -> None:
    server.objects["nodes", "", name] = {
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "labels": {"kubernetes.io/hostname": f"{name}.example"},
        },
        "status": {
            "nodeInfo": {"kernelVersion": "6.1"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


@asynccontextmanager
async def running(server: FakeServer, folder: Path, clock: FixedClock) -> AsyncIterator[Cluster]:
    made = Cluster(server, folder, clock)
    try:
        yield made
    finally:
        await made.containment.aclose()
        await made.session.aclose()
