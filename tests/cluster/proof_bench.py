"""Runs the probes on a real cluster without the lab: witnesses, namespaces, Jobs, their logs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.domain.ids import SandboxId
from lab.domain.walls import Peer
from lab.providers.kubernetes import names, objects
from lab.providers.kubernetes.containment_runs import JOB_PREFIX, Probes, job, new_nonce, new_run
from lab.providers.kubernetes.containment_witnesses import Witnesses
from lab.providers.kubernetes.mould import Addresses
from lab.providers.kubernetes.proving import Way, World, aims
from lab.providers.kubernetes.proving_plan import plan, settle
from lab.providers.kubernetes.resources import JOB, NAMESPACE, NETWORK_POLICY, POD, SECRET, SERVICE
from lab.providers.kubernetes.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.providers.kubernetes.client import Client
    from lab.providers.kubernetes.proving import Arrivals, Run

DAEMON_SET = Resource("apps/v1", "DaemonSet", "daemonsets")
PRIORITY = Resource(
    "scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", is_namespaced=False
)
TOKEN = "a-token-of-the-bench-only"
GATEWAY_PORTS = (20000, 20001, 20002, 20003, 8003, 8081)


@dataclass
class Bench:
    """One cluster, and what we made in it."""

    client: Client
    kubeconfig: Path
    kubectl: str
    namespace: str
    witness_image: str
    probe_image: str
    internet: tuple[tuple[str, int], ...] = (("192.0.2.10", 80), ("2001:db8::10", 80))
    made: list[str] = field(default_factory=list)

    @property
    def lab(self) -> objects.Lab:
        return objects.Lab(namespace=self.namespace, selectors=objects.DEFAULT_SELECTORS)

    def kube(self, *arguments: str) -> str:
        command = [self.kubectl, "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    async def make_namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        header = NAMESPACE.header()
        metadata = {"name": name, "labels": labels or {}}
        await self.client.apply(NAMESPACE, {**header, "metadata": metadata})
        self.made.append(name)

    async def raise_lab(self) -> None:
        """Make the lab's namespace: a witness on each node, and a stand-in for the gateway."""
        await self.make_namespace(self.namespace)
        for name in ("vase-clos-probe", "vase-clos-notebook"):
            value = {"value": 0, "preemptionPolicy": "Never"}
            if await self.client.get(PRIORITY, name) is None:
                metadata = {"name": name}
                await self.client.apply(
                    PRIORITY, {**PRIORITY.header(), "metadata": metadata, **value}
                )
        secret = {"name": "lab-secrets", "namespace": self.namespace}
        await self.client.apply(
            SECRET,
            {**SECRET.header(), "metadata": secret, "stringData": {"witness-token": TOKEN}},
        )
        await self.client.apply(DAEMON_SET, self._witness())
        await self.client.apply(POD, self._gateway())
        for name, part, port in (("witness", "witness", 8888), ("gateway", "gateway", 8003)):
            await self.client.apply(SERVICE, self._service(name, part, port))
        await self._until_ready()

    async def down(self) -> None:
        for name in self.made:
            await self.client.delete(NAMESPACE, name)

    async def make_sandbox(self, sandbox_id: str, *, is_closed: bool = True) -> None:
        security = {"pod-security.kubernetes.io/enforce": "restricted"}
        own = names.labels(self.namespace, SandboxId(sandbox_id), names.Component.PLACE)
        await self.make_namespace(sandbox_id, own | security)
        if is_closed:
            await self.client.apply(
                NETWORK_POLICY, objects.closed(self.lab, SandboxId(sandbox_id))
            )

    async def witnesses(self) -> tuple[Witnesses, str]:
        nodes = self.kube(
            *("get", "pods", "-n", self.namespace, "-l", "app=witness"),
            *("-o", "jsonpath={.items[*].status.podIP}"),
        ).split()

        async def resolve(_: str) -> Sequence[str]:
            await asyncio.sleep(0)
            return nodes

        return Witnesses(host="witness-each", token=TOKEN, resolve=resolve), new_nonce()

    async def world(self, witnesses: tuple[Any, ...]) -> World:
        services, _ = await self.client.list(SERVICE, namespace=self.namespace)
        addresses = {
            f"{service['metadata']['name']}-{ip}": [(ip, service["spec"]["ports"][0]["port"])]
            for service in services
            for ip in service["spec"]["clusterIPs"]
        }
        gateway = self.kube(
            *("get", "pod", "gateway", "-n", self.namespace),
            *("-o", "jsonpath={.status.podIPs[*].ip}"),
        ).split()
        api = await self.client.get(SERVICE, "kubernetes", "default")
        assert api is not None
        names_of = {name.replace(":", "-").replace(".", "-"): v for name, v in addresses.items()}
        return World(
            witnesses=witnesses,
            services={**names_of, "kubernetes-api": [(api["spec"]["clusterIP"], 443)]},
            resolvers=(str(self.internet[0][0]),),
            internet=self.internet,
            others=tuple((ip, 20003) for ip in gateway),
        )

    async def run(
        self, sandbox_id: str, ways: tuple[Way, ...] = (), *, is_open: bool = False
    ) -> tuple[Run, dict[str, Any], Arrivals]:
        """Run all probes once in a namespace; return what it said and what arrived."""
        witnesses, nonce = await self.witnesses()
        try:
            met = await witnesses.announce(nonce)
            world = await self.world(met)
            run = new_run(plan(world, ways), world, nonce)
            text = aims(run, world, settle=() if is_open else settle(world))
            probes = Probes(lab=self.namespace, image=self.probe_image)
            addresses = Addresses(doors=(), gateway="127.0.0.1", hub="")
            manifest = job(probes, SandboxId(sandbox_id), run.run, aims=text, addresses=addresses)
            await self.client.apply(JOB, manifest)
            report = await self._report(sandbox_id, run.run)
            return run, report, await witnesses.arrivals(nonce, met)
        finally:
            await witnesses.aclose()

    async def _report(self, sandbox_id: str, run: str) -> dict[str, Any]:
        until = time.monotonic() + 90
        name = f"{JOB_PREFIX}{run}"
        while time.monotonic() < until:
            found = await self.client.get(JOB, name, sandbox_id)
            status = (found or {}).get("status", {})
            if status.get("succeeded") or status.get("failed"):
                log = self.kube("logs", "-n", sandbox_id, f"job/{name}")
                return dict(json.loads(log.splitlines()[0]))
            await asyncio.sleep(0.5)
        raise AssertionError(self.kube("describe", "job,pod", "-n", sandbox_id))

    async def _until_ready(self) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            found = await self.client.get(DAEMON_SET, "witness", self.namespace)
            status = (found or {}).get("status", {})
            gateway = await self.client.get(POD, "gateway", self.namespace)
            phase = (gateway or {}).get("status", {}).get("phase")
            wanted = status.get("desiredNumberScheduled")
            counts = {status.get(key) for key in ("numberAvailable", "updatedNumberScheduled")}
            is_new = status.get("observedGeneration") == (found or {})["metadata"]["generation"]
            if wanted and counts == {wanted} and is_new and phase == "Running":
                return
            await asyncio.sleep(0.5)
        raise AssertionError(self.kube("describe", "pods", "-n", self.namespace))

    def _witness(self) -> dict[str, Any]:
        labels = {"app": "witness"}
        return {
            **DAEMON_SET.header(),
            "metadata": {"name": "witness", "namespace": self.namespace},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": self._listener()},
            },
        }

    def _gateway(self) -> dict[str, Any]:
        ports = ",".join(map(str, GATEWAY_PORTS))
        spec = self._listener([{"name": "LAB_WITNESS_PORTS", "value": ports}])
        labels = dict(self.lab.selectors[Peer.GATEWAY])
        metadata = {"name": "gateway", "namespace": self.namespace, "labels": labels}
        return {**POD.header(), "metadata": metadata, "spec": spec}

    def _listener(self, env: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        sysctl = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
        own = [
            {"name": "LAB_WITNESS_TOKEN_FILE", "value": "/secrets/witness-token"},
            {"name": "LAB_NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {
                "name": "LAB_NODE_ADDRESSES",
                "valueFrom": {"fieldRef": {"fieldPath": "status.hostIPs"}},
            },
        ]
        return {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"sysctls": [sysctl]},
            "containers": [
                {
                    "name": "witness",
                    "image": self.witness_image,
                    "env": [*own, *env],
                    "readinessProbe": {"tcpSocket": {"port": 8090}, "periodSeconds": 1},
                    "volumeMounts": [{"name": "secrets", "mountPath": "/secrets"}],
                }
            ],
            "volumes": [{"name": "secrets", "secret": {"secretName": "lab-secrets"}}],
        }

    def _service(self, name: str, part: str, port: int) -> dict[str, Any]:
        selector = {"app": "witness"}
        if part == "gateway":
            selector = dict(self.lab.selectors[Peer.GATEWAY])
        return {
            **SERVICE.header(),
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "selector": selector,
                "ipFamilyPolicy": "PreferDualStack",
                "ports": [{"name": "one", "port": port}],
            },
        }
