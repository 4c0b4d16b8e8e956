"""A request for a sandbox: its states, and who may move it where."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from lab.domain.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from lab.domain.dataset import DataClass, DatasetRef
    from lab.domain.ids import (
        AgencyId,
        DraftId,
        MemberId,
        ProfileId,
        RequestId,
        SandboxId,
        TemplateId,
    )
    from lab.domain.quantity import Resources
    from lab.domain.review import Turn

LONGEST_PURPOSE = 2000
"""In characters, inclusive."""


class RequestState(Enum):
    """Where a request stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Move(Enum):
    """What moves a request from one state to another."""

    SUBMIT = "submit"
    REVIEW = "review"
    RETURN = "return"
    ANSWER = "answer"
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
            Move.RETURN,
            frozenset({RequestState.IN_REVIEW}),
            RequestState.RETURNED,
            frozenset({Mover.REVIEWER}),
            "at least one question is asked",
            "a draft of its answers opened; a first approval counts no more",
        ),
        Transition(
            Move.ANSWER,
            frozenset({RequestState.RETURNED}),
            RequestState.IN_REVIEW,
            frozenset({Mover.REQUESTER}),
            "every question is answered, every field is right, the agency's quota has room",
            "reservation taken anew; the draft closed",
        ),
        Transition(
            Move.APPROVE,
            frozenset({RequestState.SUBMITTED, RequestState.IN_REVIEW}),
            RequestState.APPROVED,
            frozenset({Mover.POLICY, Mover.REVIEWER}),
            "a rule approves it, or a reviewer who is not the requester does, or two of them "
            "where policies/approval.yaml says so; not yet expired",
            "sandbox made; it takes over the reservation",
        ),
        Transition(
            Move.REJECT,
            frozenset({RequestState.IN_REVIEW, RequestState.RETURNED}),
            RequestState.REJECTED,
            frozenset({Mover.REVIEWER}),
            "a reason is given",
            "reservation given back",
        ),
        Transition(
            Move.WITHDRAW,
            frozenset({RequestState.SUBMITTED, RequestState.IN_REVIEW, RequestState.RETURNED}),
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
        writers: Who wrote an answer of the guided request; as its team, none of them decides.
        data_classes: Of its data sets, when it was sent in last.
        approvals_needed: People who must approve it, by the rules of when it was sent in last.
        first_by: Who approved first, where two must.
        waiting_since: Since when it waits for a reviewer; nothing where it does not.
        draft_id: Where its answers are changed while it is returned.
        turns: What was done to it since it was filed, first one first.
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
    writers: frozenset[MemberId] = frozenset()
    data_classes: frozenset[DataClass] = frozenset()
    approvals_needed: int = 1
    first_by: MemberId | None = None
    waiting_since: datetime | None = None
    draft_id: DraftId | None = None
    turns: tuple[Turn, ...] = ()
    version: int = 0

    def content(self, logins: Mapping[MemberId, str]) -> dict[str, dict[str, tuple[str, ...]]]:
        """Return its answers, from step to field to values, however it was filed.

        Args:
            logins: Of its team.
        """
        if self.answers:
            return {step: dict(values) for step, values in self.answers.items()}
        others = tuple(logins[m] for m in self.team if m != self.requester_id and m in logins)
        content: dict[str, dict[str, tuple[str, ...]]] = {
            "purpose": {"purpose": (self.purpose,)},
            "data": {"datasets": tuple(f"{r.dataset_id}@{r.version}" for r in self.datasets)},
            "use": {"template": (str(self.template_id),)},
            "resources": {"size": (self.size,), "ends_on": (self.ends_on.isoformat(),)},
            "egress": {"profile": (str(self.profile_id),)},
        }
        if others:
            content["team"] = {"colleagues": others}
        return content

    def told(self, turn: Turn) -> SandboxRequest:
        """Return it with one more turn."""
        return replace(self, turns=(*self.turns, turn))

    def moved(self, move: Move) -> SandboxRequest:
        """Return it in the state that ``move`` leads to.

        Raises:
            StateError: The table has no such move from where it stands.
        """
        transition = TRANSITIONS[move]
        if self.state not in transition.from_states:
            raise StateError("request", self.id, state=self.state.value, wanted=move.value)
        return replace(self, state=transition.to_state)
