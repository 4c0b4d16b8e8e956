"""The audit log: a chain of rows that the database itself refuses to change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from lab.domain.audit import FIRST_HASH, AuditEvent, AuditFilter
from lab.ports import Page
from lab.store.cursors import after_number, at_number, limit_of
from lab.store.tables import audit_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select
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
        self, which: AuditFilter | None = None, *, after: str = "", limit: int = 50
    ) -> Page[AuditEvent]:
        """Return one page of those that are looked for, newest first."""
        table, limit = audit_events, limit_of(limit)
        statement = statement_of(which or AuditFilter(), limit + 1)
        older = after_number(after, table.c.seq)
        if older is not None:
            statement = statement.where(older)
        rows = await self._link.all(statement)
        here = rows[:limit]
        return Page(
            [_event(row) for row in here],
            at_number(here[-1]["seq"]) if len(rows) > limit else "",
        )

    async def following(
        self, seq: int, which: AuditFilter | None = None, *, limit: int = 500
    ) -> Sequence[AuditEvent]:
        """Return the next ones that are looked for after row ``seq``, first row first."""
        table = audit_events
        statement = select(table).where(table.c.seq > seq, *_conditions(which or AuditFilter()))
        rows = await self._link.all(statement.order_by(table.c.seq).limit(limit_of(limit)))
        return [_event(row) for row in rows]

    async def all(self) -> Sequence[AuditEvent]:
        """Return every row, first row first; for the verifier."""
        rows = await self._link.all(select(audit_events).order_by(audit_events.c.seq))
        return [_event(row) for row in rows]


def statement_of(which: AuditFilter, limit: int) -> Select[tuple[Any, ...]]:
    """Return what asks for the newest rows that are looked for."""
    newest = select(audit_events).order_by(audit_events.c.seq.desc()).limit(limit)
    return newest.where(*_conditions(which))


def _conditions(which: AuditFilter) -> list[ColumnElement[bool]]:
    table = audit_events.c
    found: list[ColumnElement[bool]] = []
    if which.actor:
        found.append(table.actor == which.actor)
    if which.action:
        of_noun = table.action.startswith(f"{which.action}.", autoescape=True)
        found.append(or_(table.action == which.action, of_noun))
    if which.resource_id:
        found.append(table.resource_id == which.resource_id)
    if which.agency_id:
        found.append(table.agency_id == which.agency_id)
    if which.outcome is not None:
        found.append(table.outcome == which.outcome.value)
    if which.since is not None:
        found.append(table.at >= which.since.astimezone(UTC))
    if which.until is not None:
        found.append(table.at < which.until.astimezone(UTC))
    return found


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
