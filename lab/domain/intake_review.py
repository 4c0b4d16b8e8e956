"""A re-assessment of what is published (art. 8), and what of an analysis can be made again.

Once a version is published its raw file is destroyed: nothing may keep it longer than its purpose
(LAI, art. 73). So an attack that compares the version with its source cannot be made again. What
can be is: count the published table anew, and hold everything that was found, then and now, to
the thresholds of today. Each review says which was which.

"Art." is the *Règlement sur l'anonymisation des renseignements personnels* (A-2.1, r. 0.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.domain.evidence import PrivacyPolicy, Signature
    from lab.domain.ids import MemberId

NOT_REPEATED = ("attacks", "positive_controls", "distances", "utility")
"""What needs the source, which is destroyed: the figures of the final analysis stand for these."""

_HALF_MONTH_DAYS = 14

RETRY = timedelta(days=1)
"""How long after a review that could not be made the lab tries by itself again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One re-assessment of a published version.

    Attributes:
        by: Who asked for it; ``None`` where the lab did by itself, before the date.
        k: Smallest class of the published table, counted anew; ``None`` where it has no classes.
        report: What was counted anew, JSON types.
        failures: Stable words; empty where the risk is still very low by ``policy``.
        policy: The thresholds of that day.
        not_repeated: What could not be made again, and was held to those thresholds as it was.
        confirmation: Of the competent person (art. 4), where the lab had made it by itself.
    """

    at: datetime
    by: MemberId | None
    k: int | None
    report: Mapping[str, Any]
    failures: tuple[str, ...]
    policy: PrivacyPolicy
    not_repeated: tuple[str, ...] = NOT_REPEATED
    confirmation: Signature | None = None

    @property
    def passes(self) -> bool:
        """Whether the risk is still very low. It is never zero."""
        return not self.failures

    @property
    def is_answered_for(self) -> bool:
        """Whether a person asked for it or confirmed it: a program answers for nothing."""
        return self.by is not None or self.confirmation is not None


def begins_at(next_review_at: datetime, policy: PrivacyPolicy) -> datetime:
    """Return when the lab starts a review by itself: early enough for a person to act.

    Never in the first half of the period: else a lead as long as the period would have each
    review start the next one.
    """
    lead_days = min(policy.review_lead_days, policy.review_months * _HALF_MONTH_DAYS)
    return next_review_at - timedelta(days=lead_days)
