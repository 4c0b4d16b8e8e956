"""What a proof that does not hold has found open, in words that screens can translate.

A provider writes them at the head of its message, before the names of the probes; screens
read them back and say them in their language. The names are for operators.
"""

from __future__ import annotations

import re
from enum import Enum

_HEAD = re.compile(r"does not hold: ([A-Za-z0-9 ,'-]+): ", re.ASCII)
NOT_ENFORCED = "does not enforce NetworkPolicy"


class Hole(Enum):
    """One kind of opening. The value is what operators read."""

    LINK_LOCAL = "IPv6 link-local"
    MULTICAST = "multicast"
    METADATA = "metadata address"
    NODE = "node"
    API = "Kubernetes API"
    NAMES = "name resolution"
    INTERNET = "internet"
    OTHER_SANDBOXES = "other sandboxes"
    OTHER_DOORS = "doors of other sandboxes"
    LAB_SERVICES = "services of the lab"
    OWN_DOORS = "own doors"
    """The one that is no opening: a door that must open does not, or one too many does."""
    SEEN_BY_WITNESSES = "connections seen by witnesses"
    LATE_WALLS = "policies not in force at the pod's start"
    POD = "the pod itself"
    UNENFORCED = "network policies"
    """The cluster carries none of them out."""


def read(detail: str) -> tuple[Hole, ...]:
    """Return the openings that a message names; none where it speaks of something else."""
    if NOT_ENFORCED in detail:
        return (Hole.UNENFORCED,)
    found = _HEAD.search(detail)
    words = found[1].split(", ") if found else []
    return tuple(hole for hole in Hole if hole.value in words)
