"""Who people are at a provider, and sign-ins by it that are not back yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from lab.domain.errors import ConflictError
from lab.domain.federation import Identity, PendingSignIn
from lab.store.tables import identities, sign_ins

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import MemberId
    from lab.store.link import Link


class SqlIdentities:
    """Implements ``lab.ports.Identities``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, issuer: str, subject: str) -> Identity | None:
        """Return it, or nothing."""
        same = and_(identities.c.issuer == issuer, identities.c.subject == subject)
        row = await self._link.first(select(identities).where(same))
        return None if row is None else Identity(**row)

    async def put(self, identity: Identity) -> None:
        """Write it, new or not."""
        values = {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "member_id": identity.member_id,
            "seen_at": identity.seen_at,
            "is_withdrawn": identity.is_withdrawn,
        }
        await self._link.write_over(identities, [values])

    async def of(self, member_id: MemberId) -> Identity | None:
        """Return a member's, or nothing: the account is a local one."""
        row = await self._link.first(select(identities).where(identities.c.member_id == member_id))
        return None if row is None else Identity(**row)


class SqlSignIns:
    """Implements ``lab.ports.SignIns``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def put(self, pending: PendingSignIn) -> None:
        """Write a new one."""
        values = {
            "state": pending.state,
            "browser": pending.browser,
            "next_path": pending.next_path,
            "expires_at": pending.expires_at,
            "used_at": pending.used_at,
        }
        if not await self._link.add(sign_ins, values):
            raise ConflictError("sign-in", "state", expected=0, found=1)

    async def get(self, state: str) -> PendingSignIn | None:
        """Return it whatever its age, or nothing."""
        row = await self._link.first(select(sign_ins).where(sign_ins.c.state == state))
        return None if row is None else _pending(row)

    async def use(self, state: str, at: datetime) -> PendingSignIn | None:
        """Mark it used and return it; nothing if it was used before or has expired."""
        # One statement: of two who come at once, the second finds it used.
        good = and_(
            sign_ins.c.state == state, sign_ins.c.used_at.is_(None), sign_ins.c.expires_at > at
        )
        row = await self._link.first(
            sign_ins.update().where(good).values(used_at=at).returning(*sign_ins.c)
        )
        return None if row is None else _pending(row)

    async def drop_expired(self, now: datetime) -> int:
        """Delete the expired ones; say how many."""
        old = sign_ins.delete().where(sign_ins.c.expires_at <= now)
        return (await self._link.run(old)).rowcount


def _pending(row: RowMapping) -> PendingSignIn:
    return PendingSignIn(**row)
