"""Grants in the database: sealed, because they hold credentials and a backup is read by many."""

from __future__ import annotations

import json
import logging
import secrets
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import and_, func, select

from lab.domain.ids import SandboxId
from lab.ports import HeldGrant
from lab.store.tables import grants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement

    from lab.store.link import Link, Rows
    from lab.store.sql import SqlStore

log = logging.getLogger(__name__)

_VERSION_BITS = 40
"""The sum of eight million of them still fits in 63 bits."""


class SealedGrants:
    """The table, as one transaction sees it. What is in it is not read here."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def put(self, sandbox_id: SandboxId, name: str, sealed: str) -> None:
        """Write, or write over, one."""
        values = {
            "sandbox_id": sandbox_id,
            "name": name,
            "sealed": sealed,
            "version": secrets.randbits(_VERSION_BITS),
        }
        await self._link.write_over(grants, [values])

    async def get(self, sandbox_id: SandboxId, name: str) -> str | None:
        """Return one, or nothing."""
        row = await self._link.first(select(grants.c.sealed).where(_one(sandbox_id, name)))
        return None if row is None else str(row["sealed"])

    async def drop(self, sandbox_id: SandboxId, name: str) -> None:
        """Delete one; none is fine."""
        await self._link.run(grants.delete().where(_one(sandbox_id, name)))

    async def holders(self, name: str) -> frozenset[SandboxId]:
        """Return the sandboxes that have one of this name."""
        rows = await self._link.all(select(grants.c.sandbox_id).where(grants.c.name == name))
        return frozenset(SandboxId(row["sandbox_id"]) for row in rows)

    async def mark(self) -> str:
        """Return a text that changes whenever any row does."""
        row = await self._link.first(
            select(
                func.count().label("rows"),
                func.coalesce(func.sum(grants.c.version), 0).label("all"),
            ).select_from(grants)
        )
        return "" if row is None else f"{int(row['rows'])}-{int(row['all']):x}"

    async def all(self) -> Rows:
        """Return every row, always in the same order."""
        return await self._link.all(select(grants).order_by(grants.c.sandbox_id, grants.c.name))


class SqlGrants:
    """Implements ``lab.grants.Grants`` and ``lab.ports.GrantSnapshots`` on the store.

    Args:
        store: Where they are kept.
        keys: Fernet keys. The first seals; all of them open, so that a key can
            be replaced while the lab runs.

    Raises:
        ValueError: There is no key, or one is none.
    """

    def __init__(self, store: SqlStore, keys: Sequence[str]) -> None:
        self._store = store
        self._seals = MultiFernet([Fernet(key) for key in keys])

    async def write(self, sandbox_id: SandboxId, name: str, values: Mapping[str, Any]) -> None:
        """Put one grant in place, whole or not at all. Writing it again replaces it."""
        sealed = self._seal(sandbox_id, name, values)
        async with self._store.begin() as tx:
            await tx.sealed.put(sandbox_id, name, sealed)

    async def read(self, sandbox_id: SandboxId, name: str) -> dict[str, Any] | None:
        """Return one grant, or ``None`` when there is none (or it cannot be opened)."""
        async with self._store.read() as tx:
            sealed = await tx.sealed.get(sandbox_id, name)
        return None if sealed is None else self._open(sandbox_id, name, sealed)

    async def remove(self, sandbox_id: SandboxId, name: str) -> None:
        """Take one grant away. Removing nothing succeeds."""
        async with self._store.begin() as tx:
            await tx.sealed.drop(sandbox_id, name)

    async def holders(self, name: str) -> frozenset[SandboxId]:
        """Return the sandboxes that hold a grant of this name."""
        async with self._store.read() as tx:
            return await tx.sealed.holders(name)

    async def snapshot(self, known: str = "") -> tuple[str, Sequence[HeldGrant] | None]:
        """Return a mark of what there is, and all of it unless ``known`` is that mark."""
        async with self._store.read() as tx:
            mark = await tx.sealed.mark()
            if mark == known:
                return mark, None
            rows = await tx.sealed.all()
        held = []
        for row in rows:
            sandbox_id, name = SandboxId(row["sandbox_id"]), str(row["name"])
            values = self._open(sandbox_id, name, row["sealed"])
            if values is not None:
                held.append(HeldGrant(sandbox_id, name, values))
        return mark, held

    async def reseal(self) -> int:
        """Seal everything with the newest key; return how many grants there are.

        After it the older keys may be thrown away.
        """
        async with self._store.begin() as tx:
            rows = await tx.sealed.all()
            for row in rows:
                sandbox_id, name = SandboxId(row["sandbox_id"]), str(row["name"])
                values = self._open(sandbox_id, name, row["sealed"])
                if values is None:
                    await tx.sealed.drop(sandbox_id, name)
                else:
                    await tx.sealed.put(sandbox_id, name, self._seal(sandbox_id, name, values))
            return len(rows)

    def _seal(self, sandbox_id: SandboxId, name: str, values: Mapping[str, Any]) -> str:
        # Named inside, so that a row copied over another sandbox's opens nothing.
        content = json.dumps([sandbox_id, name, dict(values)])
        return self._seals.encrypt(content.encode()).decode()

    def _open(self, sandbox_id: SandboxId, name: str, sealed: str) -> dict[str, Any] | None:
        try:
            owner, own_name, values = json.loads(self._seals.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            owner, own_name, values = "", "", None
        if (owner, own_name) != (sandbox_id, name) or not isinstance(values, dict):
            # As if it were not there: its provider makes a new one, and until then nothing opens.
            log.error("a grant cannot be opened", extra={"sandbox_id": sandbox_id, "grant": name})
            return None
        return values


def _one(sandbox_id: SandboxId, name: str) -> ColumnElement[bool]:
    return and_(grants.c.sandbox_id == sandbox_id, grants.c.name == name)
