"""What the policy and the people said of a request, as pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from lab.domain.approval import Difference, Measured
from lab.domain.catalogue import Catalogue
from lab.domain.dataset import DataClass
from lab.domain.draft import Step
from lab.domain.ids import MemberId, ProfileId
from lab.domain.member import Member
from lab.domain.request import SandboxRequest
from lab.domain.review import Change, Turn, TurnKind, last_of
from lab.services.deciding import measured
from lab.web import words
from lab.web.language import Language, msg
from lab.web.pages.draft_fields import Offer, label_of, said
from lab.web.pages.listing import name_of
from lab.web.pages.request_form import Choices


@dataclass(frozen=True, slots=True)
class Against:
    """One thing that a rule does not approve by itself."""

    label: str
    asked: str
    allowed: str


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A request held to the policy, in words.

    Attributes:
        rule: What the nearest rule is called; empty where there is none.
        two: Why two people must approve.
    """

    rule: str
    against: Sequence[Against]
    two: Sequence[str]


@dataclass(frozen=True, slots=True)
class TurnView:
    """What somebody did to a request, in words.

    Attributes:
        pairs: Questions, each with its answer, which is empty where there is none yet.
        changes: Label, before and after.
    """

    text: str
    when: str
    pairs: Sequence[tuple[str, str]] = field(default_factory=tuple)
    changes: Sequence[tuple[str, str, str]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Reading:
    """In which language, by which clock and about whom."""

    language: Language
    zone: ZoneInfo
    people: Mapping[MemberId, Member]
    catalogue: Catalogue


def policy_of(
    request: SandboxRequest, catalogue: Catalogue, zone: ZoneInfo, language: Language
) -> PolicyView:
    """Return what is in the way of the nearest rule, asked against allowed."""
    found: Measured = measured(request, catalogue, zone)
    rule = language.either(found.rule.label_fr, found.rule.label_en) if found.rule else ""
    return PolicyView(
        rule=rule,
        against=[_against(each, catalogue, language) for each in found.differences],
        two=[language.either(each.label_fr, each.label_en) for each in found.two],
    )


def _against(difference: Difference, catalogue: Catalogue, language: Language) -> Against:
    what = difference.what
    asked, allowed = (
        ", ".join(_amount(what, one, catalogue, language) for one in side)
        for side in (difference.asked, difference.allowed)
    )
    return Against(language.text(words.DIFFERENCE[what]), asked, allowed)


def _amount(what: str, value: str, catalogue: Catalogue, language: Language) -> str:
    match what:
        case "cpu":
            text = language.cores(int(value))
        case "memory" | "storage":
            text = language.size(int(value))
        case "days":
            text = language.plural("%(n)s jour", "%(n)s jours", int(value))
        case "team":
            text = language.plural("%(n)s personne", "%(n)s personnes", int(value))
        case "data_class":
            text = language.text(words.DATA_CLASS[DataClass(value)])
        case "profile":
            profile = catalogue.profiles.get(ProfileId(value))
            text = language.either(profile.label_fr, profile.label_en) if profile else value
        case _:
            text = value
    return text


def told(turn: Turn, reading: Reading) -> str:
    """Say what was done, and by whom."""
    name = name_of(turn.by, reading.people)
    return reading.language.text(words.TURN[turn.kind], name=name)


def turns_of(turns: Sequence[Turn], reading: Reading) -> list[TurnView]:
    """Return the questions with their answers, and what was changed, first turn first."""
    views: list[TurnView] = []
    for place, turn in enumerate(turns):
        if turn.kind not in {TurnKind.RETURNED, TurnKind.ANSWERED}:
            continue
        when = reading.language.moment(turn.at, reading.zone)
        if turn.kind is TurnKind.RETURNED:
            pairs = [(line, "") for line in turn.lines]
        else:
            asked = last_of(turns[:place], TurnKind.RETURNED)
            pairs = list(zip(asked.lines if asked else (), turn.lines, strict=False))
        changes = [_change(each, reading) for each in turn.changes]
        views.append(TurnView(told(turn, reading), when, pairs, changes))
    return views


def _change(change: Change, reading: Reading) -> tuple[str, str, str]:
    offer = Offer(reading.catalogue, Choices(), reading.language, date.min)
    step = Step(change.step)
    label, _ = label_of(step, change.field, reading.catalogue, reading.language)
    before, after = (
        dict(said(step, {change.field: side}, offer)).get(label, "")
        for side in (change.before, change.after)
    )
    nothing = reading.language.text(msg("Rien"))
    return label, before or nothing, after or nothing


def waits(request: SandboxRequest, now: datetime, language: Language) -> str:
    """Say for how long a request has waited for a reviewer; nothing where it does not."""
    if request.waiting_since is None:
        return ""
    days = (now - request.waiting_since).days
    if days == 0:
        return language.text(msg("moins d’un jour"))
    return language.plural("%(n)s jour", "%(n)s jours", days)
