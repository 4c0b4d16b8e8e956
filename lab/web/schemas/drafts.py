"""Requests that are being written, on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from lab.domain.draft import ADVICE, Draft, Kind, Step, StepState, asks_of
from lab.domain.ids import MemberId
from lab.domain.member import Member
from lab.domain.questionnaire import Assessment, Questionnaire
from lab.services.outlook import DraftView, Outlook
from lab.web.schemas.common import Body, Name, Out, PersonOut, Text, UsageOut
from lab.web.schemas.requests import person

Given = Annotated[Text, Field(max_length=20_000)] | Annotated[list[Name], Field(max_length=200)]


class DraftIn(Body):
    """For which agency a request is written. / Pour quel organisme une demande est écrite."""

    agency_id: Name


class AnswersIn(Body):
    """The answers of one step, which take the place of its earlier ones. / Réponses d’une étape.

    Attributes:
        answers: From field to a text, or to a list where several can be chosen.
        partial: Whether what is missing may be missing for now.
    """

    answers: Annotated[dict[Name, Given], Field(max_length=50)]
    partial: bool = False

    def typed(self) -> dict[str, tuple[str, ...]]:
        """Return them as the domain knows them."""
        return {
            name: (given,) if isinstance(given, str) else tuple(given)
            for name, given in self.answers.items()
        }


class StepOut(Out):
    """One step. / Une étape.

    Attributes:
        advises: Whether it only advises: nothing of it is needed to send the request.
        fields: What it asks, in order.
    """

    step: Step
    state: StepState
    advises: bool
    fields: list[str]
    answers: dict[str, str | list[str]]
    version: int | None
    saved_at: datetime | None
    saved_by: PersonOut | None


class OutlookOut(Out):
    """What would become of it, as far as it is answered. / Ce qu’il en adviendrait.

    Attributes:
        frees_at: When the quota has room for it; nothing where it has room now, or never.
        spent: What it needs that there are no hours of this month; nothing where there are.
    """

    decision: Literal["approved", "review"]
    rule: str
    reasons: list[str]
    asked: UsageOut
    left: UsageOut
    fits: bool
    frees_at: datetime | None
    spent: Literal["cpu", "gpu"] | None

    @classmethod
    def of(cls, outlook: Outlook) -> OutlookOut:
        """Write it."""
        rule = outlook.decision.rule
        return cls(
            decision="approved" if rule else "review",
            rule=rule.id if rule else "",
            reasons=list(outlook.decision.reasons),
            asked=UsageOut.of_usage(outlook.asked),
            left=UsageOut.of_usage(outlook.left),
            fits=outlook.fits,
            frees_at=outlook.frees_at,
            spent=outlook.lacking.value if outlook.lacking else None,
        )


class AdviceOut(Out):
    """What the answers of one questionnaire come to. / Ce que donnent les réponses.

    Attributes:
        level_fr: Empty until every question is answered, or where there are no levels.
    """

    questionnaire: str
    answered: int
    asked: int
    level_fr: str
    level_en: str
    advice_fr: list[str]
    advice_en: list[str]

    @classmethod
    def of(cls, name: str, found: Assessment) -> AdviceOut:
        """Write it."""
        level = found.level
        own_fr, own_en = ([level.advice_fr], [level.advice_en]) if level else ([], [])
        return cls(
            questionnaire=name,
            answered=found.answered,
            asked=found.asked,
            level_fr=level.label_fr if level else "",
            level_en=level.label_en if level else "",
            advice_fr=own_fr + [choice.advice_fr for choice in found.advice],
            advice_en=own_en + [choice.advice_en for choice in found.advice],
        )


class DraftBriefOut(Out):
    """A request being written, in a list. / Une demande en cours d’écriture.

    Attributes:
        revises_id: The returned request whose answers it changes.
    """

    id: str
    agency_id: str
    author: PersonOut
    purpose: str
    opened_at: datetime
    updated_at: datetime
    request_id: str | None
    revises_id: str | None
    version: int

    @classmethod
    def of(cls, draft: Draft, people: Mapping[MemberId, Member]) -> DraftBriefOut:
        """Write it, with the people it names."""
        return cls(**_facts(draft, people))


class DraftOut(DraftBriefOut):
    """A request being written. / Une demande en cours d’écriture."""

    steps: list[StepOut]
    outlook: OutlookOut
    advice: list[AdviceOut]

    @classmethod
    def of_view(
        cls,
        view: DraftView,
        people: Mapping[MemberId, Member],
        questionnaires: Mapping[str, Questionnaire],
    ) -> DraftOut:
        """Write it, with the people it names."""
        return cls(
            **_facts(view.draft, people),
            steps=[_step(view, step, people, questionnaires) for step in Step],
            outlook=OutlookOut.of(view.outlook),
            advice=[AdviceOut.of(name, found) for name, found in view.assessments.items()],
        )


class ChoiceOut(Out):
    """One answer that can be chosen. / Une réponse possible."""

    id: str
    label_fr: str
    label_en: str


class QuestionOut(Out):
    """One question, and why it is asked. / Une question, et pourquoi elle est posée."""

    id: str
    label_fr: str
    label_en: str
    hint_fr: str
    hint_en: str
    choices: list[ChoiceOut]


class QuestionnaireOut(Out):
    """Questions that advise. / Des questions qui conseillent.

    Attributes:
        id: Also the step of a draft that asks them.
    """

    id: str
    title_fr: str
    title_en: str
    questions: list[QuestionOut]

    @classmethod
    def of(cls, found: Questionnaire) -> QuestionnaireOut:
        """Write it."""
        return cls(
            id=found.id,
            title_fr=found.title_fr,
            title_en=found.title_en,
            questions=[
                QuestionOut(
                    id=question.id,
                    label_fr=question.label_fr,
                    label_en=question.label_en,
                    hint_fr=question.hint_fr,
                    hint_en=question.hint_en,
                    choices=[
                        ChoiceOut(id=c.id, label_fr=c.label_fr, label_en=c.label_en)
                        for c in question.choices
                    ],
                )
                for question in found.questions
            ],
        )


def _facts(draft: Draft, people: Mapping[MemberId, Member]) -> dict[str, object]:
    return {
        "id": draft.id,
        "agency_id": draft.agency_id,
        "author": person(draft.author_id, people),
        "purpose": draft.one(Step.PURPOSE, "purpose"),
        "opened_at": draft.opened_at,
        "updated_at": draft.updated_at,
        "request_id": draft.request_id,
        "revises_id": draft.revises_id,
        "version": draft.version,
    }


def _step(
    view: DraftView,
    step: Step,
    people: Mapping[MemberId, Member],
    questionnaires: Mapping[str, Questionnaire],
) -> StepOut:
    asks, found = asks_of(step, questionnaires), view.draft.answers.get(step)
    several = {ask.name for ask in asks if ask.kind is Kind.CHOICES}
    return StepOut(
        step=step,
        state=view.states[step],
        advises=step in ADVICE,
        fields=[ask.name for ask in asks],
        answers={
            name: list(given) if name in several else given[0]
            for name, given in view.draft.values(step).items()
            if given
        },
        version=found.version if found else None,
        saved_at=found.at if found else None,
        saved_by=person(found.by, people) if found else None,
    )


def everyone(draft: Draft) -> set[MemberId]:
    """Return whom a draft names."""
    return {draft.author_id, *(found.by for found in draft.answers.values())}
