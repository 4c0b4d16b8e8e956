"""The kinds of objects the lab speaks of, and where the API server keeps them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind.

    Attributes:
        group: As in ``apiVersion``: ``v1``, ``networking.k8s.io/v1``.
        filled: Keys of ``spec`` that the server fills in by itself.
    """

    group: str
    kind: str
    plural: str
    is_namespaced: bool = True
    filled: frozenset[str] = frozenset()

    def header(self) -> dict[str, str]:
        """Return what every object of this kind begins with."""
        return {"apiVersion": self.group, "kind": self.kind}

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Return the address of one object, or of all of them."""
        words = ["api" if "/" not in self.group else "apis", self.group]
        if self.is_namespaced and namespace:
            words += ["namespaces", namespace]
        words.append(self.plural)
        if name:
            words.append(name)
        return "/" + "/".join(words)


NAMESPACE = Resource(
    "v1", "Namespace", "namespaces", is_namespaced=False, filled=frozenset({"finalizers"})
)
RESOURCE_QUOTA = Resource("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Resource("v1", "LimitRange", "limitranges")
SERVICE = Resource(
    "v1", "Service", "services", filled=frozenset({"clusterIP", "clusterIPs", "ipFamilies"})
)
SECRET = Resource("v1", "Secret", "secrets")
POD = Resource("v1", "Pod", "pods")
VOLUME_CLAIM = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
NODE = Resource("v1", "Node", "nodes", is_namespaced=False)
NETWORK_POLICY = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
ROLE_BINDING = Resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
JOB = Resource("batch/v1", "Job", "jobs")
LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases")
