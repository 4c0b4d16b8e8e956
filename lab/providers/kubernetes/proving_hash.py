"""What a proof is of, as a hash: the sandbox's walls, and the cluster around them. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def spec_hash(walls: str, around: str) -> str:
    """Put the two halves together.

    Args:
        walls: Of the sandbox's own walls: another one, and the proof counts no more.
        around: Of the cluster around them: another one, and a new proof is due.
    """
    return f"{walls}.{around}"


def walls_of(text: str) -> str:
    """Return the first half."""
    return text.partition(".")[0]


def around_of(text: str) -> str:
    """Return the second half."""
    return text.partition(".")[2]


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
