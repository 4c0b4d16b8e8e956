"""What a look, a success, a failure and an end leave written down. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.certificate import DeletionCertificate, Gone
from lab.domain.sandbox import USABLE, Observation, Seen, StageState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.domain.errors import ProviderError
    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Fact, Sandbox, Stage


def looked(
    before: StageState | None,
    sandbox_id: SandboxId,
    stage: Stage,
    look: Observation,
    now: datetime,
) -> StageState:
    """Return the state after a look; equal to ``before`` when nothing changed."""
    if before is None:
        before = StageState(sandbox_id=sandbox_id, stage=stage, seen=look.seen, since=now)
    state = replace(
        before,
        seen=look.seen,
        since=before.since if before.seen is look.seen else now,
        detail=look.detail,
        facts=_merged(before.facts, look),
    )
    if look.seen not in USABLE:
        return state
    return replace(
        state,
        started_at=state.started_at or now,
        ready_at=state.ready_at or now,
        error_code="",
        error_detail="",
        failures=0,
        next_try_at=None,
    )


def _merged(before: tuple[Fact, ...], look: Observation) -> tuple[Fact, ...]:
    """Keep naming what was once there: a certificate lists it as gone.

    A blind look says nothing about anything, so it changes nothing. An ABSENT
    look means that all of it is gone, also what it does not name any more.
    """
    if look.seen is Seen.UNKNOWN:
        return before
    named = {(fact.kind, fact.name): fact for fact in before}
    if look.seen is Seen.ABSENT:
        named = {key: replace(fact, is_present=False) for key, fact in named.items()}
    named |= {(fact.kind, fact.name): fact for fact in look.facts}
    return tuple(named[key] for key in sorted(named))


def started(state: StageState, now: datetime) -> StageState:
    """Return the state once building begins."""
    return replace(state, started_at=now)


def succeeded(state: StageState) -> StageState:
    """Return the state after a step that did not fail."""
    return replace(state, error_code="", error_detail="", failures=0, next_try_at=None)


def failed(state: StageState, error: ProviderError, next_try_at: datetime) -> StageState:
    """Return the state after a step that failed."""
    return replace(
        state,
        error_code=error.code,
        error_detail=error.message,
        failures=state.failures + 1,
        next_try_at=next_try_at,
    )


def ended(
    sandbox: Sandbox, known: Mapping[Stage, StageState], now: datetime
) -> tuple[Sandbox, DeletionCertificate]:
    """Return the deleted sandbox and its certificate, not yet signed."""
    gone = tuple(
        Gone(stage=stage, kind=fact.kind, name=fact.name, seen_at=state.since)
        for stage, state in known.items()
        for fact in state.facts
        if not fact.is_present
    )
    certificate = DeletionCertificate(
        sandbox_id=sandbox.id,
        request_id=sandbox.request_id,
        agency_id=sandbox.spec.agency_id,
        reason=sandbox.delete_reason,
        asked_at=sandbox.delete_requested_at or now,
        completed_at=now,
        gone=gone,
    )
    return replace(sandbox, deleted_at=now), certificate
