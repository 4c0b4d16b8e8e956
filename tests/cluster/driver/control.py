"""The control plane, on the first node: etcd, API server, controllers, scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tests.cluster.driver.pki import Pki
from tests.cluster.driver.telling import until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cluster.driver.api import Api
    from tests.cluster.driver.plan import Plan
    from tests.cluster.driver.processes import Parts

PARTS = ("etcd", "apiserver", "controllers", "scheduler")
ETCD, ETCD_PEERS = "http://127.0.0.1:2379", "http://127.0.0.1:2380"


def keys(plan: Plan) -> None:
    """An authority and an identity for each part of the cluster."""
    pki = Pki(plan.pki, server=f"https://{plan.api}:6443")
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    own = (plan.api_service, "127.0.0.1", plan.api, plan.nodes[0].address6)
    pki.issue("apiserver", "kube-apiserver", names=(*own, *names))
    masters = "system:masters"
    pki.issue("kubelet-client", "kube-apiserver-kubelet-client", group=masters)
    pki.issue("admin", "admin", group=masters)
    pki.issue("router", "kube-router", group=masters)
    for file, role in (("controllers", "controller-manager"), ("scheduler", "scheduler")):
        pki.issue(file, f"system:kube-{role}")
    pki.issue("proxy", "system:kube-proxy")
    for node in plan.nodes:
        user = f"system:node:{node.name}"
        places = (node.name, node.address, node.address6)
        pki.issue(node.name, user, group="system:nodes", names=places)
    plan.kubeconfig.touch(mode=0o600)
    plan.kubeconfig.write_bytes((plan.pki / "admin.conf").read_bytes())


def start(
    plan: Plan, parts: Parts, binaries: Mapping[str, Path], api: Api, *, only: str = ""
) -> None:
    """Start what does not run, each part once the one it needs answers.

    Args:
        plan: Of the cluster.
        parts: Where the parts are recorded.
        binaries: Every program, by name.
        api: Asked whether the API server is ready.
        only: One part, the others left as they are; all where empty.
    """
    _write_audit_policy(plan)
    at = plan.nodes[0].namespace
    for name, command in commands(plan, binaries).items():
        if only and name != only:
            continue
        parts.start(name, *command, namespace=at)
        if name == "apiserver":
            until("API server", api.is_ready, seconds=90, logs=parts.logs / "apiserver.log")


def commands(plan: Plan, binaries: Mapping[str, Path]) -> dict[str, list[str]]:
    """How each part is started, in the order in which they start."""
    return {
        "etcd": _etcd(plan, binaries["etcd"]),
        "apiserver": _api_server(plan, binaries["kube-apiserver"]),
        "controllers": [
            *_with_config(plan, binaries["kube-controller-manager"], "controllers"),
            f"--root-ca-file={plan.pki}/ca.crt",
            f"--service-account-private-key-file={plan.pki}/sa.key",
            "--use-service-account-credentials=true",
            f"--service-cluster-ip-range={','.join(plan.services)}",
            # The second node can be made to disappear: tests wait for what follows.
            "--node-monitor-grace-period=20s",
        ],
        "scheduler": _with_config(plan, binaries["kube-scheduler"], "scheduler"),
    }


def _etcd(plan: Plan, binary: Path) -> list[str]:
    return [
        str(binary),
        f"--data-dir={plan.state / 'etcd'}",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        f"--listen-peer-urls={ETCD_PEERS}",
        "--unsafe-no-fsync",
    ]


def _api_server(plan: Plan, binary: Path) -> list[str]:
    pki = plan.pki
    return [
        str(binary),
        f"--advertise-address={plan.api}",
        "--secure-port=6443",
        f"--etcd-servers={ETCD}",
        f"--service-cluster-ip-range={','.join(plan.services)}",
        "--authorization-mode=Node,RBAC",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--kubelet-client-certificate={pki}/kubelet-client.crt",
        f"--kubelet-client-key={pki}/kubelet-client.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        # Node names do not resolve: without this, logs and exec fail.
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--enable-admission-plugins=NodeRestriction,PodSecurity",
        "--allow-privileged=true",
        f"--audit-policy-file={plan.state}/audit-policy.yaml",
        f"--audit-log-path={plan.state}/audit.log",
        "--audit-log-maxsize=200",
        "--audit-log-maxbackup=1",
    ]


def _with_config(plan: Plan, binary: Path, name: str) -> list[str]:
    config = f"{plan.pki / name}.conf"
    kinds = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return [str(binary), *(f"--{kind}={config}" for kind in kinds), "--leader-elect=false"]


def _write_audit_policy(plan: Plan) -> None:
    # One line for each write of a service account: what the server itself counts.
    rule = {
        "level": "Metadata",
        "userGroups": ["system:serviceaccounts"],
        "verbs": ["create", "update", "patch", "delete", "deletecollection"],
    }
    own = {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]}
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [own, rule, {"level": "None"}],
    }
    (plan.state / "audit-policy.yaml").write_text(yaml.safe_dump(policy))
