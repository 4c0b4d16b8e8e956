"""Things to tell others once the transaction that wrote them is through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lab.store.cursors import limit_of
from lab.store.tables import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lab.store.link import Link


class SqlOutbox:
    """Implements ``lab.ports.Outbox``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def add(self, kind: str, subject: str, at: datetime) -> None:
        """Write one."""
        await self._link.run(outbox.insert().values(kind=kind, subject=subject, at=at))

    async def take(self, limit: int = 100) -> Sequence[tuple[str, str]]:
        """Remove and return the oldest as (kind, subject)."""
        # What another one is just taking is left to it (SQLite: there is no other one).
        rows = await self._link.all(
            select(outbox)
            .order_by(outbox.c.id)
            .limit(limit_of(limit))
            .with_for_update(skip_locked=True)
        )
        if rows:
            ids = [row["id"] for row in rows]
            await self._link.run(outbox.delete().where(outbox.c.id.in_(ids)))
        return [(row["kind"], row["subject"]) for row in rows]

    async def oldest(self) -> datetime | None:
        """Return since when the oldest waits, or nothing."""
        row = await self._link.first(select(outbox.c.at).order_by(outbox.c.id).limit(1))
        return None if row is None else row["at"]
