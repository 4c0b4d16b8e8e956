"""The seed of the lab on one machine, with what only the command of this machine may have."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lab.data.publication import build_shipped
from lab.domain.errors import NotSignedInError
from lab.domain.token import TokenKind
from lab.parts import vault
from lab.seeding.sowing import (
    ACCOUNTS,
    AGENCIES,
    COMMAND,
    OPERATOR,
    REQUESTER,
    SCIENTIST,
    Account,
    Sowing,
)
from lab.services.members import LIFETIMES

if TYPE_CHECKING:
    from pathlib import Path

    from lab.data.publication import Built
    from lab.domain.member import Member
    from lab.settings import Settings

__all__ = [
    "ACCOUNTS",
    "AGENCIES",
    "COMMAND",
    "OPERATOR",
    "REQUESTER",
    "SCIENTIST",
    "Account",
    "Seed",
    "build_data",
]

_RENEW = timedelta(days=30)


class Seed(Sowing):
    """Makes what is missing; what is there stays as it is."""

    async def operator(self) -> Member:
        """Return whom the command acts as, with a token that is good for a while yet.

        It has no password, only the token in ``secrets/``.
        """
        member = await super().operator()
        secrets_dir = self._lab.settings.secrets_dir
        if not await self._is_good(secrets_dir / vault.OPERATOR_TOKEN):
            token = await self._lab.members.issue(
                member, TokenKind.API, facts={"label": "secrets/operator-token"}
            )
            await asyncio.to_thread(vault.put, secrets_dir, vault.OPERATOR_TOKEN, token)
        return member

    async def token_of(self, login: str) -> str:
        """Return a token to speak to the API as somebody, for ten minutes."""
        member = await self._lab.members.by_login(None, login)
        return await self._lab.members.issue(
            member, TokenKind.API, lifetime=timedelta(minutes=10), facts={"label": "lab up"}
        )

    async def drop(self, token: str) -> None:
        """Make a token useless."""
        await self._lab.members.drop(token)

    async def _is_good(self, path: Path) -> bool:
        try:
            text = await asyncio.to_thread(path.read_text, "ascii")
            _, token = await self._lab.members.holder(text.strip(), TokenKind.API)
        except (OSError, ValueError, NotSignedInError):
            return False
        return token.expires_at - self._lab.clock.now() > min(_RENEW, LIFETIMES[TokenKind.API])


def build_data(settings: Settings) -> list[Built]:
    """Build the shipped data sets, or check those that are built already."""
    return build_shipped(settings.state_dir / "publications", published_at=datetime.now(UTC))
