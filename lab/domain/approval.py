"""Decide whether a request is approved at once. Pure; the rules are data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import Resources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from lab.domain.dataset import DataClass
    from lab.domain.ids import ProfileId


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """One rule of ``policies/approval.yaml``: all of its limits must hold.

    Attributes:
        max_resources: Inclusive, each unit on its own.
        max_days: From today to the last day, inclusive.
        max_team: People, the requester included.
    """

    id: str
    label_fr: str
    label_en: str
    max_resources: Resources
    max_days: int
    max_team: int
    data_classes: frozenset[DataClass]
    profiles: frozenset[ProfileId]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules look at."""

    resources: Resources
    today: date
    ends_on: date
    team_size: int
    data_classes: frozenset[DataClass]
    profile_id: ProfileId


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of a request.

    Attributes:
        rule: The rule that approves it; ``None`` sends it to review.
        reasons: When it goes to review: stable words for what every rule
            found, for example ``resources``, ``days``, ``data_class``.
    """

    rule: ApprovalRule | None
    reasons: tuple[str, ...] = ()

    @property
    def is_approved(self) -> bool:
        """Tell whether no person has to look at it."""
        return self.rule is not None


def decide(rules: Sequence[ApprovalRule], asked: Asked) -> Decision:
    """Find the first rule that approves, or say why none does.

    Args:
        rules: In order.
        asked: What is asked for.

    Returns:
        The decision; with no rule that fits, the reasons of the nearest one.
    """
    nearest: tuple[str, ...] | None = None
    for rule in rules:
        against = tuple(_against(rule, asked))
        if not against:
            return Decision(rule)
        if nearest is None or len(against) < len(nearest):
            nearest = against
    return Decision(None, nearest or ("no_rule",))


@dataclass(frozen=True, slots=True)
class AskedSoFar:
    """What is known of a request that is being written; ``None`` is not answered yet."""

    today: date
    resources: Resources | None = None
    ends_on: date | None = None
    team_size: int = 1
    data_classes: frozenset[DataClass] = frozenset()
    profile_id: ProfileId | None = None


def decide_so_far(rules: Sequence[ApprovalRule], known: AskedSoFar) -> Decision:
    """Say what the policy would do, if what is not answered yet were modest.

    The reasons of a request that goes to review only grow with more answers, never shrink:
    what is not answered counts as what the rule allows.
    """
    nearest: Decision | None = None
    for rule in rules:
        asked = Asked(
            resources=known.resources or Resources(),
            today=known.today,
            ends_on=known.ends_on or known.today,
            team_size=known.team_size,
            data_classes=known.data_classes,
            profile_id=known.profile_id or next(iter(rule.profiles)),
        )
        decision = decide([rule], asked)
        if decision.is_approved:
            return decision
        if nearest is None or len(decision.reasons) < len(nearest.reasons):
            nearest = decision
    return nearest or Decision(None, ("no_rule",))


def _against(rule: ApprovalRule, asked: Asked) -> list[str]:
    checks = {
        "resources": asked.resources.fits_in(rule.max_resources),
        "days": (asked.ends_on - asked.today).days <= rule.max_days,
        "team": asked.team_size <= rule.max_team,
        "data_class": asked.data_classes <= rule.data_classes,
        "profile": asked.profile_id in rule.profiles,
    }
    return [word for word, holds in checks.items() if not holds]
