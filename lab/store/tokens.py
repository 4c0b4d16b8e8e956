"""Bearer tokens, by hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, select, true

from lab.domain.errors import ConflictError
from lab.domain.token import Token, TokenKind
from lab.store.tables import tokens

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import MemberId
    from lab.store.link import Link


class SqlTokens:
    """Implements ``lab.ports.Tokens``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def put(self, token: Token) -> None:
        """Write a new one."""
        if not await self._link.add(tokens, _values(token)):
            raise ConflictError("token", token.kind.value, expected=0, found=1)

    async def get(self, token_hash: str, kind: TokenKind) -> Token | None:
        """Return it whatever its age, or nothing."""
        same = and_(tokens.c.hash == token_hash, tokens.c.kind == kind.value)
        row = await self._link.first(select(tokens).where(same))
        return None if row is None else _token(row)

    async def use(self, token_hash: str, kind: TokenKind, at: datetime) -> Token | None:
        """Mark it used and return it; nothing if it was used before or has expired."""
        # One statement: of two who come at once, the second finds it used.
        good = and_(
            tokens.c.hash == token_hash,
            tokens.c.kind == kind.value,
            tokens.c.used_at.is_(None),
            tokens.c.expires_at > at,
        )
        row = await self._link.first(
            tokens.update().where(good).values(used_at=at).returning(*tokens.c)
        )
        return None if row is None else _token(row)

    async def drop(self, token_hash: str) -> None:
        """Delete it; none is fine."""
        await self._link.run(tokens.delete().where(tokens.c.hash == token_hash))

    async def drop_of(self, member_id: MemberId, kind: TokenKind | None = None) -> None:
        """Delete all of a member's, or all of one kind."""
        of_kind = true() if kind is None else tokens.c.kind == kind.value
        await self._link.run(tokens.delete().where(tokens.c.member_id == member_id, of_kind))

    async def drop_expired(self, now: datetime) -> int:
        """Delete the expired ones; say how many."""
        return (await self._link.run(tokens.delete().where(tokens.c.expires_at <= now))).rowcount


def _values(token: Token) -> dict[str, object]:
    return {
        "hash": token.hash,
        "kind": token.kind.value,
        "member_id": token.member_id,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
        "facts": dict(token.facts),
    }


def _token(row: RowMapping) -> Token:
    return Token(
        hash=row["hash"],
        kind=TokenKind(row["kind"]),
        member_id=row["member_id"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
        facts=row["facts"],
    )
