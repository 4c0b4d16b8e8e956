"""A request for a sandbox: its states, and who may move it where."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from lab.domain.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from lab.domain.dataset import DatasetRef
    from lab.domain.ids import (
        AgencyId,
        MemberId,
        ProfileId,
        RequestId,
        SandboxId,
        TemplateId,
    )
    from lab.domain.quantity import Resources

LONGEST_PURPOSE = 2000
"""In characters, inclusive."""


class RequestState(Enum):
    """Where a request stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Move(Enum):
    """What moves a request from one state to another."""

    SUBMIT = "submit"
    REVIEW = "review"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


class Mover(Enum):
    """Who makes a move."""

    REQUESTER = "requester"
    POLICY = "policy"
    REVIEWER = "reviewer"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the state table.

    Attributes:
        guard: What must hold, in words; the service checks it.
        effect: What is written in the same transaction, in words.
    """

    move: Move
    from_states: frozenset[RequestState]
    to_state: RequestState
    movers: frozenset[Mover]
    guard: str
    effect: str


TRANSITIONS: dict[Move, Transition] = {
    t.move: t
    for t in (
        Transition(
            Move.SUBMIT,
            frozenset({RequestState.DRAFT}),
            RequestState.SUBMITTED,
            frozenset({Mover.REQUESTER}),
            "every field is right and the agency's quota has room",
            "reservation taken",
        ),
        Transition(
            Move.REVIEW,
            frozenset({RequestState.SUBMITTED}),
            RequestState.IN_REVIEW,
            frozenset({Mover.POLICY}),
            "no rule of policies/approval.yaml approves it",
            "none",
        ),
        Transition(
            Move.APPROVE,
            frozenset({RequestState.SUBMITTED, RequestState.IN_REVIEW}),
            RequestState.APPROVED,
            frozenset({Mover.POLICY, Mover.REVIEWER}),
            "a rule approves it, or a reviewer who is not the requester does; not yet expired",
            "sandbox made; it takes over the reservation",
        ),
        Transition(
            Move.REJECT,
            frozenset({RequestState.IN_REVIEW}),
            RequestState.REJECTED,
            frozenset({Mover.REVIEWER}),
            "a reason is given",
            "reservation given back",
        ),
        Transition(
            Move.WITHDRAW,
            frozenset({RequestState.SUBMITTED, RequestState.IN_REVIEW}),
            RequestState.WITHDRAWN,
            frozenset({Mover.REQUESTER}),
            "none",
            "reservation given back",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """What a person typed, before anything is checked against the lab.

    Attributes:
        size: Name of a class in ``policies/sizes.yaml``.
        datasets: Ids, each with ``@version`` or without for the latest.
        ends_on: The last full day, in the lab's time zone.
        colleagues: Logins of the agency's members who may open notebooks too.
    """

    agency_id: str
    purpose: str
    datasets: tuple[str, ...]
    template: str
    size: str
    profile: str
    ends_on: date
    colleagues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """A request as filed.

    Attributes:
        team: Who may open a notebook, the requester included.
        expires_at: UTC; the end of ``ends_on``.
        rule: The approval rule that decided; empty when a person did.
        answers: What else the guided request asked, from step to field to values; empty where
            it was filed in another way.
        version: Grows by one on each write.
    """

    id: RequestId
    agency_id: AgencyId
    requester_id: MemberId
    purpose: str
    datasets: tuple[DatasetRef, ...]
    template_id: TemplateId
    size: str
    resources: Resources
    profile_id: ProfileId
    ends_on: date
    expires_at: datetime
    team: tuple[MemberId, ...]
    filed_at: datetime
    state: RequestState = RequestState.DRAFT
    rule: str = ""
    decided_at: datetime | None = None
    decided_by: MemberId | None = None
    reason: str = ""
    sandbox_id: SandboxId | None = None
    answers: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    version: int = 0

    def moved(self, move: Move) -> SandboxRequest:
        """Return it in the state that ``move`` leads to.

        Raises:
            StateError: The table has no such move from where it stands.
        """
        transition = TRANSITIONS[move]
        if self.state not in transition.from_states:
            raise StateError("request", self.id, state=self.state.value, wanted=move.value)
        return replace(self, state=transition.to_state)
