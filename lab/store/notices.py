"""Notices of people, and where their mail goes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, select

from lab.domain.intake_states import IntakeState
from lab.domain.notice import MailState, Notice, NoticeKind
from lab.store.cursors import limit_of
from lab.store.tables import sandboxes
from lab.store.tables_data import intakes
from lab.store.tables_telling import notice_addresses, notices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import MemberId
    from lab.store.link import Link


class SqlNotices:
    """Implements ``lab.ports.Notices``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def add(self, new: Sequence[Notice]) -> int:
        """Write those whose event the person was not told of yet; say how many."""
        written = [await self._link.add(notices, {**_values(n), "version": 1}) for n in new]
        return sum(written)

    async def get(self, notice_id: str) -> Notice | None:
        """Return one, or nothing."""
        row = await self._link.first(select(notices).where(notices.c.id == notice_id))
        return None if row is None else _notice(row)

    async def put(self, notice: Notice) -> Notice:
        """Write, and return it at its new version."""
        return replace(notice, version=await self._link.put(notices, "notice", _values(notice)))

    async def of(
        self, member_id: MemberId, *, unread_only: bool = False, limit: int = 100
    ) -> Sequence[Notice]:
        """Return a person's notices, newest first."""
        wanted = select(notices).where(notices.c.member_id == member_id)
        if unread_only:
            wanted = wanted.where(notices.c.read_at.is_(None))
        rows = await self._link.all(
            wanted.order_by(notices.c.at.desc(), notices.c.id.desc()).limit(limit_of(limit))
        )
        return [_notice(row) for row in rows]

    async def unread(self, member_id: MemberId) -> int:
        """Count those that a person has not read."""
        row = await self._link.first(
            select(func.count().label("n"))
            .select_from(notices)
            .where(notices.c.member_id == member_id, notices.c.read_at.is_(None))
        )
        return int(row["n"]) if row else 0

    async def read_all(self, member_id: MemberId, at: datetime) -> int:
        """Mark a person's as read; say how many were not."""
        result = await self._link.run(
            notices
            .update()
            .where(notices.c.member_id == member_id, notices.c.read_at.is_(None))
            .values(read_at=at, version=notices.c.version + 1)
        )
        return int(result.rowcount)

    async def to_send(self, now: datetime, limit: int = 50) -> Sequence[Notice]:
        """Return those whose mail is due, the oldest first."""
        rows = await self._link.all(
            select(notices)
            .where(notices.c.mail == MailState.WAITING.value, notices.c.next_try_at <= now)
            .order_by(notices.c.next_try_at, notices.c.id)
            .limit(limit_of(limit))
        )
        return [_notice(row) for row in rows]

    async def being_sent(self) -> Sequence[Notice]:
        """Return those whose mail was handed over and not answered."""
        rows = await self._link.all(
            select(notices).where(notices.c.mail == MailState.SENDING.value)
        )
        return [_notice(row) for row in rows]

    async def prune(self, before: datetime, limit: int = 500) -> int:
        """Delete those that were read before a moment, of what is over; say how many."""
        old = old_ones(before, limit_of(limit))
        result = await self._link.run(delete(notices).where(notices.c.id.in_(old)))
        return int(result.rowcount)

    async def addresses(self, ids: Sequence[MemberId]) -> Mapping[MemberId, str]:
        """Return the addresses that people gave."""
        if not ids:
            return {}
        table = notice_addresses
        rows = await self._link.all(select(table).where(table.c.member_id.in_(ids)))
        return {row["member_id"]: row["address"] for row in rows}

    async def put_address(self, member_id: MemberId, address: str) -> None:
        """Write, or write over, a person's address; empty takes it away."""
        table = notice_addresses
        if address:
            await self._link.write_over(table, [{"member_id": member_id, "address": address}])
        else:
            await self._link.run(delete(table).where(table.c.member_id == member_id))


def old_ones(before: datetime, limit: int) -> Select[tuple[str]]:
    """Return what finds those that may go: read before a moment, of what is over."""
    alive = exists().where(sandboxes.c.id == notices.c.subject, sandboxes.c.deleted_at.is_(None))
    awaited = exists().where(
        intakes.c.id == notices.c.subject, intakes.c.state == IntakeState.MEASURED.value
    )
    under_way = (MailState.WAITING.value, MailState.SENDING.value)
    return (
        select(notices.c.id)
        .where(notices.c.read_at < before, notices.c.mail.not_in(under_way), ~alive, ~awaited)
        .order_by(notices.c.read_at)
        .limit(limit)
    )


def _values(notice: Notice) -> dict[str, object]:
    return {
        "id": notice.id,
        "member_id": notice.member_id,
        "kind": notice.kind.value,
        "subject": notice.subject,
        "key": notice.key,
        "at": notice.at,
        "read_at": notice.read_at,
        "mail": notice.mail.value,
        "tries": notice.tries,
        "next_try_at": notice.next_try_at,
        "version": notice.version,
    }


def _notice(row: RowMapping) -> Notice:
    return Notice(
        id=row["id"],
        member_id=row["member_id"],
        kind=NoticeKind(row["kind"]),
        subject=row["subject"],
        key=row["key"],
        at=row["at"],
        read_at=row["read_at"],
        mail=MailState(row["mail"]),
        tries=row["tries"],
        next_try_at=row["next_try_at"],
        version=row["version"],
    )
