"""Nodes that one program answers for, and pods that run nowhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.driver import binaries
from tests.cluster.driver.cluster import is_ready
from tests.cluster.driver.telling import CannotDoError, until

if TYPE_CHECKING:
    from tests.cluster.driver.api import Json
    from tests.cluster.driver.cluster import Cluster

STAGES = Path(__file__).with_name("stages.yaml")
MARK = "kwok.x-k8s.io/node"  # the annotation by which kwok knows its own
LABEL = "vase-clos.lab/simulated"
SELECTED = f"labelSelector={LABEL}%3Dtrue"
PART = "kwok"


class Crowd:
    """Starts and ends the simulation on a cluster that runs."""

    def __init__(self, cluster: Cluster) -> None:
        if not cluster.is_started:
            raise CannotDoError("no cluster runs here: 'make cluster' starts one")
        self._cluster = cluster
        self._api = cluster.api()

    def start(self, nodes: int) -> None:
        """Have this many simulated nodes, all ready; real pods do not land on them."""
        program = binaries.ensure("kwok")["kwok"]
        self._cluster.parts.start(
            PART,
            str(program),
            f"--kubeconfig={self._cluster.plan.kubeconfig}",
            f"--config={STAGES}",
            f"--manage-nodes-with-annotation-selector={MARK}=fake",
            "--cidr=10.15.0.0/16",  # of pods that are nowhere
            "--node-ip=10.15.255.254",
            "--node-lease-duration-seconds=40",
        )
        self._api.apply_many([node(index) for index in range(nodes)])
        until("simulated nodes", lambda: self.ready() >= nodes, seconds=120, logs=PART)

    def ready(self) -> int:
        """How many simulated nodes are ready."""
        return sum(map(is_ready, self._api.get(f"/api/v1/nodes?{SELECTED}")["items"]))

    def pods(self, count: int, *, namespace: str) -> float:
        """Have this many simulated pods run in a namespace; the seconds it took."""
        began = time.monotonic()
        meta = {"name": namespace, "labels": {LABEL: "true"}}
        self._api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        account = {"name": "simulated", "namespace": namespace}
        self._api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        found = self._api.get(f"/api/v1/nodes?{SELECTED}")["items"]
        nodes = [each["metadata"]["name"] for each in found]
        if not nodes:
            raise CannotDoError("no simulated node: 'start' makes them")
        self._api.apply_many([
            _pod(index, namespace=namespace, node=nodes[index % len(nodes)])
            for index in range(count)
        ])
        until("simulated pods", lambda: self.running(namespace) >= count, seconds=600, logs=PART)
        return time.monotonic() - began

    def running(self, namespace: str) -> int:
        """How many pods of a namespace run."""
        path = f"/api/v1/namespaces/{namespace}/pods?fieldSelector=status.phase%3DRunning"
        return len(self._api.get(path)["items"])

    def stop(self) -> None:
        """Delete simulated namespaces, pods and nodes, then end the program."""
        for each in self._api.get(f"/api/v1/namespaces?{SELECTED}")["items"]:
            name = each["metadata"]["name"]
            self._api.delete(f"/api/v1/namespaces/{name}/pods?{SELECTED}")
            self._api.delete(f"/api/v1/namespaces/{name}")
        self._api.delete(f"/api/v1/nodes?{SELECTED}")
        left = f"/api/v1/pods?{SELECTED}"
        until("the simulated pods' end", lambda: not self._api.get(left)["items"], seconds=300)
        self._cluster.parts.end([PART])


def node(index: int) -> Json:
    """Return one node, which kwok answers for and on which nothing lands by itself."""
    name = f"simulated-{index:03}"
    labels = {LABEL: "true", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    meta = {"name": name, "annotations": {MARK: "fake"}, "labels": labels}
    taint = {"key": MARK, "value": "fake", "effect": "NoSchedule"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {"taints": [taint]}}


def _pod(index: int, *, namespace: str, node: str) -> Json:
    name = f"simulated-{index:05}"
    container = {
        "name": "nothing",
        "image": "nothing.invalid/nothing:1",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL: "true"}},
        "spec": {
            "serviceAccountName": "simulated",
            "automountServiceAccountToken": False,
            # Placed by us: what is simulated is how many there are, not where they go.
            "nodeName": node,
            "containers": [container],
        },
    }
