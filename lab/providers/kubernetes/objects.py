"""Compiles the objects of one sandbox. Pure, and complete.

What the server would fill in by itself is written out, so that what is there can be
compared with what was compiled, word for word: a difference is somebody's edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.domain import walls
from lab.domain.egress import Door
from lab.domain.walls import Direction, Peer
from lab.providers.kubernetes import names, quota
from lab.providers.kubernetes.comparing import stamped
from lab.providers.kubernetes.names import Component
from lab.providers.kubernetes.resources import (
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SECRET,
    SERVICE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Sandbox
    from lab.providers.kubernetes.resources import Resource

POD_SECURITY_VERSION = "v1.34"
"""Pinned: a newer cluster must not loosen or tighten what was proved."""

PULL_TYPE, PULL_KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"

DEFAULT_SELECTORS: Mapping[Peer, Mapping[str, str]] = {
    peer: {"app.kubernetes.io/name": "vase-clos", names.PART: peer.value} for peer in Peer
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """What the objects of all sandboxes have in common.

    Attributes:
        namespace: Where the lab itself runs.
        selectors: Labels of the pods of each peer, in that namespace.
    """

    namespace: str
    selectors: Mapping[Peer, Mapping[str, str]]


def namespace(lab: Lab, sandbox: Sandbox, slot: int) -> dict[str, Any]:
    """Compile the namespace: Pod Security ``restricted``, pinned, three times."""
    modes = ("enforce", "audit", "warn")
    security = {f"{names.POD_SECURITY_PREFIX}{mode}": "restricted" for mode in modes}
    security |= {
        f"{names.POD_SECURITY_PREFIX}{mode}-version": POD_SECURITY_VERSION for mode in modes
    }
    metadata = {
        "name": sandbox.id,
        "labels": names.labels(lab.namespace, sandbox.id, Component.PLACE) | security,
        "annotations": {names.SLOT: str(slot)},
    }
    return stamped({**NAMESPACE.header(), "metadata": metadata})


def closed(lab: Lab, sandbox_id: SandboxId) -> dict[str, Any]:
    """Compile the policy that lets nothing in or out of any pod."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return _object(NETWORK_POLICY, names.CLOSED, lab, sandbox_id, {"spec": spec})


def resource_quota(lab: Lab, sandbox: Sandbox) -> dict[str, Any]:
    """Compile the quota."""
    content = {"spec": {"hard": quota.hard(sandbox.spec)}}
    return _object(RESOURCE_QUOTA, names.QUOTA, lab, sandbox.id, content)


def limit_range(lab: Lab, sandbox: Sandbox) -> dict[str, Any]:
    """Compile the limits of one container and of one volume claim."""
    content = {"spec": {"limits": quota.limits(sandbox.spec)}}
    return _object(LIMIT_RANGE, names.LIMITS, lab, sandbox.id, content)


def hub_rights(lab: Lab, sandbox_id: SandboxId) -> dict[str, Any]:
    """Compile what lets the hub make pods and volumes in this namespace."""
    group = "rbac.authorization.k8s.io"
    content = {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": names.HUB_ROLE},
        "subjects": [
            {"kind": "ServiceAccount", "name": names.HUB_ACCOUNT, "namespace": lab.namespace}
        ],
    }
    return _object(ROLE_BINDING, names.HUB_RIGHTS, lab, sandbox_id, content)


def door_service(
    lab: Lab, sandbox_id: SandboxId, slot: int, *, with_wall: bool = True
) -> dict[str, Any]:
    """Compile the Service that gives this sandbox an address of its own at the gateway.

    Args:
        lab: What all have in common.
        sandbox_id: Whose.
        slot: Which ports of the gateway are its own.
        with_wall: Give it the port that no policy opens, too.
    """
    at_gateway = names.gateway_ports(slot)
    inside = {way.name: way.port for way in walls.ways(Door) if way.name in at_gateway}
    if with_wall:
        at_gateway[walls.WALL] = walls.WALL_PORT_AT_GATEWAY
        inside[walls.WALL] = walls.WALL_PORT
    spec = {
        "type": "ClusterIP",
        "selector": dict(lab.selectors[Peer.GATEWAY]),
        "ports": [
            {"name": name, "protocol": "TCP", "port": inside[name], "targetPort": port}
            for name, port in at_gateway.items()
        ],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
        "sessionAffinity": "None",
    }
    return _object(
        SERVICE,
        names.door_service(sandbox_id),
        lab,
        sandbox_id,
        {"spec": spec},
        component=Component.DOORS,
        in_namespace=lab.namespace,
    )


def door_policy(
    lab: Lab, sandbox_id: SandboxId, slot: int, doors: Iterable[Door]
) -> dict[str, Any]:
    """Compile the one policy that opens anything: the ways of the profile, at this slot."""
    at_gateway = names.gateway_ports(slot)
    opened: dict[Direction, dict[Peer, list[int]]] = {direction: {} for direction in Direction}
    for way in walls.ways(doors):
        port = at_gateway[way.name] if way.peer is Peer.GATEWAY else way.port
        opened[way.direction].setdefault(way.peer, []).append(port)
    spec = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [_rule(lab, "to", *way) for way in opened[Direction.OUT].items()],
        "ingress": [_rule(lab, "from", *way) for way in opened[Direction.IN].items()],
    }
    return _object(
        NETWORK_POLICY,
        names.DOORS,
        lab,
        sandbox_id,
        {"spec": spec},
        component=Component.DOORS,
    )


def access(lab: Lab, sandbox_id: SandboxId, values: Mapping[str, str]) -> dict[str, Any]:
    """Compile the Secret whose files become the notebook's environment."""
    content = {"type": "Opaque", "stringData": dict(values)}
    return _object(SECRET, names.ACCESS, lab, sandbox_id, content)


def pull_secret(lab: Lab, sandbox_id: SandboxId, name: str, content: str) -> dict[str, Any]:
    """Compile the Secret that pods pull images with; ``content`` as another Secret has it."""
    made = {"type": PULL_TYPE, "data": {PULL_KEY: content}}
    return _object(SECRET, name, lab, sandbox_id, made)


def _rule(lab: Lab, side: str, peer: Peer, ports: list[int]) -> dict[str, Any]:
    selected = {
        "namespaceSelector": {"matchLabels": {names.NAMESPACE_NAME: lab.namespace}},
        "podSelector": {"matchLabels": dict(lab.selectors[peer])},
    }
    return {side: [selected], "ports": [{"protocol": "TCP", "port": port} for port in ports]}


def _object(
    resource: Resource,
    name: str,
    lab: Lab,
    sandbox_id: SandboxId,
    content: Mapping[str, Any],
    *,
    component: Component = Component.PLACE,
    in_namespace: str = "",
) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": in_namespace or sandbox_id,
        "labels": names.labels(lab.namespace, sandbox_id, component),
    }
    return stamped({**resource.header(), "metadata": metadata, **content})
