"""What a proof is of, as a hash: the sandbox's walls, and the cluster around them. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def spec_hash(walls: Mapping[str, object], around: Mapping[str, object]) -> str:
    """Hash what a proof is of, in two halves: the sandbox's walls, and the cluster around.

    Args:
        walls: Change, and the proof counts no more.
        around: Change, and a new proof is due.
    """
    return f"{digest(walls)}.{digest(around)}"


def digest(content: Mapping[str, object]) -> str:
    """Return the hexadecimal SHA-256 of its canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def around(nodes: Iterable[Mapping[str, Any]]) -> dict[str, object]:
    """Return what of the cluster a proof depends on: its nodes, and how they make networks.

    A CNI leaves its name on nodes, in annotations, and nowhere else that every cluster has.

    Args:
        nodes: As the API server lists them.
    """
    found: dict[str, object] = {}
    for node in nodes:
        metadata, info = node["metadata"], node.get("status", {}).get("nodeInfo", {})
        marks = sorted({*metadata.get("annotations", {})} - _PASSING)
        versions = [info.get(key, "") for key in ("kernelVersion", "containerRuntimeVersion")]
        found[metadata["name"]] = [metadata.get("uid", ""), *versions, marks]
    return found


_PASSING = frozenset({
    "volumes.kubernetes.io/controller-managed-attach-detach",
    "node.alpha.kubernetes.io/ttl",
    "kubectl.kubernetes.io/last-applied-configuration",
    "cluster-autoscaler.kubernetes.io/scale-down-disabled",
})
