"""A request that is being written: its steps, what each asks, and what is answered so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from lab.domain.errors import Problem
from lab.domain.request import LONGEST_PURPOSE, RequestDraft
from lab.domain.text import checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.ids import AgencyId, DraftId, MemberId, RequestId
    from lab.domain.questionnaire import Questionnaire

    Values = Mapping[str, tuple[str, ...]]

LONGEST_LINE, LONGEST_TEXT, LONGEST_NAME, MOST_NAMES = 200, LONGEST_PURPOSE, 200, 100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Step(Enum):
    """One page of the guided request, in the order of the task list."""

    PEOPLE = "people"
    PURPOSE = "purpose"
    DATA = "data"
    USE = "use"
    RESOURCES = "resources"
    EGRESS = "egress"
    TEAM = "team"
    PRIVACY = "privacy"
    READINESS = "readiness"
    RELEVANCE = "relevance"


ADVICE = (Step.PRIVACY, Step.READINESS, Step.RELEVANCE)
"""Steps that advise: their questions are data, every answer is optional, none blocks."""

TASKS = tuple(step for step in Step if step not in ADVICE)
"""Steps that a request cannot do without."""


class UseCase(Enum):
    """What the experiment shall do."""

    PREDICT = "predict"
    CLASSIFY = "classify"
    GROUP = "group"
    TEXT = "text"
    OTHER = "other"


class Support(Enum):
    """What company a team wishes for."""

    NONE = "none"
    START = "start"
    REGULAR = "regular"


class Kind(Enum):
    """How a field is answered."""

    LINE = "line"
    TEXT = "text"
    CHOICE = "choice"
    CHOICES = "choices"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Ask:
    """One field of one step.

    Attributes:
        longest: In characters, inclusive; of a text.
        choices: What can be chosen, where the code knows it; ``None`` where the lab must be
            asked (a data set, a size).
    """

    name: str
    kind: Kind
    longest: int = LONGEST_NAME
    is_required: bool = True
    choices: frozenset[str] | None = None


ASKS: Mapping[Step, tuple[Ask, ...]] = MappingProxyType({
    Step.PEOPLE: (
        Ask("sponsor", Kind.LINE, LONGEST_LINE),
        Ask("contact", Kind.LINE, LONGEST_LINE, is_required=False),
    ),
    Step.PURPOSE: (
        Ask("purpose", Kind.TEXT, LONGEST_TEXT),
        Ask("success", Kind.TEXT, LONGEST_TEXT),
    ),
    Step.DATA: (
        Ask("datasets", Kind.CHOICES),
        Ask("legal_basis", Kind.TEXT, LONGEST_TEXT),
    ),
    Step.USE: (
        Ask("use", Kind.CHOICE, choices=frozenset(each.value for each in UseCase)),
        Ask("template", Kind.CHOICE),
    ),
    Step.RESOURCES: (Ask("size", Kind.CHOICE), Ask("ends_on", Kind.DAY)),
    Step.EGRESS: (
        Ask("profile", Kind.CHOICE),
        Ask("egress_reason", Kind.TEXT, LONGEST_TEXT),
    ),
    Step.TEAM: (
        Ask("colleagues", Kind.CHOICES, is_required=False),
        Ask("support", Kind.CHOICE, choices=frozenset(each.value for each in Support)),
        Ask("support_note", Kind.TEXT, LONGEST_TEXT, is_required=False),
    ),
})


def asks_of(step: Step, questionnaires: Mapping[str, Questionnaire]) -> tuple[Ask, ...]:
    """Return what a step asks; of a step that advises, what its questionnaire holds today."""
    if step in ASKS:
        return ASKS[step]
    found = questionnaires.get(step.value)
    return tuple(
        Ask(
            question.id,
            Kind.CHOICE,
            is_required=False,
            choices=frozenset(choice.id for choice in question.choices),
        )
        for question in (found.questions if found else ())
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered on one page.

    Attributes:
        version: Of the draft, when this was saved.
        by: Who saved it.
    """

    values: Values
    version: int
    by: MemberId
    at: datetime


class StepState(Enum):
    """How far a step is."""

    TODO = "todo"
    STARTED = "started"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that is being written. Whoever may ask for the agency may go on with it.

    Attributes:
        answers: From step to what was answered; a step never saved is not in it.
        request_id: What it became; it changes no more then.
        revises_id: The returned request whose answers it changes. Its answers to the questions
            send it in, nothing else does.
        version: Grows by one on each write.
    """

    id: DraftId
    agency_id: AgencyId
    author_id: MemberId
    opened_at: datetime
    updated_at: datetime
    answers: Mapping[Step, Answered] = field(default_factory=lambda: MappingProxyType({}))
    request_id: RequestId | None = None
    revises_id: RequestId | None = None
    version: int = 0

    @property
    def writers(self) -> frozenset[MemberId]:
        """Whose answers it holds. Words that somebody else wrote anew since are not theirs."""
        return frozenset(each.by for each in self.answers.values())

    def answered(self, step: Step, values: Values, *, by: MemberId, at: datetime) -> Draft:
        """Return it with one page answered."""
        new = Answered(MappingProxyType(dict(values)), self.version + 1, by, at)
        return replace(self, answers=MappingProxyType({**self.answers, step: new}), updated_at=at)

    def filed(self, request_id: RequestId, at: datetime) -> Draft:
        """Return it as sent in."""
        return replace(self, request_id=request_id, updated_at=at)

    def values(self, step: Step) -> Values:
        """Return what was answered on a page; nothing where it was never saved."""
        found = self.answers.get(step)
        return found.values if found else {}

    def one(self, step: Step, name: str) -> str:
        """Return one answer, or nothing."""
        return next(iter(self.values(step).get(name, ())), "")

    def state(self, step: Step, questionnaires: Mapping[str, Questionnaire]) -> StepState:
        """Tell how far a step is."""
        values, asks = self.values(step), asks_of(step, questionnaires)
        needed = [ask for ask in asks if ask.is_required or step in ADVICE]
        if not any(values.values()):
            return StepState.TODO
        is_whole = all(values.get(ask.name) for ask in needed)
        return StepState.DONE if is_whole else StepState.STARTED

    def changed_since(self, version: int) -> tuple[Step, ...]:
        """Name the steps that were saved after a version, in their order."""
        return tuple(s for s in Step if s in self.answers and self.answers[s].version > version)

    def missing(self) -> list[Problem]:
        """Name what a request cannot do without and nobody answered yet."""
        return [
            Problem(ask.name, "required")
            for step in TASKS
            for ask in ASKS[step]
            if ask.is_required and not self.values(step).get(ask.name)
        ]

    def asked(self, *, otherwise: date) -> RequestDraft:
        """Return what it asks for.

        Args:
            otherwise: The last day, where none is answered.
        """
        day = self.one(Step.RESOURCES, "ends_on")
        return RequestDraft(
            agency_id=self.agency_id,
            purpose=self.one(Step.PURPOSE, "purpose"),
            datasets=self.values(Step.DATA).get("datasets", ()),
            template=self.one(Step.USE, "template"),
            size=self.one(Step.RESOURCES, "size"),
            profile=self.one(Step.EGRESS, "profile"),
            ends_on=date.fromisoformat(day) if day else otherwise,
            colleagues=self.values(Step.TEAM).get("colleagues", ()),
        )

    def content(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Return every answer, as the request keeps it."""
        return {step.value: dict(self.values(step)) for step in Step if self.values(step)}


def checked_values(
    asks: Sequence[Ask], typed: Mapping[str, Sequence[str]], *, is_partial: bool = False
) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """Return what was typed, as it is kept, and what is wrong with it.

    Args:
        asks: What the step asks.
        typed: From field to what was given.
        is_partial: Whether what is missing may be missing for now.
    """
    known = {ask.name for ask in asks}
    problems = [Problem(name[:64], "unknown_field") for name in sorted(set(typed) - known)]
    values: dict[str, tuple[str, ...]] = {}
    for ask in asks:
        given = tuple(dict.fromkeys(v for v in typed.get(ask.name, ()) if v.strip()))
        if given:
            values[ask.name] = _checked(ask, given, problems)
        elif ask.is_required and not is_partial:
            problems.append(Problem(ask.name, "required"))
    return values, problems


def _checked(ask: Ask, given: tuple[str, ...], problems: list[Problem]) -> tuple[str, ...]:
    if ask.kind is not Kind.CHOICES and len(given) > 1:
        problems.append(Problem(ask.name, "bad_value"))
    elif len(given) > MOST_NAMES:
        problems.append(Problem(ask.name, "too_many", (("most", str(MOST_NAMES)),)))
    match ask.kind:
        case Kind.LINE | Kind.TEXT:
            lines = ask.kind is Kind.TEXT
            text = checked(
                ask.name, given[0], longest=ask.longest, report=problems.append, lines=lines
            )
            return (text,)
        case Kind.DAY:
            if not _is_day(given[0]):
                problems.append(Problem(ask.name, "bad_date"))
        case Kind.CHOICE | Kind.CHOICES:
            problems += [
                Problem(ask.name, "unknown", (("name", name[:64]),))
                for name in given[:MOST_NAMES]
                if len(name) > ask.longest or not _is_offered(ask, name)
            ]
    return given


def _is_offered(ask: Ask, name: str) -> bool:
    return ask.choices is None or name in ask.choices


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
