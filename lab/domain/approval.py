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
class TwoRule:
    """What two people must approve: each condition that is given holds.

    Attributes:
        data_classes: At least one of the data sets is of one of them; empty for any.
        min_gpu: At least so many devices are asked for.
        other_profiles: The egress profile is none of these; empty for any.
    """

    id: str
    label_fr: str
    label_en: str
    data_classes: frozenset[DataClass] = frozenset()
    min_gpu: int = 0
    other_profiles: frozenset[ProfileId] = frozenset()

    def applies(self, asked: Asked) -> bool:
        """Tell whether two people must approve it."""
        return (
            (not self.data_classes or bool(asked.data_classes & self.data_classes))
            and asked.resources.gpu_count >= self.min_gpu
            and asked.profile_id not in self.other_profiles
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a request is not what a rule approves.

    Attributes:
        what: ``cpu`` (millicores), ``memory`` and ``storage`` (bytes), ``gpu`` (devices),
            ``days``, ``team`` (people), ``data_class`` or ``profile`` (names).
        asked: What the request asks for, of names only those that are not allowed.
        allowed: What the rule allows at most; names in order.
    """

    what: str
    asked: tuple[str, ...]
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """A request held to the rules.

    Attributes:
        rule: The nearest one; ``None`` where there is none at all.
        differences: From it; empty where it would approve.
        two: Why two people must approve; empty where one is enough.
    """

    rule: ApprovalRule | None
    differences: tuple[Difference, ...]
    two: tuple[TwoRule, ...]


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


def decide(rules: Sequence[ApprovalRule], asked: Asked, two: Sequence[TwoRule] = ()) -> Decision:
    """Find the first rule that approves, or say why none does.

    Args:
        rules: In order.
        asked: What is asked for.
        two: What two people must approve, so that no rule does.

    Returns:
        The decision; with no rule that fits, the reasons of the nearest one.
    """
    needs_two = ("two_approvals",) if any(rule.applies(asked) for rule in two) else ()
    nearest: tuple[str, ...] | None = None
    for rule in rules:
        against = (*_against(rule, asked), *needs_two)
        if not against:
            return Decision(rule)
        if nearest is None or len(against) < len(nearest):
            nearest = against
    return Decision(None, nearest or ("no_rule",))


def measure(rules: Sequence[ApprovalRule], two: Sequence[TwoRule], asked: Asked) -> Measured:
    """Hold a request to the rules: what is in the way of the nearest, asked against allowed."""
    found = [(rule, _differences(rule, asked)) for rule in rules]
    rule, differences = min(found, key=lambda pair: len(pair[1]), default=(None, ()))
    return Measured(rule, differences, tuple(each for each in two if each.applies(asked)))


def _differences(rule: ApprovalRule, asked: Asked) -> tuple[Difference, ...]:
    most, mine = rule.max_resources, asked.resources
    amounts = (
        ("cpu", mine.cpu_millicores, most.cpu_millicores),
        ("memory", mine.memory_bytes, most.memory_bytes),
        ("storage", mine.storage_bytes, most.storage_bytes),
        ("gpu", mine.gpu_count, most.gpu_count),
        ("days", (asked.ends_on - asked.today).days, rule.max_days),
        ("team", asked.team_size, rule.max_team),
    )
    found = [Difference(w, (str(a),), (str(m),)) for w, a, m in amounts if a > m]
    classes = {c.value for c in asked.data_classes - rule.data_classes}
    if classes:
        allowed = sorted(c.value for c in rule.data_classes)
        found.append(Difference("data_class", tuple(sorted(classes)), tuple(allowed)))
    if asked.profile_id not in rule.profiles:
        found.append(Difference("profile", (asked.profile_id,), tuple(sorted(rule.profiles))))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class AskedSoFar:
    """What is known of a request that is being written; ``None`` is not answered yet."""

    today: date
    resources: Resources | None = None
    ends_on: date | None = None
    team_size: int = 1
    data_classes: frozenset[DataClass] = frozenset()
    profile_id: ProfileId | None = None


def decide_so_far(
    rules: Sequence[ApprovalRule], known: AskedSoFar, two: Sequence[TwoRule] = ()
) -> Decision:
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
        decision = decide([rule], asked, two)
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
