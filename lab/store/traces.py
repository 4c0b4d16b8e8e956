"""What a sandbox leaves behind: stages as seen, refused attempts, its deletion certificate."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lab.domain.attempt import BlockedAttempt, Rule
from lab.domain.certificate import DeletionCertificate, Gone
from lab.domain.errors import ConflictError
from lab.domain.sandbox import Fact, Seen, Stage, StageState
from lab.store.cursors import limit_of
from lab.store.tables import attempts as attempt_table
from lab.store.tables import certificates, sandboxes, stage_states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import SandboxId
    from lab.store.link import Link


class Traces:
    """The part of ``lab.ports.Sandboxes`` that is not the sandbox itself."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def stages(self, sandbox_id: SandboxId) -> Mapping[Stage, StageState]:
        """Return what is known of its stages; a stage never looked at is not in it."""
        rows = await self._link.all(
            select(stage_states).where(stage_states.c.sandbox_id == sandbox_id)
        )
        states = {Stage(row["stage"]): _state(row) for row in rows}
        return {stage: states[stage] for stage in Stage if stage in states}

    async def live_stages(self) -> Mapping[SandboxId, Mapping[Stage, StageState]]:
        """Return what is known of the stages of every sandbox that is not yet deleted."""
        live = select(sandboxes.c.id).where(sandboxes.c.deleted_at.is_(None))
        rows = await self._link.all(
            select(stage_states).where(stage_states.c.sandbox_id.in_(live))
        )
        found: dict[SandboxId, dict[Stage, StageState]] = {}
        for row in rows:
            state = _state(row)
            found.setdefault(state.sandbox_id, {})[state.stage] = state
        return found

    async def put_stages(self, states: Sequence[StageState]) -> None:
        """Write, or write over, what is known of stages."""
        await self._link.write_over(stage_states, [_state_values(state) for state in states])

    async def certificate(self, sandbox_id: SandboxId) -> DeletionCertificate | None:
        """Return its deletion certificate, or nothing yet."""
        row = await self._link.first(
            select(certificates).where(certificates.c.sandbox_id == sandbox_id)
        )
        return None if row is None else _certificate(row)

    async def put_certificate(self, certificate: DeletionCertificate) -> None:
        """Write the certificate; a second one for the same sandbox is an error."""
        if not await self._link.add(certificates, _certificate_values(certificate)):
            raise ConflictError("certificate", certificate.sandbox_id, expected=0, found=1)

    async def attempts(self, sandbox_id: SandboxId, limit: int = 200) -> Sequence[BlockedAttempt]:
        """Return its blocked attempts, newest first."""
        table = attempt_table
        rows = await self._link.all(
            select(table)
            .where(table.c.sandbox_id == sandbox_id)
            .order_by(table.c.last_at.desc(), table.c.first_at.desc(), table.c.id)
            .limit(limit_of(limit))
        )
        return [_attempt(row) for row in rows]

    async def put_attempts(self, attempts: Sequence[BlockedAttempt]) -> None:
        """Write; same sandbox, member, rule, target and first time is the same attempt."""
        await self._link.write_over(attempt_table, [_attempt_values(one) for one in attempts])


def _state_values(state: StageState) -> dict[str, object]:
    return {
        "sandbox_id": state.sandbox_id,
        "stage": state.stage.value,
        "seen": state.seen.value,
        "since": state.since,
        "detail": state.detail,
        "facts": [asdict(fact) for fact in state.facts],
        "started_at": state.started_at,
        "ready_at": state.ready_at,
        "error_code": state.error_code,
        "error_detail": state.error_detail,
        "failures": state.failures,
        "next_try_at": state.next_try_at,
    }


def _state(row: RowMapping) -> StageState:
    return StageState(
        sandbox_id=row["sandbox_id"],
        stage=Stage(row["stage"]),
        seen=Seen(row["seen"]),
        since=row["since"],
        detail=row["detail"],
        facts=tuple(Fact(**fact) for fact in row["facts"]),
        started_at=row["started_at"],
        ready_at=row["ready_at"],
        error_code=row["error_code"],
        error_detail=row["error_detail"],
        failures=row["failures"],
        next_try_at=row["next_try_at"],
    )


def _certificate_values(certificate: DeletionCertificate) -> dict[str, object]:
    return {
        "sandbox_id": certificate.sandbox_id,
        "request_id": certificate.request_id,
        "agency_id": certificate.agency_id,
        "reason": certificate.reason,
        "asked_at": certificate.asked_at,
        "completed_at": certificate.completed_at,
        "gone": [_gone_values(gone) for gone in certificate.gone],
        "signature": certificate.signature,
    }


def _certificate(row: RowMapping) -> DeletionCertificate:
    return DeletionCertificate(**{**row, "gone": tuple(_gone(values) for values in row["gone"])})


def _gone_values(gone: Gone) -> dict[str, str]:
    return {
        "stage": gone.stage.value,
        "kind": gone.kind,
        "name": gone.name,
        "seen_at": gone.seen_at.astimezone(UTC).isoformat(),
    }


def _gone(values: Mapping[str, Any]) -> Gone:
    return Gone(
        stage=Stage(values["stage"]),
        kind=values["kind"],
        name=values["name"],
        seen_at=datetime.fromisoformat(values["seen_at"]),
    )


def _attempt_values(attempt: BlockedAttempt) -> dict[str, object]:
    first_at = attempt.first_at.astimezone(UTC)
    rule = attempt.rule.value
    same = [attempt.sandbox_id, attempt.member_id, rule, attempt.target, first_at.isoformat()]
    return {
        "id": hashlib.sha256(json.dumps(same).encode()).hexdigest(),
        "sandbox_id": attempt.sandbox_id,
        "member_id": attempt.member_id,
        "rule": rule,
        "target": attempt.target,
        "first_at": first_at,
        "last_at": attempt.last_at,
        "count": attempt.count,
    }


def _attempt(row: RowMapping) -> BlockedAttempt:
    return BlockedAttempt(
        sandbox_id=row["sandbox_id"],
        member_id=row["member_id"],
        rule=Rule(row["rule"]),
        target=row["target"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        count=row["count"],
    )
