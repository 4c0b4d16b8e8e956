"""What stands in the cluster before any lab does: roles, volumes, names, small images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.driver import volumes
from tests.cluster.driver.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cluster.driver.api import Api, Json
    from tests.cluster.driver.plan import Plan

PAUSE, TINY, DNS = "pause:1", "tiny:1", "coredns:1"
SANDBOX_LABEL = "vase-clos.lab/sandbox"
DNS_LABELS = {"app.kubernetes.io/name": "coredns"}
DNS_PORT = 5353


def push_images(plan: Plan, binaries: Mapping[str, Path]) -> dict[str, str]:
    """Put the images of one program each in the registry; their references by digest."""
    registry = Registry(plan.registry)
    tiny = {"/tiny": binaries["tiny"].read_bytes()}
    coredns = {
        "/coredns": binaries["coredns"].read_bytes(),
        "/Corefile": corefile().encode(),
    }
    return {
        PAUSE: registry.push(PAUSE, files=tiny, entry=["/tiny"]),
        TINY: registry.push(TINY, files=tiny, entry=["/tiny"]),
        DNS: registry.push(DNS, files=coredns, entry=["/coredns", "-conf", "/Corefile"]),
    }


def install(plan: Plan, api: Api, images: Mapping[str, str]) -> None:
    """Apply everything; may be repeated."""
    api.apply(_kubelet_role(), volumes.storage_class())
    volumes.ensure(plan, api)
    api.apply(*name_server(plan, images[DNS]))


def _kubelet_role() -> Json:
    # The API server's own identity at the kubelets: logs, exec, proxy.
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "apiserver-at-kubelets"},
        "roleRef": _role_ref("system:kubelet-api-admin"),
        "subjects": [
            {
                "kind": "User",
                "name": "kube-apiserver-kubelet-client",
                "apiGroup": "rbac.authorization.k8s.io",
            }
        ],
    }


def _role_ref(name: str) -> Json:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}


def corefile() -> str:
    """The name server's configuration."""
    # No forward: nothing beyond the cluster has a name. No record shows a sandbox.
    return f""".:{DNS_PORT} {{
    errors
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        namespace_labels !{SANDBOX_LABEL}
        ttl 5
    }}
    cache 5
}}
"""


def name_server(plan: Plan, image: str) -> list[Json]:
    """CoreDNS for the lab's own pods; a sandbox has neither a name in it nor a way to it."""
    meta = {"name": "coredns", "namespace": "kube-system"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "coredns"},
            "roleRef": _role_ref("coredns"),
            "subjects": [{"kind": "ServiceAccount", **meta}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "coredns"},
            "rules": [
                _may_watch("", "services", "namespaces", "pods"),
                _may_watch("discovery.k8s.io", "endpointslices"),
            ],
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {
                "clusterIP": plan.dns,
                "selector": DNS_LABELS,
                "ports": [
                    {
                        "name": f"dns-{kind}",
                        "port": 53,
                        "targetPort": DNS_PORT,
                        "protocol": kind.upper(),
                    }
                    for kind in ("udp", "tcp")
                ],
            },
        },
        _dns_policy(meta),
        _dns_deployment(meta, image),
    ]


def _may_watch(group: str, *resources: str) -> Json:
    return {"apiGroups": [group], "resources": [*resources], "verbs": ["list", "watch"]}


def _dns_policy(meta: Json) -> Json:
    expression = {"key": SANDBOX_LABEL, "operator": "DoesNotExist"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": meta,
        "spec": {
            "podSelector": {"matchLabels": DNS_LABELS},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"namespaceSelector": {"matchExpressions": [expression]}}]}],
        },
    }


def _dns_deployment(meta: Json, image: str) -> Json:
    container = {
        "name": "coredns",
        "image": image,
        "ports": [{"containerPort": DNS_PORT}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 2},
        "resources": {
            "requests": {"cpu": "20m", "memory": "32Mi"},
            "limits": {"memory": "128Mi"},
        },
        "securityContext": {
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": DNS_LABELS},
            "template": {
                "metadata": {"labels": DNS_LABELS},
                "spec": {
                    "serviceAccountName": "coredns",
                    "dnsPolicy": "Default",
                    # The node that tests make disappear is the second.
                    "nodeSelector": {"kubernetes.io/hostname": "node1"},
                    "containers": [container],
                },
            },
        },
    }
