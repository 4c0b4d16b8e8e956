"""How a proof that does not hold is told: the holes first, then the probes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.containment import Expected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.containment import Proof

SILENT = "silent-connections"
SETTLED = "walls-settled"
_MOST_NAMED = 12


def failures(proof: Proof) -> str:
    """Name the probes that do not hold, in one line, the holes first."""
    failed = [result for result in proof.results if not result.holds]
    names = [
        f"{r.name} ({r.outcome.value}{', arrived' if r.arrivals else ''})"
        if r.expected is Expected.BLOCKED
        else f"{r.name} (must work: {r.detail or r.outcome.value})"
        for r in failed
    ]
    holes = dict.fromkeys(hole_of(result.name) for result in failed)
    return f"{', '.join(holes)}: {few(names)}" if names else ""


_HOLES = (
    # What a name holds, and what an operator calls it; the first that fits.
    (("link", "all-nodes6", "all-routers6", "solicited6"), "IPv6 link-local"),
    (("all-nodes4", "broadcast", "mdns"), "multicast"),
    (("metadata",), "metadata address"),
    (("kubelet", "node-"), "node"),
    (("kubernetes-api",), "Kubernetes API"),
    (("dns", "look-up"), "name resolution"),
    (("internet",), "internet"),
    (("-pod-", "-service-"), "other sandboxes"),
    (("other-door",), "doors of other sandboxes"),
    (("lab-",), "services of the lab"),
    (("door-",), "own doors"),
    ((SILENT,), "connections seen by witnesses"),
    ((SETTLED,), "policies not in force at the pod's start"),
)


def hole_of(name: str) -> str:
    """Return what a probe's name is about, in an operator's words."""
    return next(
        (word for parts, word in _HOLES if any(part in name for part in parts)), "the pod itself"
    )


def few(names: Sequence[str]) -> str:
    """Return the first of them, and how many more there are."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
