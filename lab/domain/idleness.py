"""When a notebook server that nobody uses ends, and from when on its person is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_LEAD = timedelta(minutes=15)
_SHARE = 4
"""Where a quarter of the limit is shorter, that is the lead."""


@dataclass(frozen=True, slots=True)
class IdleRule:
    """After how long without any use a notebook server ends.

    Attributes:
        limit: Zero for never.
    """

    limit: timedelta

    @property
    def is_on(self) -> bool:
        """Tell whether servers end for want of use at all."""
        return self.limit > timedelta(0)

    @property
    def lead(self) -> timedelta:
        """How long before the end the person is told."""
        return min(LONGEST_LEAD, self.limit / _SHARE)

    def stops_at(self, used_at: datetime) -> datetime | None:
        """Return when it ends without any more use (UTC); nothing where it never does."""
        return used_at + self.limit if self.is_on else None

    def told_of(self, used_at: datetime, now: datetime) -> datetime | None:
        """Return when it ends where that is so near that the person is told now.

        An end that has passed is not told of: the server has ended, or is in use after all.
        """
        end = self.stops_at(used_at)
        return end if end is not None and end - self.lead <= now < end else None
