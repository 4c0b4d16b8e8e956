"""Pods that a hub taken over might post: each bad in one way, with the rule it breaks."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
RUNTIME = "vase-clos-essai"
"""A runtime class and an account of this name exist while the tests run."""
OTHER = "registry.example.org/autre@sha256:" + "0" * 64


class Bad(NamedTuple):
    """One way to be bad.

    Attributes:
        rule: The code at the head of the refusal; several where two policies both refuse.
        spoil: Makes a good object bad.
    """

    name: str
    rule: str
    spoil: Callable[[Json], None]


def _steps(path: str) -> list[str]:
    """Split a path; ``~`` stands for the slash inside a label's name."""
    return [step.replace("~", "/") for step in path.split("/")]


def put(path: str, value: Any) -> Callable[[Json], None]:
    """Return what sets a field, making the maps on the way."""

    def spoil(body: Json) -> None:
        at: Any = body
        *way, last = _steps(path)
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        if isinstance(at, list):
            at[int(last)] = value
        else:
            at[last] = value

    return spoil


def drop(path: str) -> Callable[[Json], None]:
    """Return what removes a field."""

    def spoil(body: Json) -> None:
        at: Any = body
        *way, last = _steps(path)
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at.pop(int(last) if isinstance(at, list) else last)

    return spoil


def add(path: str, value: Any) -> Callable[[Json], None]:
    """Return what appends to a list."""

    def spoil(body: Json) -> None:
        at: Any = body
        for step in _steps(path):
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, [])
        at.append(copy.deepcopy(value))

    return spoil


def volume(source: Json) -> Callable[[Json], None]:
    """Return what adds a volume."""
    return add("spec/volumes", {"name": "mauvais", **source})


def all_of(*spoils: Callable[[Json], None]) -> Callable[[Json], None]:
    """Return what does several of them."""

    def spoil(body: Json) -> None:
        for each in spoils:
            each(body)

    return spoil


_C = "spec/containers/0"
_LABELS = "metadata/labels"
_TOKEN = {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}
_DOWN = {"projected": {"sources": [{"downwardAPI": {"items": []}}]}}
_ENV = {"name": "X", "valueFrom": {"secretKeyRef": {"name": "autre", "key": "k"}}}
_PING = {"name": "net.ipv4.ping_group_range", "value": "0 2147483647"}
_SIDECAR = {"name": "de-plus", "image": OTHER, "restartPolicy": "Always"}

PODS = (
    Bad("another image", "image", put(f"{_C}/image", OTHER)),
    Bad("an image by tag", "image", put(f"{_C}/image", "registry.example.org/carnet:latest")),
    Bad("a second container of another image", "image", add("spec/containers", _SIDECAR)),
    Bad("an init container of another image", "image", put("spec/initContainers/0/image", OTHER)),
    Bad("a sidecar", "hooks", put("spec/initContainers/0/restartPolicy", "Always")),
    Bad("no component", "image|labels|hub-name", drop(f"{_LABELS}/vase-clos.lab~component")),
    Bad(
        "another component",
        "image|labels|hub-name",
        put(f"{_LABELS}/vase-clos.lab~component", "place"),
    ),
    Bad(
        "another sandbox's label",
        "labels|hub-name",
        put(f"{_LABELS}/vase-clos.lab~sandbox", "sb-00"),
    ),
    Bad("another lab's label", "labels", put(f"{_LABELS}/vase-clos.lab~lab", "autre")),
    Bad(
        "a probe by the hub",
        "image|owner|hub-name",
        put(f"{_LABELS}/vase-clos.lab~component", "probe"),
    ),
    Bad("another name", "name|hub-name", put("metadata/name", "mineur")),
    Bad("another member's name", "name|hub-name", put("metadata/name", "carnet-m-ffffffffff")),
    Bad("no member", "name|hub-name", drop(f"{_LABELS}/vase-clos.lab~member")),
    Bad("the node's network", "host", put("spec/hostNetwork", value=True)),
    Bad("the node's processes", "host", put("spec/hostPID", value=True)),
    Bad("the node's memory", "host", put("spec/hostIPC", value=True)),
    Bad("users of the node", "host", put("spec/hostUsers", value=True)),
    Bad(
        "a user namespace, which relaxes Pod Security", "host", put("spec/hostUsers", value=False)
    ),
    Bad("one process tree", "host", put("spec/shareProcessNamespace", value=True)),
    Bad(
        "a port of the node",
        "host-port",
        put(f"{_C}/ports", [{"containerPort": 1, "hostPort": 1}]),
    ),
    Bad(
        "privileged",
        "privileged",
        all_of(
            put(f"{_C}/securityContext/privileged", value=True),
            put(f"{_C}/securityContext/allowPrivilegeEscalation", value=True),
        ),
    ),
    Bad(
        "privilege escalation",
        "privileged",
        put(f"{_C}/securityContext/allowPrivilegeEscalation", value=True),
    ),
    Bad("no security context", "privileged", drop(f"{_C}/securityContext")),
    Bad(
        "a capability", "capabilities", put(f"{_C}/securityContext/capabilities/add", ["NET_RAW"])
    ),
    Bad(
        "the capability that Pod Security allows",
        "capabilities",
        put(f"{_C}/securityContext/capabilities/add", ["NET_BIND_SERVICE"]),
    ),
    Bad("capabilities kept", "capabilities", drop(f"{_C}/securityContext/capabilities/drop")),
    Bad(
        "a root that can be written",
        "root-filesystem",
        put(f"{_C}/securityContext/readOnlyRootFilesystem", value=False),
    ),
    Bad(
        "labels of SELinux",
        "root-filesystem",
        put(f"{_C}/securityContext/seLinuxOptions", {"level": "s0"}),
    ),
    Bad("root", "user", put("spec/securityContext/runAsUser", 0)),
    Bad("root in a container", "user", put(f"{_C}/securityContext/runAsUser", 0)),
    Bad("perhaps root", "user", put("spec/securityContext/runAsNonRoot", value=False)),
    Bad("other groups", "user", put("spec/securityContext/supplementalGroups", [10])),
    Bad(
        "no seccomp", "seccomp", put("spec/securityContext/seccompProfile", {"type": "Unconfined"})
    ),
    Bad(
        "a sysctl",
        "seccomp",
        put(
            "spec/securityContext/sysctls", [{"name": "net.ipv4.ping_group_range", "value": "0 1"}]
        ),
    ),
    Bad(
        "raw ICMP for every group",
        "seccomp",
        put("spec/securityContext/sysctls", [_PING]),
    ),
    Bad(
        "a sysctl that Pod Security calls safe, after another",
        "seccomp",
        put(
            "spec/securityContext/sysctls",
            [_PING, {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        ),
    ),
    Bad("a token", "token", put("spec/automountServiceAccountToken", value=True)),
    Bad("a token by default", "token", drop("spec/automountServiceAccountToken")),
    Bad("another account", "token", put("spec/serviceAccountName", RUNTIME)),
    Bad("the cluster's names", "dns", put("spec/dnsPolicy", "ClusterFirst")),
    Bad("the node's names", "dns", put("spec/dnsPolicy", "Default")),
    Bad("a name server", "dns", put("spec/dnsConfig/nameservers", ["192.0.2.53"])),
    Bad("service links", "dns", put("spec/enableServiceLinks", value=True)),
    Bad("a folder of the node", "volumes", volume({"hostPath": {"path": "/"}})),
    Bad("a network folder", "volumes", volume({"nfs": {"server": "192.0.2.1", "path": "/"}})),
    Bad("another secret", "volumes", volume({"secret": {"secretName": "autre"}})),
    Bad("a projected token", "volumes", volume(_TOKEN)),
    Bad("the pod's own fields", "volumes", volume(_DOWN)),
    Bad("a config map", "volumes", volume({"configMap": {"name": "kube-root-ca.crt"}})),
    Bad("a driver's volume", "volumes", volume({"csi": {"driver": "x.example.org"}})),
    Bad(
        "another member's home",
        "volumes",
        volume({"persistentVolumeClaim": {"claimName": "home-m-ffffffffff"}}),
    ),
    Bad("room without limit", "volume-size", volume({"emptyDir": {}})),
    Bad("a secret in the environment", "env", add(f"{_C}/env", _ENV)),
    Bad(
        "an environment from a secret", "env", put(f"{_C}/envFrom", [{"secretRef": {"name": "s"}}])
    ),
    Bad("another runtime", "runtime", put("spec/runtimeClassName", RUNTIME)),
    Bad("another scheduler", "runtime", put("spec/schedulerName", "autre")),
    Bad("a chosen node", "placement", put("spec/nodeName", "node1")),
    Bad("every taint tolerated", "placement", put("spec/tolerations", [{"operator": "Exists"}])),
    Bad("another priority", "priority", put("spec/priorityClassName", "system-node-critical")),
    Bad("no priority", "priority", drop("spec/priorityClassName")),
    Bad("no limits", "limits", drop(f"{_C}/resources")),
    Bad("no limit of memory", "limits", drop(f"{_C}/resources/limits/memory")),
    Bad(
        "a hook on the node's network",
        "hooks",
        put(f"{_C}/lifecycle", {"postStart": {"httpGet": {"host": "192.0.2.1", "port": 80}}}),
    ),
    Bad(
        "a probe on the node's network",
        "hooks",
        put(f"{_C}/livenessProbe", {"httpGet": {"host": "169.254.169.254", "port": 80}}),
    ),
    Bad("another pull secret", "pull-secret", put("spec/imagePullSecrets", [{"name": "autre"}])),
)
