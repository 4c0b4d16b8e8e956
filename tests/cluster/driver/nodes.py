"""A node: containerd, kubelet, kube-proxy and kube-router in namespaces of its own.

containerd and kubelet share one private mount namespace: each sees the other's mounts,
nobody else does, and all of them are gone when its last process is.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster.driver import cgroups, network
from tests.cluster.driver.commands import attempt
from tests.cluster.driver.processes import kill_all
from tests.cluster.driver.telling import CannotDoError, until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cluster.driver.plan import Node, Plan
    from tests.cluster.driver.processes import Parts

PRIVATE = ("/var/lib/kubelet", "/var/lib/cni", "/run/netns", "/run/containerd")
KINDS = ("mounts", "containerd", "kubelet", "proxy", "router")


def parts_of(node: Node) -> tuple[str, ...]:
    """The names of a node's parts."""
    return tuple(f"{kind}-{node.name}" for kind in KINDS)


class Nodes:
    """Starts and stops the nodes of one cluster."""

    def __init__(self, plan: Plan, parts: Parts, binaries: Mapping[str, Path]) -> None:
        self._plan = plan
        self._parts = parts
        self._bin = binaries

    def start(self, node: Node) -> None:
        """Start what does not run of a node's containerd, kubelet and kube-proxy."""
        self._write(node)
        cgroups.make(node.cgroup)
        mounts = self._mounts(node)
        containerd, kubelet, proxy = (f"{kind}-{node.name}" for kind in KINDS[1:4])
        known = self._parts.get(containerd)
        if not (known and known.alive):
            (node.run / "containerd.sock").unlink(missing_ok=True)
        config = str(node.home / "containerd.toml")
        program = shutil.which("containerd") or "containerd"
        self._parts.start(
            containerd, program, "-c", config, namespace=node.namespace, mounts=mounts
        )
        log = self._parts.logs / f"{containerd}.log"
        until("containerd", (node.run / "containerd.sock").exists, logs=log)
        known = self._parts.get(kubelet)
        if not (known and known.alive):
            self._forget_containers(node)
        self._parts.start(
            kubelet,
            str(self._bin["kubelet"]),
            f"--config={node.home}/kubelet.yaml",
            f"--kubeconfig={self._plan.pki}/{node.name}.conf",
            f"--root-dir={node.home}/kubelet",
            f"--hostname-override={node.name}",
            f"--node-ip={node.address},{node.address6}",
            namespace=node.namespace,
            mounts=mounts,
        )
        self._parts.start(
            proxy,
            str(self._bin["kube-proxy"]),
            f"--kubeconfig={self._plan.pki}/proxy.conf",
            "--proxy-mode=nftables",
            f"--cluster-cidr={','.join(self._plan.pods)}",
            f"--hostname-override={node.name}",
            "--conntrack-max-per-core=0",
            namespace=node.namespace,
        )

    def enforce(self, node: Node) -> None:
        """Start what enforces network policies; only once the node is registered."""
        name = f"router-{node.name}"
        known = self._parts.get(name)
        if not known and not self._plan.leaky:
            network.tighten(node)
        self._parts.start(
            name,
            str(self._bin["kube-router"]),
            f"--kubeconfig={self._plan.pki}/router.conf",
            "--run-firewall=true",
            "--run-router=false",
            "--run-service-proxy=false",
            "--enable-ipv6=true",
            f"--hostname-override={node.name}",
            f"--service-cluster-ip-range={','.join(self._plan.services)}",
            namespace=node.namespace,
        )

    def fail(self, node: Node) -> None:
        """Make a node disappear: cut off, and every process of it killed at once."""
        if node == self._plan.nodes[0]:
            raise CannotDoError(f"{node.name} holds the control plane: stop another node")
        network.cut(self._plan, node)
        self.kill(node)

    def recover(self, node: Node) -> None:
        """Bring a node back as after a loss of power: its disk is there, its pods are not."""
        network.heal(self._plan, node)
        self.start(node)
        self.enforce(node)

    def kill(self, node: Node) -> None:
        """Kill every process of a node, its pods' too; forget its mounts."""
        self._parts.end([name for name in parts_of(node) if "mounts" not in name], seconds=3)
        for _ in range(10):
            found = cgroups.pids(node.cgroup) | set(network.pids(node.namespace))
            found |= _in_mounts(self._mounts_pid(node))
            if not found:
                break
            kill_all(found)
            until("the processes' end", lambda: not cgroups.pids(node.cgroup), logs=node.cgroup)
        self._parts.end([f"mounts-{node.name}"], seconds=1)
        shutil.rmtree(node.run, ignore_errors=True)

    def _mounts_pid(self, node: Node) -> int:
        known = self._parts.get(f"mounts-{node.name}")
        return known.pid if known and known.alive else 0

    def _mounts(self, node: Node) -> int:
        """The pid that holds the node's mount namespace; made if there is none."""
        name = f"mounts-{node.name}"
        ready = node.run / "mounts-ready"
        if not self._mounts_pid(node):
            ready.unlink(missing_ok=True)
            make = " && ".join(
                f"mkdir -p {each} && mount -t tmpfs node {each}" for each in PRIVATE
            )
            script = f"{make} && : >{ready} && exec sleep infinity"
            self._parts.start(name, "unshare", "--mount", "sh", "-c", script)
        until("a mount namespace", ready.exists, seconds=10, logs=self._parts.logs / name)
        return self._mounts_pid(node)

    def _forget_containers(self, node: Node) -> None:
        """Images of earlier runs stay on the node; its containers are from another life."""
        control = ("ctr", "--address", str(node.run / "containerd.sock"), "--namespace", "k8s.io")
        names = (attempt(*control, "containers", "list", "-q") or "").split()
        if names:
            attempt(*control, "containers", "delete", *names)

    def _write(self, node: Node) -> None:
        images = self._plan.images / node.name
        for folder in (node.home / "cni", node.home / "kubelet", node.home / "logs", node.run):
            folder.mkdir(parents=True, exist_ok=True)
        images.mkdir(parents=True, exist_ok=True)
        (node.home / "cni" / "10-lab.conflist").write_text(json.dumps(cni(node)))
        (node.home / "containerd.toml").write_text(containerd(self._plan, node))
        text = yaml.safe_dump(kubelet(self._plan, node))
        (node.home / "kubelet.yaml").write_text(text)


def cni(node: Node) -> dict[str, Any]:
    """How pods are joined to their node: a bridge, an address of each family."""
    ipam = {
        "type": "host-local",
        "dataDir": str(node.home / "ipam"),
        "ranges": [[{"subnet": node.pods}], [{"subnet": node.pods6}]],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": network.BRIDGE,
        "isGateway": True,
        "hairpinMode": True,
        "ipam": ipam,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "lab", "plugins": [bridge, ports]}


def containerd(plan: Plan, node: Node) -> str:
    """containerd's configuration; without restrict_oom_score_adj no pod starts in a container."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{plan.images}/{node.name}"
state = "{node.run}"
[grpc]
  address = "{node.run}/containerd.sock"
[{cri}]
  sandbox_image = "{plan.registry}/pause:1"
  restrict_oom_score_adj = true
  [{cri}.cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{node.home}/cni"
  [{cri}.registry.mirrors."{plan.registry}"]
    endpoint = ["http://{plan.registry}"]
"""


def kubelet(plan: Plan, node: Node) -> dict[str, Any]:
    """kubelet's configuration; two on one machine must share no folder and no group."""
    pki = plan.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{node.run}/containerd.sock",
        "podLogsDir": str(node.home / "logs"),
        "resolvConf": "/dev/null",
        "clusterDNS": [plan.dns],
        "clusterDomain": "cluster.local",
        "tlsCertFile": f"{pki}/{node.name}.crt",
        "tlsPrivateKeyFile": f"{pki}/{node.name}.key",
        "authorization": {"mode": "Webhook"},
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "podPidsLimit": 512,
        "maxPods": 200,
        "serializeImagePulls": False,
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "5s",
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
    }


def _in_mounts(holder: int) -> set[int]:
    """Processes in the same mount namespace as the one that holds it, itself apart."""
    if not holder:
        return set()
    try:
        wanted = Path(f"/proc/{holder}/ns/mnt").readlink()
    except OSError:
        return set()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != holder:
            try:
                if (entry / "ns" / "mnt").readlink() == wanted:
                    found.add(int(entry.name))
            except OSError:
                continue
    return found
