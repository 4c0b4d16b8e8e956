"""Runs the probes on a real cluster without the lab: witnesses, namespaces, Jobs, their logs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import grants
from lab.domain.containment import Expected
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Stage
from lab.domain.walls import Peer
from lab.providers.kubernetes import objects
from lab.providers.kubernetes.client import Client
from lab.providers.kubernetes.containment_runs import (
    JOB_PREFIX,
    Chosen,
    Probes,
    choose,
    job,
    new_nonce,
    new_run,
)
from lab.providers.kubernetes.containment_witnesses import Witnesses
from lab.providers.kubernetes.containment_world import Lookout, Surroundings
from lab.providers.kubernetes.mould import Addresses
from lab.providers.kubernetes.proving import aims
from lab.providers.kubernetes.proving_plan import plan
from lab.providers.kubernetes.resources import (
    JOB,
    NAMESPACE,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    Resource,
)
from tests.cluster.driver import binaries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from lab.domain.containment import Proof
    from lab.providers.kubernetes.proving import Arrivals, Planned, Run
    from tests.cluster.driver.plan import Plan

DIGESTS = Path(os.environ.get("LAB_DIGESTS") or Path(__file__).parents[2] / "images/digests.json")
DAEMON_SET = Resource("apps/v1", "DaemonSet", "daemonsets")
PRIORITY = Resource(
    "scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", is_namespaced=False
)
TOKEN = "a-token-of-the-bench-only"
INTERNET = (("192.0.2.10", 80), ("2001:db8::10", 80))
GATEWAY_PORTS = (*range(20000, 20012), 8003)
HUB_PORTS = (8081, 8001)
ANSWERING = """
import http.server, socket, sys, threading
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()
    do_PUT = do_GET
    def log_message(self, *_): pass
servers = [Server(("::", int(port)), Answer) for port in sys.argv[1:]]
for server in servers: threading.Thread(target=server.serve_forever).start()
"""
"""Stands for the gateway and for the hub: answers 204 to all, so also to a report."""
ANSWERING_PEERS = {Peer.GATEWAY: GATEWAY_PORTS, Peer.HUB: HUB_PORTS}


@dataclass(frozen=True)
class Images:
    lab: str
    probe: str


def images() -> Images | None:
    """What ``lab images push`` left, where both are there."""
    try:
        found = json.loads(DIGESTS.read_text("utf-8"))["images"]
        return Images(found["lab"]["reference"], found["probe"]["reference"])
    except (OSError, KeyError):
        return None


@dataclass
class Bench:
    """One cluster, and what we made in it."""

    plan: Plan
    namespace: str
    images: Images
    made: list[str] = field(default_factory=list)
    priorities: list[str] = field(default_factory=list)
    last_log: str = ""

    @property
    def lab(self) -> objects.Lab:
        return objects.Lab(namespace=self.namespace, selectors=objects.DEFAULT_SELECTORS)

    @property
    def client(self) -> Client:
        return self._client

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Hold connections; they belong to the event loop that runs."""
        self._client = Client(self.plan.kubeconfig)
        try:
            yield
        finally:
            await self._client.aclose()

    def kube(self, *arguments: str) -> str:
        program = binaries.known()["kubectl"]
        command = [str(program), "--kubeconfig", str(self.plan.kubeconfig), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    async def make_namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        metadata = {"name": name, "labels": labels or {}}
        await self.client.apply(NAMESPACE, {**NAMESPACE.header(), "metadata": metadata})
        self.made.append(name)

    async def raise_lab(self) -> None:
        """Make the lab's namespace: a witness on each node, and stand-ins for what answers."""
        await self.make_namespace(self.namespace)
        for name in ("vase-clos-probe", "vase-clos-notebook"):
            if await self.client.get(PRIORITY, name) is None:
                value = {"value": 0, "preemptionPolicy": "Never", "metadata": {"name": name}}
                await self.client.apply(PRIORITY, PRIORITY.header() | value)
                self.priorities.append(name)
        secret = {"name": "lab-secrets", "namespace": self.namespace}
        content = {"metadata": secret, "stringData": {"witness-token": TOKEN}}
        await self.client.apply(SECRET, {**SECRET.header(), **content})
        await self.client.apply(DAEMON_SET, self._witness())
        for peer, ports in ANSWERING_PEERS.items():
            await self.client.apply(POD, self._answering(peer, ports))
        for name, selector, port in (
            ("witness", {"app": "witness"}, 8888),
            ("gateway", self.lab.selectors[Peer.GATEWAY], 8003),
            ("hub", self.lab.selectors[Peer.HUB], 8081),
        ):
            await self.client.apply(SERVICE, self._service(name, selector, port))
        await self._until_ready()

    async def down(self) -> None:
        for name in dict.fromkeys(self.made):
            await self.client.delete(NAMESPACE, name)
        for name in self.priorities:
            await self.client.delete(PRIORITY, name)

    async def make_open(self, name: str) -> None:
        """Make a namespace that checks pods as a sandbox's does, and has no policy at all."""
        await self.make_namespace(name, {"pod-security.kubernetes.io/enforce": "restricted"})
        assert (await self.client.list(NETWORK_POLICY, namespace=name))[0] == []

    async def delete_jobs(self, sandbox_id: str) -> None:
        """Delete the next Job of the probes as soon as there is one."""
        for _ in range(200):
            found, _ = await self.client.list(JOB, namespace=sandbox_id)
            for item in found:
                await self.client.delete(JOB, item["metadata"]["name"], namespace=sandbox_id)
            if found:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("no Job was made")

    async def witnesses(self) -> tuple[Witnesses, str]:
        nodes = self.kube(
            *("get", "pods", "-n", self.namespace, "-l", "app=witness"),
            *("-o", "jsonpath={.items[*].status.podIP}"),
        ).split()

        async def resolve(_: str) -> Sequence[str]:
            await asyncio.sleep(0)
            return nodes

        return Witnesses(host="witness-each", token=TOKEN, resolve=resolve), new_nonce()

    async def around(self) -> Surroundings:
        await asyncio.sleep(0)
        return Surroundings(
            namespace=self.namespace,
            api_server=(self.plan.api_service, 443),
            resolvers=(self.plan.dns,),
            internet=INTERNET,
            images=(self.images.probe,),
        )

    async def run_open(self, namespace: str) -> tuple[Run, dict[str, Any], Arrivals]:
        """Run all probes once where no policy is; return what it said and what arrived."""
        witnesses, nonce = await self.witnesses()
        try:
            met = await witnesses.announce(nonce)
            around = await self.around()
            lookout = Lookout(client=self.client, grants=MemoryGrants(), around=around)
            world = await lookout.look(met)
            # Not by lot: only there do the ports of the control plane answer at link-local.
            hostnames = await lookout.hostnames()
            node = Chosen(min(hostnames), hostnames[min(hostnames)])
            run = new_run(_known_first(plan(world, ())), node.name, nonce)
            manifest = self._job(namespace, run.run, aims(run, world), node)
            await self.client.apply(JOB, manifest)
            report = await self._report(namespace, run.run)
            return run, report, await witnesses.arrivals(nonce, met)
        finally:
            await witnesses.aclose()

    async def run_loose(self, namespace: str) -> dict[str, Any]:
        """Run all probes in a pod that has every right there is."""
        witnesses, nonce = await self.witnesses()
        met = await witnesses.announce(nonce)
        await witnesses.aclose()
        around = await self.around()
        lookout = Lookout(client=self.client, grants=MemoryGrants(), around=around)
        world = await lookout.look(met)
        node = choose(world, await lookout.hostnames(), Stage.CONTAINMENT)
        run = new_run(plan(world, ()), node.name, nonce)
        manifest = self._job(namespace, run.run, aims(run, world), node)
        pod = manifest["spec"]["template"]["spec"]
        pod |= {
            "automountServiceAccountToken": True,
            "hostPID": True,
            "securityContext": {},
            "enableServiceLinks": True,
        }
        pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}})
        pod["containers"][0]["securityContext"] = {"privileged": True, "runAsUser": 0}
        pod["containers"][0]["volumeMounts"].append({"name": "host", "mountPath": "/host"})
        # A service of the namespace, so that the kubelet has one to tell the pod of.
        service = self._service("neighbour", {"app": "nobody"}, 80)
        service["metadata"]["namespace"] = namespace
        await self.client.apply(SERVICE, service)
        await self.client.apply(JOB, manifest)
        return await self._report(namespace, run.run)

    def log(self, namespace: str, run: str) -> dict[str, Any] | None:
        """What a run printed, as soon as it is whole."""
        with suppress(subprocess.CalledProcessError, ValueError, IndexError):
            text = self.kube("logs", "-n", namespace, f"job/{JOB_PREFIX}{run}")
            said = dict(json.loads(text.splitlines()[0]))
            self.last_log = text.splitlines()[0]
            return said
        return None

    def _job(self, namespace: str, run: str, text: str, node: Chosen) -> dict[str, Any]:
        probes = Probes(lab=self.namespace, image=self.images.probe)
        addresses = Addresses(doors=(), gateway="127.0.0.1", hub="")
        return job(probes, SandboxId(namespace), run, aims=text, addresses=addresses, node=node)

    async def _report(self, namespace: str, run: str) -> dict[str, Any]:
        until = time.monotonic() + 90
        while time.monotonic() < until:
            found = await self.client.get(JOB, f"{JOB_PREFIX}{run}", namespace)
            status = (found or {}).get("status", {})
            if (status.get("succeeded") or status.get("failed")) and (
                said := self.log(namespace, run)
            ):
                return said
            await asyncio.sleep(0.5)
        raise AssertionError(self.kube("describe", "job,pod", "-n", namespace))

    async def _until_ready(self) -> None:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            found = await self.client.get(DAEMON_SET, "witness", self.namespace)
            status = (found or {}).get("status", {})
            pods = [
                await self.client.get(POD, peer.value, self.namespace) for peer in ANSWERING_PEERS
            ]
            phases = {(pod or {}).get("status", {}).get("phase") for pod in pods}
            wanted = status.get("desiredNumberScheduled")
            counts = {status.get(key) for key in ("numberAvailable", "updatedNumberScheduled")}
            is_new = status.get("observedGeneration") == (found or {})["metadata"]["generation"]
            if wanted and counts == {wanted} and is_new and phases == {"Running"}:
                return
            await asyncio.sleep(0.5)
        raise AssertionError(self.kube("describe", "pods", "-n", self.namespace))

    def _witness(self) -> dict[str, Any]:
        labels = {"app": "witness"}
        template = {"metadata": {"labels": labels}, "spec": self._listener()}
        return {
            **DAEMON_SET.header(),
            "metadata": {"name": "witness", "namespace": self.namespace},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        }

    def _answering(self, peer: Peer, ports: Sequence[int]) -> dict[str, Any]:
        metadata = {
            "name": peer.value,
            "namespace": self.namespace,
            "labels": dict(self.lab.selectors[peer]),
        }
        container = {
            "name": "answering",
            "image": self.images.lab,
            "args": ["-c", ANSWERING, *map(str, ports)],
            "readinessProbe": {"tcpSocket": {"port": ports[0]}, "periodSeconds": 1},
        }
        spec = {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
        }
        return {**POD.header(), "metadata": metadata, "spec": spec}

    def _listener(self) -> dict[str, Any]:
        sysctl = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
        node = {"fieldRef": {"fieldPath": "spec.nodeName"}}
        container = {
            "name": "witness",
            "image": self.images.lab,
            "args": ["-m", "lab.witness"],
            "env": [
                {"name": "LAB_WITNESS_TOKEN_FILE", "value": "/secrets/witness-token"},
                {"name": "LAB_NODE", "valueFrom": node},
                {
                    "name": "LAB_NODE_ADDRESSES",
                    "valueFrom": {"fieldRef": {"fieldPath": "status.hostIPs"}},
                },
            ],
            "readinessProbe": {"tcpSocket": {"port": 8090}, "periodSeconds": 1},
            "volumeMounts": [{"name": "secrets", "mountPath": "/secrets"}],
        }
        return {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"sysctls": [sysctl]},
            "containers": [container],
            "volumes": [{"name": "secrets", "secret": {"secretName": "lab-secrets"}}],
        }

    def _service(self, name: str, selector: Mapping[str, str], port: int) -> dict[str, Any]:
        spec = {
            "selector": dict(selector),
            "ipFamilyPolicy": "PreferDualStack",
            "ports": [{"name": "one", "port": port}],
        }
        metadata = {"name": name, "namespace": self.namespace}
        return {**SERVICE.header(), "metadata": metadata, "spec": spec}


def _known_first(planned: Sequence[Planned]) -> tuple[Planned, ...]:
    """Have the probes wait until the name server answers, as it must where no policy is.

    The policy of its own pods lets in the pods that the network plug-in knows. A new one it
    does not know for about a second: what that sends is refused, then dropped. TCP comes through
    by itself, when it tries again; a datagram does not.
    """
    return tuple(
        replace(item, expected=Expected.OPEN) if item.probe.name.startswith("dns-udp-") else item
        for item in planned
    )


class LogReports:
    """Reads reports from the pods' logs: a gateway's report door is tried elsewhere."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def take(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        return await asyncio.to_thread(self._bench.log, sandbox_id, run)

    async def drop_of(self, sandbox_id: SandboxId) -> None:
        """Nothing is kept."""


class MemoryGrants:
    def __init__(self) -> None:
        self._held: dict[tuple[SandboxId, str], dict[str, Any]] = {}

    async def write(self, sandbox_id: SandboxId, name: str, values: Mapping[str, Any]) -> None:
        self._held[sandbox_id, name] = dict(values)

    async def read(self, sandbox_id: SandboxId, name: str) -> dict[str, Any] | None:
        return self._held.get((sandbox_id, name))

    async def remove(self, sandbox_id: SandboxId, name: str) -> None:
        self._held.pop((sandbox_id, name), None)

    async def holders(self, name: str = grants.DOORS) -> frozenset[SandboxId]:
        return frozenset(sandbox_id for sandbox_id, held in self._held if held == name)


class MemoryProofs:
    def __init__(self) -> None:
        self._kept: dict[SandboxId, Proof] = {}

    async def get(self, sandbox_id: SandboxId) -> Proof | None:
        return self._kept.get(sandbox_id)

    async def put(self, proof: Proof) -> None:
        self._kept[proof.sandbox_id] = proof

    async def drop(self, sandbox_id: SandboxId) -> None:
        self._kept.pop(sandbox_id, None)


__all__ = ["Bench", "Images", "LogReports", "MemoryGrants", "MemoryProofs", "images"]
