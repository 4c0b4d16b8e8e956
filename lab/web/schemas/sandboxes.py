"""Sandboxes, and what is known of them, on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from lab.domain.attempt import BlockedAttempt
from lab.domain.certificate import DeletionCertificate
from lab.domain.containment import Proof
from lab.domain.ids import MemberId
from lab.domain.member import Member
from lab.domain.sandbox import Phase, Sandbox, Stage, StageState
from lab.ports import ServerState
from lab.services.sandboxes import SandboxView
from lab.web.schemas.common import Body, DatasetRefOut, Name, Out, PersonOut, ResourcesOut
from lab.web.schemas.requests import person


class StageOut(Out):
    """One of the five stages. / Une des cinq étapes.

    Attributes:
        detail: For operators and reviewers; empty for others.
        took_seconds: How long building it took, once it is known.
    """

    stage: str
    seen: str
    since: datetime | None
    detail: str
    started_at: datetime | None
    ready_at: datetime | None
    took_seconds: float | None
    error_code: str
    error_detail: str
    failures: int
    next_try_at: datetime | None

    @classmethod
    def of(cls, stage: Stage, state: StageState | None, *, is_staff: bool) -> StageOut:
        """Write it; a stage never looked at is ``unknown``."""
        took = state.took if state else None
        return cls(
            stage=stage.value,
            seen=state.seen.value if state else "unknown",
            since=state.since if state else None,
            detail=state.detail if state and is_staff else "",
            started_at=state.started_at if state else None,
            ready_at=state.ready_at if state else None,
            took_seconds=round(took.total_seconds(), 3) if took is not None else None,
            error_code=state.error_code if state else "",
            error_detail=state.error_detail if state and is_staff else "",
            failures=state.failures if state else 0,
            next_try_at=state.next_try_at if state else None,
        )


class SandboxSummaryOut(Out):
    """A sandbox in a list. / Un bac à sable dans une liste.

    Attributes:
        suspended_at: While it is there nothing of the sandbox runs.
        suspend_reason: ``asked``, ``stopped``, ``lab_stopped`` or ``budget``; empty without one.
        suspend_note: As an operator wrote it.
    """

    id: str
    request_id: str
    agency_id: str
    phase: Phase
    template: str
    profile: str
    resources: ResourcesOut
    members: list[PersonOut]
    datasets: list[DatasetRefOut]
    created_at: datetime
    expires_at: datetime
    delete_requested_at: datetime | None
    delete_reason: str
    deleted_at: datetime | None
    suspended_at: datetime | None
    suspend_reason: str
    suspend_note: str
    version: int

    @classmethod
    def of(
        cls, sandbox: Sandbox, phase: Phase, people: Mapping[MemberId, Member]
    ) -> SandboxSummaryOut:
        """Write it."""
        return cls(**summary(sandbox, phase, people))


def summary(
    sandbox: Sandbox, phase: Phase, people: Mapping[MemberId, Member]
) -> dict[str, object]:
    """Return what list and object have in common."""
    spec, held = sandbox.spec, sandbox.suspension
    return {
        "id": sandbox.id,
        "request_id": sandbox.request_id,
        "agency_id": spec.agency_id,
        "phase": phase,
        "template": spec.template_id,
        "profile": spec.profile_id,
        "resources": ResourcesOut.of(spec.resources),
        "members": [person(member_id, people) for member_id in spec.members],
        "datasets": [DatasetRefOut.of(ref) for ref in spec.datasets],
        "created_at": sandbox.created_at,
        "expires_at": spec.expires_at,
        "delete_requested_at": sandbox.delete_requested_at,
        "delete_reason": sandbox.delete_reason,
        "deleted_at": sandbox.deleted_at,
        "suspended_at": held.at if held else None,
        "suspend_reason": held.reason.value if held else "",
        "suspend_note": held.note if held else "",
        "version": sandbox.version,
    }


class SandboxOut(SandboxSummaryOut):
    """A sandbox with its stages. / Un bac à sable avec ses étapes."""

    stages: list[StageOut]

    @classmethod
    def of_view(
        cls, view: SandboxView, people: Mapping[MemberId, Member], *, is_staff: bool
    ) -> SandboxOut:
        """Write it."""
        stages = [StageOut.of(s, view.stages.get(s), is_staff=is_staff) for s in Stage]
        return cls(**summary(view.sandbox, view.phase, people), stages=stages)


class InviteIn(Body):
    """A colleague. / Un ou une collègue."""

    login: Name


class ServerOut(Out):
    """A notebook server. / Un serveur de carnets.

    Attributes:
        stops_at: When it ends without any more use, once it is ready; null where it never does.
    """

    state: str
    url: str
    message: str
    percent: int
    stops_at: datetime | None

    @classmethod
    def of(cls, state: ServerState, stops_at: datetime | None) -> ServerOut:
        """Write it."""
        return cls(
            state=state.state,
            url=state.url,
            message=state.message,
            percent=state.percent,
            stops_at=stops_at,
        )


class AttemptOut(Out):
    """A refused attempt. / Une tentative refusée."""

    rule: str
    target: str
    member: PersonOut | None
    first_at: datetime
    last_at: datetime
    count: int

    @classmethod
    def of(cls, attempt: BlockedAttempt, people: Mapping[MemberId, Member]) -> AttemptOut:
        """Write it."""
        return cls(
            rule=attempt.rule.value,
            target=attempt.target,
            member=person(attempt.member_id, people) if attempt.member_id else None,
            first_at=attempt.first_at,
            last_at=attempt.last_at,
            count=attempt.count,
        )


class ProbeOut(Out):
    """One probe. / Une sonde."""

    name: str
    expected: str
    outcome: str
    holds: bool
    detail: str
    arrivals: int | None
    took_ms: int


class ProofOut(Out):
    """A containment proof. / Une preuve de confinement."""

    sandbox_id: str
    spec_hash: str
    started_at: datetime
    finished_at: datetime
    holds: bool
    results: list[ProbeOut]
    signature: str

    @classmethod
    def of(cls, proof: Proof) -> ProofOut:
        """Write it."""
        results = [
            ProbeOut(
                name=r.name,
                expected=r.expected.value,
                outcome=r.outcome.value,
                holds=r.holds,
                detail=r.detail,
                arrivals=r.arrivals,
                took_ms=r.took_ms,
            )
            for r in proof.results
        ]
        return cls(
            sandbox_id=proof.sandbox_id,
            spec_hash=proof.spec_hash,
            started_at=proof.started_at,
            finished_at=proof.finished_at,
            holds=proof.holds,
            results=results,
            signature=proof.signature,
        )


class GoneOut(Out):
    """One object seen gone. / Un objet dont l’absence a été constatée."""

    stage: str
    kind: str
    name: str
    seen_at: datetime


class CertificateOut(Out):
    """A deletion certificate. / Un certificat de suppression."""

    sandbox_id: str
    request_id: str
    agency_id: str
    reason: str
    asked_at: datetime
    completed_at: datetime
    gone: list[GoneOut]
    signature: str

    @classmethod
    def of(cls, certificate: DeletionCertificate) -> CertificateOut:
        """Write it."""
        gone = [
            GoneOut(stage=g.stage.value, kind=g.kind, name=g.name, seen_at=g.seen_at)
            for g in certificate.gone
        ]
        return cls(
            sandbox_id=certificate.sandbox_id,
            request_id=certificate.request_id,
            agency_id=certificate.agency_id,
            reason=certificate.reason,
            asked_at=certificate.asked_at,
            completed_at=certificate.completed_at,
            gone=gone,
            signature=certificate.signature,
        )


def everyone(sandboxes: Sequence[Sandbox]) -> tuple[MemberId, ...]:
    """Return the ids of all the people of several sandboxes, each once."""
    return tuple(dict.fromkeys(m for s in sandboxes for m in s.spec.members))
