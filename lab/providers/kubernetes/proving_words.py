"""How a proof that does not hold is told: the holes first, then the probes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.containment import Expected
from lab.domain.holes import Hole

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
    holes = dict.fromkeys(hole_of(result.name).value for result in failed)
    return f"{', '.join(holes)}: {few(names)}" if names else ""


_HOLES = (
    # What a name holds, and what it is about; the first that fits.
    (("link", "all-nodes6", "all-routers6", "solicited6"), Hole.LINK_LOCAL),
    (("all-nodes4", "broadcast", "mdns"), Hole.MULTICAST),
    (("metadata",), Hole.METADATA),
    (("kubelet", "node-"), Hole.NODE),
    (("kubernetes-api",), Hole.API),
    (("dns", "look-up"), Hole.NAMES),
    (("internet",), Hole.INTERNET),
    (("-pod-", "-service-"), Hole.OTHER_SANDBOXES),
    (("other-door",), Hole.OTHER_DOORS),
    (("lab-",), Hole.LAB_SERVICES),
    (("door-",), Hole.OWN_DOORS),
    ((SILENT,), Hole.SEEN_BY_WITNESSES),
    ((SETTLED,), Hole.LATE_WALLS),
)


def hole_of(name: str) -> Hole:
    """Return what a probe's name is about."""
    return next((hole for parts, hole in _HOLES if any(part in name for part in parts)), Hole.POD)


def few(names: Sequence[str]) -> str:
    """Return the first of them, and how many more there are."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
