"""A second cluster, for what would disturb the one that others use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.driver import addons
from tests.cluster.driver.commands import attempt, run
from tests.cluster.driver.registry import Registry
from tests.cluster.driver.telling import until

if TYPE_CHECKING:
    from tests.cluster.driver.api import Json
    from tests.cluster.driver.cluster import Cluster

PORT = 8080
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
