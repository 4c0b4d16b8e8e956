"""Requests on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from lab.domain.ids import MemberId
from lab.domain.member import Member
from lab.domain.request import RequestDraft, RequestState, SandboxRequest
from lab.services.requests import Preview
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


class RequestOut(Out):
    """A request. / Une demande.

    Attributes:
        answers: What else the guided request asked, from step to field to values.
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
    version: int

    @classmethod
    def of(cls, request: SandboxRequest, people: Mapping[MemberId, Member]) -> RequestOut:
        """Write it, with the people it names."""
        decided_by = person(request.decided_by, people) if request.decided_by else None
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
            version=request.version,
        )


class PreviewOut(Out):
    """What filing would do. / Ce que le dépôt ferait."""

    decision: Literal["approved", "review"]
    rule: str
    reasons: list[str]
    asked: UsageOut
    left: UsageOut
    fits: bool

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
        )


def person(member_id: MemberId, people: Mapping[MemberId, Member]) -> PersonOut:
    """Name a person, or only the id where the account is gone."""
    member = people.get(member_id)
    return PersonOut.of(member) if member else PersonOut(id=member_id, login="", name="")
