"""The audit log: a chain of rows that the database itself refuses to change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lab.domain.audit import FIRST_HASH, AuditEvent
from lab.ports import Page
from lab.store.cursors import after_number, at_number, limit_of
from lab.store.tables import audit_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import RowMapping

    from lab.store.link import Link

_CHAIN_LOCK = 0x766173_01
"""Any number will do, as long as nothing else of the lab takes it."""


class SqlAudit:
    """Implements ``lab.ports.AuditTrail``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def append(self, event: AuditEvent) -> AuditEvent:
        """Write it as the next row of the chain, and return that row."""
        if self._link.is_postgresql:
            # Held until the transaction ends: the next writer sees this row, or none of it.
            await self._link.run(select(func.pg_advisory_xact_lock(_CHAIN_LOCK)))
        table = audit_events
        last = await self._link.first(
            select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)
        )
        seq, previous = (last["seq"], last["hash"]) if last else (0, FIRST_HASH)
        # What is hashed is what will be read again, and that is in UTC.
        in_utc = replace(event, at=event.at.astimezone(UTC), facts=dict(event.facts))
        chained = in_utc.chained(seq=seq + 1, previous_hash=previous)
        await self._link.run(table.insert().values(**_values(chained)))
        return chained

    async def page(
        self, *, agency_id: str = "", action: str = "", after: str = "", limit: int = 50
    ) -> Page[AuditEvent]:
        """Return one page, newest first."""
        table, limit = audit_events, limit_of(limit)
        statement = select(table).order_by(table.c.seq.desc()).limit(limit + 1)
        if agency_id:
            statement = statement.where(table.c.agency_id == agency_id)
        if action:
            statement = statement.where(table.c.action == action)
        older = after_number(after, table.c.seq)
        if older is not None:
            statement = statement.where(older)
        rows = await self._link.all(statement)
        here = rows[:limit]
        return Page(
            [_event(row) for row in here],
            at_number(here[-1]["seq"]) if len(rows) > limit else "",
        )

    async def all(self) -> Sequence[AuditEvent]:
        """Return every row, first row first; for the verifier."""
        rows = await self._link.all(select(audit_events).order_by(audit_events.c.seq))
        return [_event(row) for row in rows]


def _values(event: AuditEvent) -> dict[str, object]:
    return {
        "seq": event.seq,
        "at": event.at,
        "actor": event.actor,
        "action": event.action,
        "resource": event.resource,
        "resource_id": event.resource_id,
        "agency_id": event.agency_id,
        "outcome": event.outcome,
        "facts": dict(event.facts),
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def _event(row: RowMapping) -> AuditEvent:
    return AuditEvent(**row)
