"""How far a sandbox's end may be put off, and by whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.approval import decide
from lab.domain.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from lab.domain.approval import ApprovalRule, Asked


@dataclass(frozen=True, slots=True)
class Reach:
    """The days between which a new last day may lie.

    Attributes:
        current: The last day as it is.
        own: The latest that the team may choose by itself; ``None`` where a person decides.
        most: The latest for anybody: the agency's longest stay, from the day it was made.
        max_days: That stay, in days.
    """

    current: date
    own: date | None
    most: date
    max_days: int

    def latest(self, *, decides: bool) -> date | None:
        """Return the latest day that may be chosen; ``None`` where none later may."""
        latest = self.most if decides else min(self.own, self.most) if self.own else None
        return latest if latest is not None and latest > self.current else None

    def against(self, ends_on: date, *, decides: bool) -> Problem | None:
        """Say what speaks against a new last day; nothing when it may be chosen.

        Args:
            ends_on: The last full day, in the lab's time zone.
            decides: Whether who asks may go beyond the approval rules.
        """
        if ends_on <= self.current:
            return Problem("ends_on", "not_later", (("latest", str(self.current)),))
        if ends_on > self.most:
            facts = (("latest", str(self.most)), ("days", str(self.max_days)))
            return Problem("ends_on", "too_far", facts)
        latest = self.latest(decides=decides)
        if latest is None:
            return Problem("ends_on", "ask_operator")
        if ends_on > latest:
            return Problem("ends_on", "beyond_rule", (("latest", str(latest)),))
        return None


def reach(rules: Sequence[ApprovalRule], asked: Asked, *, made_on: date, max_days: int) -> Reach:
    """Find how far the end may be put off.

    A rule's days count from the day the sandbox was made, not from today: else
    one small step after the other would lead past what the rule approves.

    Args:
        rules: Those that approve a request without a person.
        asked: The sandbox as it is; its ``ends_on`` is its present last day.
        made_on: In the lab's time zone.
        max_days: The agency's longest stay.
    """
    on_the_day = replace(asked, today=made_on, ends_on=made_on)
    days = [rule.max_days for rule in rules if decide((rule,), on_the_day).is_approved]
    own = made_on + timedelta(days=max(days)) if days else None
    return Reach(asked.ends_on, own, made_on + timedelta(days=max_days), max_days)
