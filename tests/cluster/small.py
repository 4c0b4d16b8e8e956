"""A second cluster, for what would disturb the one that others use."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.driver import addons, outside
from tests.cluster.driver.cgroups import left
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.commands import attempt, inside, run
from tests.cluster.driver.network import BRIDGE
from tests.cluster.driver.registry import Registry
from tests.cluster.driver.telling import until

if TYPE_CHECKING:
    from tests.cluster.driver.api import Json
    from tests.cluster.driver.plan import Plan

PORT = 8080
KUBELET = 10250
LISTEN = f"listen {PORT}"
Ask = tuple[str, str]


class Pods:
    """Pods of the smallest image, which listen and dial."""

    def __init__(self, cluster: Cluster, kubectl: str) -> None:
        self._kubectl = (kubectl, f"--kubeconfig={cluster.plan.kubeconfig}")
        self.api = cluster.api()
        self.image = f"{cluster.plan.registry}/{addons.TINY}"
        assert Registry(cluster.plan.registry).answers()

    def namespace(self, name: str, *, closed: bool = False) -> None:
        """A namespace; closed, it denies all both ways before it has any pod."""
        self.api.apply(_object("v1", "Namespace", name))
        if closed:
            spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
            policy = _object("networking.k8s.io/v1", "NetworkPolicy", "deny-all", name)
            self.api.apply(policy | {"spec": spec})
        self.api.apply(_object("v1", "ServiceAccount", "none", name))

    def start(
        self, namespace: str, name: str, node: str, *, claim: str = "", do: str = LISTEN
    ) -> None:
        """A pod on a node, listening unless told otherwise."""
        self.api.apply(self._pod(namespace, name, node, claim, do))

    def said(self, namespace: str, name: str) -> str:
        """What a pod has printed so far."""
        return run(*self._kubectl, "-n", namespace, "logs", name).strip()

    def addresses(self, namespace: str, name: str) -> tuple[str, str]:
        """Both addresses of a pod, once it runs."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        until(f"{namespace}/{name}", lambda: self._runs(path), seconds=90)
        one, two = (each["ip"] for each in self.api.get(path)["status"]["podIPs"])
        return one, two

    def dial(self, namespace: str, name: str, ask: Ask) -> str:
        """What a pod says of an address: ``open``, or ``closed: why``."""
        command = (*self._kubectl, "-n", namespace, "exec", name, "--", "/tiny", "dial", *ask)
        return run(*command, seconds=30).strip()

    def exists(self, path: str) -> bool:
        """Whether there is such an object."""
        return attempt(*self._kubectl, "get", "--raw", path) is not None

    def _runs(self, path: str) -> bool:
        return bool(self.api.get(path)["status"].get("phase") == "Running")

    def _pod(self, namespace: str, name: str, node: str, claim: str, do: str) -> Json:
        container: Json = {
            "name": "tiny",
            "image": self.image,
            "args": do.split(),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
        volumes = []
        if claim:
            container["volumeMounts"] = [{"name": "claimed", "mountPath": "/claimed"}]
            volumes = [{"name": "claimed", "persistentVolumeClaim": {"claimName": claim}}]
        pod = _object("v1", "Pod", name, namespace)
        pod["metadata"]["labels"] = {"name": name}
        pod["spec"] = {
            "serviceAccountName": "none",
            "automountServiceAccountToken": False,
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": volumes,
        }
        return pod


def _object(version: str, kind: str, name: str, namespace: str = "") -> Json:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": meta}


@dataclass(kw_only=True)
class Small:
    cluster: Cluster
    pods: Pods
    first_seconds: float
    rules: str
    listeners: dict[str, tuple[str, str]] = field(default_factory=dict)


def rules_of_the_machine() -> str:
    commands = (["iptables-save"], ["ip6tables-save"], ["nft", "list", "ruleset"], ["ip", "rule"])
    found = [subprocess.run(each, capture_output=True, text=True, check=True) for each in commands]
    lines = "".join(each.stdout for each in found).splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def populate(small: Small) -> None:
    small.pods.namespace("open")
    small.pods.namespace("closed", closed=True)
    small.pods.namespace("other")
    for namespace, name, node in (
        ("open", "dialer", "node1"),
        ("closed", "dialer", "node1"),
        ("other", "near", "node1"),
        ("other", "far", "node2"),
    ):
        small.pods.start(namespace, name, node)
    for namespace in ("open", "closed"):
        small.pods.addresses(namespace, "dialer")
    small.listeners = {name: small.pods.addresses("other", name) for name in ("near", "far")}
    # The policies of a pod are in force a moment after it runs.
    until("deny-all in force", lambda: all_closed(small), seconds=30)


def all_closed(small: Small) -> bool:
    asks = everything(small).values()
    return all(small.pods.dial("closed", "dialer", ask).startswith("closed") for ask in asks)


def everything(small: Small) -> dict[str, Ask]:
    found: dict[str, Ask] = {}
    for name, (address4, address6) in small.listeners.items():
        for protocol in ("tcp", "udp"):
            found[f"{name} {protocol} 4"] = (protocol, f"{address4}:{PORT}")
            found[f"{name} {protocol} 6"] = (protocol, f"[{address6}]:{PORT}")
    for node in small.cluster.plan.nodes:
        found[f"{node.name}'s kubelet"] = ("tcp", f"{node.address}:{KUBELET}")
    found["API server"] = ("tcp", f"{small.cluster.plan.api_service}:443")
    for address in small.cluster.plan.outside_addresses:
        host = f"[{address}]" if ":" in address else address
        found[f"outside {address} tcp"] = ("tcp", f"{host}:443")
        found[f"outside {address} udp"] = ("udp", f"{host}:53")
    return found


def link_local_kubelet(small: Small) -> Ask:
    namespace = small.cluster.plan.nodes[0].namespace
    shown = inside(namespace, "ip", "-6", "-j", "address", "show", "dev", BRIDGE, "scope", "link")
    entries = [entry for device in json.loads(shown) for entry in device["addr_info"]]
    address = next(entry["local"] for entry in entries if entry.get("scope") == "link")
    return "tcp", f"[{address}%eth0]:{KUBELET}"


def pods_seen_outside(small: Small, address: str) -> list[dict[str, Any]]:
    arrivals = outside.ask(small.cluster.plan)["arrivals"]
    return [each for each in arrivals if each["source"] == address]


def nothing_left_of(plan: Plan) -> list[str]:
    found = [f"namespace {each}" for each in plan.namespaces if Path("/run/netns", each).exists()]
    found += [f"group {path}" for name in plan.cgroups for path in left(name)]
    found += [f"mount {target}" for target in Cluster(plan).mounts_left()]
    found += [str(path) for path in Path("/run").glob(f"*{plan.name}*")]
    shown = {
        "link": ["ip", "-o", "link"],
        "route": ["ip", "route"],
        "route6": ["ip", "-6", "route"],
        "process": ["ps", "-eo", "pid,args"],
    }
    own = (f"{plan.name}-", f"10.{plan.octet}.", f"fd{plan.octet:02x}:", str(plan.state))
    for what, command in shown.items():
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found += [f"{what} {each}" for each in lines.splitlines() if any(o in each for o in own)]
    return found
