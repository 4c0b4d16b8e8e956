"""What a trial of the cluster's network says: pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lab.domain import holes
from lab.domain.ids import SandboxId
from lab.providers.kubernetes.containment_runs import Ended

if TYPE_CHECKING:
    from lab.providers.kubernetes.proving import Arrivals, Run

NOT_ENFORCED = (
    f"this cluster {holes.NOT_ENFORCED}: under deny-all a probe reached {{arrived}}; "
    "no sandbox is made here. Install a network plugin that enforces policies "
    "(Calico, Cilium, kube-router…); it is tried again every five minutes"
)


@dataclass(frozen=True, slots=True)
class Decoys:
    """Two namespaces like a sandbox's, that last for one trial.

    Attributes:
        closed: Under deny-all.
        opened: Without any policy.
    """

    closed: SandboxId
    opened: SandboxId

    @classmethod
    def of(cls, lab: str) -> Decoys:
        """Name those of one lab: two labs of one cluster do not meet."""
        mark = hashlib.sha256(lab.encode()).hexdigest()[:6]
        return cls(SandboxId(f"sb-dec{mark}0"), SandboxId(f"sb-dec{mark}1"))

    def both(self) -> tuple[SandboxId, SandboxId]:
        """Return both."""
        return self.closed, self.opened


class Verdict(Enum):
    """What is known of the cluster's network."""

    UNKNOWN = "unknown"
    ENFORCED = "enforced"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Trial:
    """What one trial found.

    Attributes:
        detail: What arrived where nothing may, or why nothing is known.
    """

    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decoyed:
    """What came of the run in one decoy."""

    run: Run
    ended: Ended
    arrivals: Arrivals

    def arrived(self) -> list[str]:
        """Name the probes that a witness saw."""
        asked = [item.probe.name for item in self.run.planned]
        return [name for name in asked if self.arrivals.names.get(name)]


def judge(shut: Decoyed, opened: Decoyed) -> Trial:
    """Weigh both runs. Pure.

    Arrivals under deny-all settle it, whatever else happened. That nothing arrived says
    something only if the probes ran to their end, and if the same ones arrive in the open.
    """
    arrived = shut.arrived()
    if arrived:
        return Trial(Verdict.IGNORED, NOT_ENFORCED.format(arrived=", ".join(arrived[:6])))
    reached = {name.partition("-")[0] for name in opened.arrived()}
    if "tcp4" not in reached or "udp4" not in reached:
        return Trial(
            Verdict.UNKNOWN,
            "the network carries nothing between namespaces even without a policy: "
            "whether it enforces policies cannot be seen",
        )
    match shut.ended:
        case Ended.WELL:
            return Trial(Verdict.ENFORCED)
        case Ended.BADLY:
            return Trial(
                Verdict.UNKNOWN, "a probe under deny-all did not run to its end, or got an answer"
            )
        case Ended.GONE | Ended.NOT_YET:
            return Trial(Verdict.UNKNOWN, "the probes under deny-all did not run")
