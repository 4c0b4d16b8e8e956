"""Requests on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from lab.domain.approval import Measured
from lab.domain.dataset import DataClass
from lab.domain.ids import MemberId
from lab.domain.member import Member
from lab.domain.request import RequestDraft, RequestState, SandboxRequest
from lab.domain.review import Turn, TurnKind
from lab.services.filing import Preview
from lab.web.schemas.common import (
    Body,
    DatasetRefOut,
    Day,
    Name,
    Out,
    PersonOut,
    ResourcesOut,
    Text,
    UsageOut,
)

Asked = Annotated[Text, Field(max_length=20_000)]


class RequestIn(Body):
    """What is asked for. / Ce qui est demandé.

    Attributes:
        datasets: Ids, each with ``@version`` or without for the latest.
        ends_on: The last full day.
        colleagues: Logins of the agency's members who may open notebooks too.
    """

    agency_id: Name
    purpose: Annotated[Text, Field(max_length=20_000)]
    datasets: Annotated[list[Name], Field(max_length=100)]
    template: Name
    size: Name
    profile: Name
    ends_on: Day
    colleagues: Annotated[list[Name], Field(max_length=100, default_factory=list)]

    def to_draft(self) -> RequestDraft:
        """Return it as the domain knows it."""
        return RequestDraft(
            agency_id=self.agency_id,
            purpose=self.purpose,
            datasets=tuple(self.datasets),
            template=self.template,
            size=self.size,
            profile=self.profile,
            ends_on=self.ends_on,
            colleagues=tuple(self.colleagues),
        )


class ReasonIn(Body):
    """Why a request is refused. / Pourquoi une demande est refusée."""

    reason: Annotated[Text, Field(max_length=20_000)]


class QuestionsIn(Body):
    """What a reviewer asks before deciding. / Ce qui est demandé avant de décider."""

    questions: Annotated[list[Asked], Field(max_length=100)]


class AnswersToIn(Body):
    """The answers, in the order of the questions. / Les réponses, dans l’ordre des questions."""

    answers: Annotated[list[Asked], Field(max_length=100)]


class ChangeOut(Out):
    """One answer that is not what it was. / Une réponse qui a changé."""

    step: str
    field: str
    before: list[str]
    after: list[str]


class TurnOut(Out):
    """What somebody did to a request. / Ce qu’une personne en a fait.

    Attributes:
        version: Of the request, once it was done.
        lines: The questions, or the answers in their order.
        changes: Made before it was sent again.
    """

    kind: TurnKind
    by: PersonOut
    at: datetime
    version: int
    lines: list[str]
    changes: list[ChangeOut]

    @classmethod
    def of(cls, turn: Turn, people: Mapping[MemberId, Member]) -> TurnOut:
        """Write it, with the person it names."""
        return cls(
            kind=turn.kind,
            by=person(turn.by, people),
            at=turn.at,
            version=turn.version,
            lines=list(turn.lines),
            changes=[
                ChangeOut(
                    step=change.step,
                    field=change.field,
                    before=list(change.before),
                    after=list(change.after),
                )
                for change in turn.changes
            ],
        )


class DifferenceOut(Out):
    """What is not as a rule approves it. / Ce qui dépasse une règle.

    Attributes:
        what: ``cpu`` in millicores, ``memory`` and ``storage`` in bytes, ``gpu``, ``days``,
            ``team``, ``data_class`` or ``profile``.
    """

    what: str
    asked: list[str]
    allowed: list[str]


class PolicyOut(Out):
    """The request held to the policy. / La demande devant la politique.

    Attributes:
        rule: The nearest rule of ``policies/approval.yaml``; empty where there is none.
        differences: From it.
        two_approvals: The rules by which two people must approve.
    """

    rule: str
    differences: list[DifferenceOut]
    two_approvals: list[str]

    @classmethod
    def of(cls, measured: Measured) -> PolicyOut:
        """Write it."""
        return cls(
            rule=measured.rule.id if measured.rule else "",
            differences=[
                DifferenceOut(what=d.what, asked=list(d.asked), allowed=list(d.allowed))
                for d in measured.differences
            ],
            two_approvals=[rule.id for rule in measured.two],
        )


class RequestOut(Out):
    """A request. / Une demande.

    Attributes:
        answers: What else the guided request asked, from step to field to values.
        first_approval_by: Who approved first, where two must.
        waiting_since: Since when it waits for a reviewer.
        draft_id: Where its answers are changed while it is returned.
        turns: What was done to it since it was filed, first one first.
    """

    id: str
    agency_id: str
    requester: PersonOut
    purpose: str
    datasets: list[DatasetRefOut]
    template: str
    size: str
    resources: ResourcesOut
    profile: str
    ends_on: date
    expires_at: datetime
    team: list[PersonOut]
    filed_at: datetime
    state: RequestState
    rule: str
    decided_at: datetime | None
    decided_by: PersonOut | None
    reason: str
    sandbox_id: str | None
    answers: dict[str, dict[str, list[str]]]
    data_classes: list[DataClass]
    policy: PolicyOut
    approvals_needed: int
    first_approval_by: PersonOut | None
    waiting_since: datetime | None
    draft_id: str | None
    turns: list[TurnOut]
    version: int

    @classmethod
    def of(
        cls, request: SandboxRequest, people: Mapping[MemberId, Member], measured: Measured
    ) -> RequestOut:
        """Write it, with the people it names."""
        decided_by = person(request.decided_by, people) if request.decided_by else None
        first_by = person(request.first_by, people) if request.first_by else None
        return cls(
            id=request.id,
            agency_id=request.agency_id,
            requester=person(request.requester_id, people),
            purpose=request.purpose,
            datasets=[DatasetRefOut.of(ref) for ref in request.datasets],
            template=request.template_id,
            size=request.size,
            resources=ResourcesOut.of(request.resources),
            profile=request.profile_id,
            ends_on=request.ends_on,
            expires_at=request.expires_at,
            team=[person(member_id, people) for member_id in request.team],
            filed_at=request.filed_at,
            state=request.state,
            rule=request.rule,
            decided_at=request.decided_at,
            decided_by=decided_by,
            reason=request.reason,
            sandbox_id=request.sandbox_id,
            answers={
                step: {name: list(given) for name, given in values.items()}
                for step, values in request.answers.items()
            },
            data_classes=sorted(request.data_classes, key=lambda each: each.value),
            policy=PolicyOut.of(measured),
            approvals_needed=request.approvals_needed,
            first_approval_by=first_by,
            waiting_since=request.waiting_since,
            draft_id=request.draft_id,
            turns=[TurnOut.of(turn, people) for turn in request.turns],
            version=request.version,
        )


class PreviewOut(Out):
    """What filing would do. / Ce que le dépôt ferait.

    Attributes:
        left: Of the agency's quota and of the caller's own, whichever is less.
        spent: What it needs that there are no hours of this month; nothing where there are.
    """

    decision: Literal["approved", "review"]
    rule: str
    reasons: list[str]
    asked: UsageOut
    left: UsageOut
    fits: bool
    spent: Literal["cpu", "gpu"] | None

    @classmethod
    def of(cls, preview: Preview) -> PreviewOut:
        """Write it."""
        rule = preview.decision.rule
        return cls(
            decision="approved" if rule else "review",
            rule=rule.id if rule else "",
            reasons=list(preview.decision.reasons),
            asked=UsageOut.of_usage(preview.asked),
            left=UsageOut.of_usage(preview.left),
            fits=preview.asked.fits_in(preview.left),
            spent=preview.lacking.value if preview.lacking else None,
        )


def named_in(request: SandboxRequest) -> set[MemberId]:
    """Return everybody whom a request names."""
    ids = {*request.team, request.requester_id, request.decided_by, request.first_by}
    ids |= {turn.by for turn in request.turns}
    return {each for each in ids if each is not None}


def person(member_id: MemberId, people: Mapping[MemberId, Member]) -> PersonOut:
    """Name a person, or only the id where the account is gone."""
    member = people.get(member_id)
    return PersonOut.of(member) if member else PersonOut(id=member_id, login="", name="")
