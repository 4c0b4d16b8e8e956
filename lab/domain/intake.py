"""The *dossier d'anonymisation*: how an agency's table becomes a version that may be mounted.

"Art." is the *Règlement sur l'anonymisation des renseignements personnels* (A-2.1, r. 0.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lab.domain.errors import ForbiddenError, InvalidError, Problem, StateError
from lab.domain.evidence import TECHNIQUES
from lab.domain.intake_states import ENDED, INTAKE_TRANSITIONS, IntakeMove, IntakeState
from lab.domain.privacy import Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lab.domain.dataset import DataClass, DatasetRef
    from lab.domain.evidence import (
        Analysis,
        ColumnChoice,
        ColumnFinding,
        Destruction,
        PrivacyPolicy,
        RawFile,
        Scope,
        Signature,
        Technique,
        Treatment,
    )
    from lab.domain.ids import AgencyId, DatasetId, IntakeId, MemberId
    from lab.domain.intake_review import Review

INTAKE_CHANGED = "intake"
"""The outbox's word for a dossier that has work to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One dossier.

    Attributes:
        purposes: What the anonymised data are for; fixed before anything is deposited.
        requester_id: Who in the agency wants the table in, where somebody does.
        supervisor_id: The competent person; neither depositor nor requester.
        asked: The status that the data shall have.
        findings: Of the scan, one per column, in the table's order.
        choices: What a person confirmed of them.
        policy: The thresholds that the last judgement used.
        publish_asked_at: UTC; from then on the lab publishes it as soon as it can.
        published: The version it became.
        reviews: Every re-assessment of that version, the oldest first (art. 8).
        reason: Why it was refused or withdrawn.
        version: Grows by one on each write.
    """

    id: IntakeId
    dataset_id: DatasetId
    agency_id: AgencyId
    title_fr: str
    title_en: str
    description_fr: str
    description_en: str
    purposes: str
    licence: str
    source: str
    asked: DataClass
    scope: Scope
    depositor_id: MemberId
    supervisor_id: MemberId
    requester_id: MemberId | None
    opened_at: datetime
    state: IntakeState = IntakeState.OPENED
    raw: RawFile | None = None
    row_count: int = 0
    findings: tuple[ColumnFinding, ...] = ()
    choices: tuple[ColumnChoice, ...] = ()
    confirmed_by: MemberId | None = None
    preliminary: Analysis | None = None
    treatment: Treatment | None = None
    final: Analysis | None = None
    policy: PrivacyPolicy | None = None
    signature: Signature | None = None
    publish_asked_at: datetime | None = None
    published: DatasetRef | None = None
    published_at: datetime | None = None
    next_review_at: datetime | None = None
    reviews: tuple[Review, ...] = ()
    destruction: Destruction | None = None
    reason: str = ""
    version: int = 0

    @property
    def interested(self) -> frozenset[MemberId]:
        """Who may not answer for it: who asked, deposited, confirmed or treated."""
        treated_by = self.treatment.by if self.treatment else None
        found = {self.depositor_id, self.requester_id, self.confirmed_by, treated_by}
        return frozenset(person for person in found if person is not None)

    @property
    def named(self) -> frozenset[MemberId]:
        """Everybody it names."""
        found = {self.depositor_id, self.supervisor_id, self.requester_id, self.confirmed_by}
        found |= {self.signature.by if self.signature else None}
        found |= {self.treatment.by if self.treatment else None}
        found |= {review.by for review in self.reviews}
        found |= {review.confirmation.by for review in self.reviews if review.confirmation}
        return frozenset(person for person in found if person is not None)

    @property
    def kept_count(self) -> int:
        """How many columns go on."""
        return sum(choice.keep for choice in self.choices)

    def check_move(self, move: IntakeMove) -> None:
        """Refuse a move that the table does not have from here.

        Raises:
            StateError: It has no such move.
        """
        if self.state not in INTAKE_TRANSITIONS[move].from_states:
            raise StateError("intake", self.id, state=self.state.value, wanted=move.value)

    def deposited(self, raw: RawFile) -> Intake:
        """Note the raw file, whose purposes (art. 3) and supervisor (art. 4) are fixed already.

        Raises:
            StateError: Its columns are confirmed already, or it has ended.
        """
        return self._moved(
            IntakeMove.DEPOSIT, raw=raw, row_count=0, findings=(), **_NOTHING_CONFIRMED
        )

    def read(self, row_count: int, findings: tuple[ColumnFinding, ...]) -> Intake:
        """Note what the scan of every row found, so that identifiers can be removed (art. 5)."""
        return self._moved(
            IntakeMove.READ, row_count=row_count, findings=findings, **_NOTHING_CONFIRMED
        )

    def confirmed(self, choices: Sequence[ColumnChoice], *, by: MemberId) -> Intake:
        """Fix what each column is; direct identifiers go no further (art. 5).

        Raises:
            InvalidError: A column has no choice, or is none; an identifier is kept; or nothing is.
        """
        self.check_move(IntakeMove.CONFIRM)
        problems = list(_wrong_choices(self.findings, choices))
        if problems:
            raise InvalidError(problems)
        order = {finding.name: place for place, finding in enumerate(self.findings)}
        sorted_ = tuple(sorted(choices, key=lambda choice: order[choice.name]))
        nothing = _NOTHING_CONFIRMED | {"choices": sorted_, "confirmed_by": by}
        return self._moved(IntakeMove.CONFIRM, **nothing)

    def check_technique(self, technique: Technique) -> None:
        """Refuse a technique that cannot lead to the status asked for (art. 6).

        Raises:
            InvalidError: It cannot.
        """
        if technique not in TECHNIQUES[self.asked]:
            facts = (("name", technique.value), ("status", self.asked.value))
            raise InvalidError([Problem("technique", "wrong_technique", facts)])

    def treated(self, treatment: Treatment, preliminary: Analysis) -> Intake:
        """Note the preliminary analysis (art. 5) and the technique that answers to it (art. 6)."""
        self.check_technique(treatment.technique)
        return self._moved(
            IntakeMove.TREAT, treatment=treatment, preliminary=preliminary, final=None
        )

    def measured(self, final: Analysis, policy: PrivacyPolicy) -> Intake:
        """Note the final analysis, its verdict and the thresholds it used (art. 7)."""
        return self._moved(IntakeMove.MEASURE, final=final, policy=policy)

    def check_signer(self, person: MemberId) -> None:
        """Refuse whoever has a part in it: the competent person stands apart (art. 4).

        Raises:
            ForbiddenError: They asked for it, deposited it, confirmed its columns or treated it.
        """
        if person in self.interested:
            raise ForbiddenError("sign", "intake in which you have a part")

    def signed(self, signature: Signature) -> Intake:
        """Note who answers for a very low residual risk (art. 4 and 7).

        Raises:
            StateError: It is not measured, or its final analysis does not pass.
            ForbiddenError: Whoever signs has a part in it.
        """
        self.check_move(IntakeMove.SIGN)
        if self.final is None or not self.final.passes:
            raise StateError("intake", self.id, state="failed", wanted="sign")
        self.check_signer(signature.by)
        return self._moved(IntakeMove.SIGN, signature=signature)

    def publishable(self, at: datetime) -> Intake:
        """Ask for its publication. Asking twice changes nothing."""
        if self.state is IntakeState.PUBLISHED or self.publish_asked_at is not None:
            return self
        self.check_move(IntakeMove.PUBLISH)
        return replace(self, publish_asked_at=at)

    def became(self, ref: DatasetRef, at: datetime, next_review_at: datetime | None) -> Intake:
        """Note its version, which the register shows (art. 9), and its next review (art. 8)."""
        return self._moved(
            IntakeMove.PUBLISH, published=ref, published_at=at, next_review_at=next_review_at
        )

    def reassessed(self, review: Review, next_review_at: datetime) -> Intake:
        """Note that it was assessed again; where a person asked and it passed, when it is next.

        What the lab did by itself moves no date: the competent person confirms it first (art. 4).

        Raises:
            StateError: It is not published.
        """
        if self.state is not IntakeState.PUBLISHED:
            raise StateError("intake", self.id, state=self.state.value, wanted="review")
        moves = review.passes and review.is_answered_for
        next_at = next_review_at if moves else self.next_review_at
        return replace(self, reviews=(*self.reviews, review), next_review_at=next_at)

    @property
    def unconfirmed(self) -> Review | None:
        """The last analysis where it passes and waits for the competent person (art. 4, 8)."""
        last = self.reviews[-1] if self.reviews and self.next_review_at else None
        return last if last and last.passes and not last.is_answered_for else None

    def check_confirmable(self, now: datetime) -> Review:
        """Return the analysis that may be confirmed now.

        Raises:
            StateError: None waits for it, or its date has passed: what is old is made anew.
        """
        review = self.unconfirmed
        if review is None or self.next_review_at is None:
            raise StateError("intake", self.id, state="answered", wanted="confirm_review")
        if self.next_review_at <= now:
            raise StateError("intake", self.id, state="overdue", wanted="confirm_review")
        return review

    def review_confirmed(self, signature: Signature, next_review_at: datetime) -> Intake:
        """Note who answers for what the lab analysed by itself, and when it is next (art. 8).

        Raises:
            StateError: None waits for it, or its date has passed.
            ForbiddenError: Whoever confirms has a part in it.
        """
        review = replace(self.check_confirmable(signature.at), confirmation=signature)
        self.check_signer(signature.by)
        reviews = (*self.reviews[:-1], review)
        return replace(self, reviews=reviews, next_review_at=next_review_at)

    def refused(self, reason: str) -> Intake:
        """Close it because the residual risk, or the file itself, cannot be accepted (art. 7)."""
        return self._moved(IntakeMove.REFUSE, reason=reason)

    def withdrawn(self, reason: str) -> Intake:
        """Close it; what it became, where it became anything, is mounted no more (art. 8)."""
        return self._moved(IntakeMove.WITHDRAW, reason=reason, next_review_at=None)

    def destroyed(self, destruction: Destruction) -> Intake:
        """Note that the raw file was seen gone (LAI, art. 73: anonymised or destroyed).

        Raises:
            StateError: It has not ended, so the raw file is still needed.
        """
        if self.state not in ENDED:
            raise StateError("intake", self.id, state=self.state.value, wanted="destroy")
        return replace(self, destruction=destruction)

    def _moved(self, move: IntakeMove, **changes: Any) -> Intake:
        self.check_move(move)
        return replace(self, state=INTAKE_TRANSITIONS[move].to_state, **changes)


_NOTHING_CONFIRMED: dict[str, Any] = {
    "choices": (),
    "confirmed_by": None,
    "preliminary": None,
    "treatment": None,
    "final": None,
    "policy": None,
}
"""What a step back takes away: evidence speaks of the very table it was made from."""


def check_people(
    *, depositor: MemberId, requester: MemberId | None, supervisor: MemberId
) -> list[Problem]:
    """Say whether the supervisor stands apart, as the competent person must (art. 4)."""
    if supervisor in {depositor, requester}:
        return [Problem("supervisor", "not_apart")]
    return []


def _wrong_choices(
    findings: Sequence[ColumnFinding], choices: Sequence[ColumnChoice]
) -> list[Problem]:
    known = {finding.name for finding in findings}
    must_go = {finding.name for finding in findings if finding.must_go}
    chosen = [choice.name for choice in choices]

    def problem(code: str, name: str) -> Problem:
        return Problem("columns", code, (("name", name[:64]),))

    problems = [problem("unknown", name) for name in chosen if name not in known]
    problems += [problem("given_twice", n) for n in sorted(set(chosen)) if chosen.count(n) > 1]
    problems += [problem("unconfirmed", f.name) for f in findings if f.name not in set(chosen)]
    problems += [
        problem("identifier_kept", choice.name)
        for choice in choices
        if choice.keep and (choice.role is Role.IDENTIFIER or choice.name in must_go)
    ]
    if not any(choice.keep for choice in choices):
        problems.append(Problem("columns", "nothing_kept"))
    return problems
