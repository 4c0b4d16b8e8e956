"""Idempotency keys, written in the same transaction as what they guard."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from lab.domain.errors import ConflictError
from lab.ports import KeyRecord
from lab.store.tables import idempotency_keys

if TYPE_CHECKING:
    from lab.store.link import Link


class SqlKeys:
    """Implements ``lab.ports.Keys``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, owner: str, key: str) -> KeyRecord | None:
        """Return what the owner used the key for, or nothing."""
        table = idempotency_keys
        row = await self._link.first(
            select(table).where(and_(table.c.owner == owner, table.c.key == key))
        )
        return None if row is None else KeyRecord(**row)

    async def put(self, record: KeyRecord) -> None:
        """Write it."""
        if not await self._link.add(idempotency_keys, asdict(record)):
            raise ConflictError("idempotency key", record.key, expected=0, found=1)
