"""What an operator's monitoring is told of the lab: counts and times, and nobody's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.agency import Agency, Usage
    from lab.domain.hours import Account
    from lab.domain.sandbox import Phase, Stage


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the loop of this process has before it.

    Attributes:
        waiting: Sandboxes that wait for a free worker.
        at_work: Those that a worker looks at now.
        later: Those that are looked at again at a set time.
    """

    waiting: int = 0
    at_work: int = 0
    later: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The lab at one moment, as its rows say.

    Attributes:
        phases: How many sandboxes that are not gone are in each.
        took_seconds: For each stage, how long building it took, for the sandboxes there are now.
        failing: By stage and stable code of the last failure, how many sandboxes.
        uncontained: Sandboxes in which something may run while their walls are not proved.
        oldest_proof_seconds: Age of the oldest proof that a ready sandbox stands on; 0 for none.
        unread_seconds: Age of the oldest thing asked for that the loop has not read yet.
        quotas: Each agency, and what is held of its quota.
        accounts: The hours of this month, of each agency that has a budget.
    """

    phases: Mapping[Phase, int]
    took_seconds: Mapping[Stage, Sequence[float]]
    failing: Mapping[tuple[Stage, str], int]
    uncontained: int
    oldest_proof_seconds: float
    unread_seconds: float
    quotas: Sequence[tuple[Agency, Usage]]
    accounts: Sequence[Account] = ()
