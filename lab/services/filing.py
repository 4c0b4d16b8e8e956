"""What is asked about requests, and what is told of one that was sent in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.agency import Usage
    from lab.domain.approval import Decision
    from lab.domain.dataset import DataClass
    from lab.domain.hours import Account, Metered
    from lab.domain.ids import AgencyId
    from lab.domain.request import SandboxRequest


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a draft that was sent in.

    Attributes:
        is_replay: The same key had filed it before; nothing was done now.
    """

    request: SandboxRequest
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a draft.

    Attributes:
        left: What the agency's quota, and the person's own, have left before it.
        own_left: What the person's own has left; nothing where there is none.
        account: The agency's hours of the month.
    """

    decision: Decision
    asked: Usage
    left: Usage
    own_left: Usage | None
    account: Account

    @property
    def lacking(self) -> Metered | None:
        """What it needs that there are no hours of this month, or nothing."""
        return self.account.spent_for(self.asked.resources)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list of requests is narrowed down by.

    Attributes:
        waiting_days: It waits for a reviewer since so many days at least; 0 for any.
        needs_two: Two people must approve it.
        is_mine: The actor may still decide about it; for who asks, takes part in it.
    """

    agency_id: AgencyId | None = None
    data_class: DataClass | None = None
    waiting_days: int = 0
    needs_two: bool = False
    is_mine: bool = False

    def waiting_before(self, now: datetime) -> datetime | None:
        """Return the latest moment that counts as waiting long enough."""
        return now - timedelta(days=self.waiting_days) if self.waiting_days else None
