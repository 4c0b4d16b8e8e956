"""Messages about requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lab.domain.message import Message
from lab.store.cursors import limit_of
from lab.store.tables_telling import request_messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.ids import RequestId
    from lab.store.link import Link


class SqlMessages:
    """Implements ``lab.ports.Messages``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def add(self, message: Message) -> None:
        """Write one."""
        await self._link.run(
            request_messages.insert().values(
                id=message.id,
                request_id=message.request_id,
                author_id=message.author_id,
                at=message.at,
                text=message.text,
            )
        )

    async def of(self, request_id: RequestId, limit: int = 200) -> Sequence[Message]:
        """Return the last ones about a request, first one first."""
        table = request_messages
        rows = await self._link.all(
            select(table)
            .where(table.c.request_id == request_id)
            .order_by(table.c.seq.desc())
            .limit(limit_of(limit))
        )
        return [
            Message(row["id"], row["request_id"], row["author_id"], row["at"], row["text"])
            for row in reversed(rows)
        ]
