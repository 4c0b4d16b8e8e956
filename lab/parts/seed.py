"""What a lab has from its first start: an operator, demo agencies and accounts, data sets."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from lab.bootstrap.machine import build_dataset_storage
from lab.data.publication import build_shipped
from lab.domain.agency import Agency, Usage
from lab.domain.errors import NotFoundError, NotSignedInError
from lab.domain.ids import AgencyId
from lab.domain.member import Role
from lab.domain.quantity import GIB, Resources
from lab.domain.token import TokenKind
from lab.parts import vault
from lab.services.members import LIFETIMES, NewMember

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.bootstrap import Lab
    from lab.data.publication import Built
    from lab.domain.member import Member
    from lab.settings import Settings

COMMAND = NewMember("lab-commande", "Commande lab", None, frozenset({Role.OPERATOR}))
"""Whom the ``lab`` command acts as. It has no password, only the token in ``secrets/``."""

OPERATOR = NewMember("operateur", "Odile Bergeron", None, frozenset({Role.OPERATOR}))
REQUESTER = NewMember("demandeur", "Camille Demers", AgencyId("rft"), frozenset({Role.REQUESTER}))
SCIENTIST = NewMember("scientifique", "Noé Sirois", AgencyId("rft"), frozenset({Role.SCIENTIST}))
ACCOUNTS = (
    REQUESTER,
    SCIENTIST,
    OPERATOR,
    NewMember("reviseur", "Rémi Gagnon", None, frozenset({Role.REVIEWER})),
    NewMember("demandeur.bnf", "Alix Pelletier", AgencyId("bnf"), frozenset({Role.REQUESTER})),
    NewMember("scientifique.bnf", "Maya Fortin", AgencyId("bnf"), frozenset({Role.SCIENTIST})),
)
"""Fictional people. The first two share the first sandbox."""

AGENCIES = (
    Agency(
        AgencyId("rft"),
        "Régie fictive des transports",
        "Fictional Transport Board",
        Usage(Resources(8000, 16 * GIB, 50 * GIB, 0), 6),
        92,
    ),
    Agency(
        AgencyId("bnf"),
        "Bureau national fictif",
        "Fictional National Office",
        Usage(Resources(4000, 8 * GIB, 20 * GIB, 0), 3),
        92,
    ),
)

_RENEW = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that the operator is told of.

    Attributes:
        password: Only when it was made just now.
        link: Signs in, once, within a day.
    """

    login: str
    name: str
    role: str
    agency_id: str
    password: str
    link: str


class Seed:
    """Makes what is missing; what is there stays as it is."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def operator(self) -> Member:
        """Return whom the command acts as, with a token that is good for a while yet."""
        member, _ = await self._member(COMMAND)
        secrets_dir = self._lab.settings.secrets_dir
        if not await self._is_good(secrets_dir / vault.OPERATOR_TOKEN):
            token = await self._lab.members.issue(
                member, TokenKind.API, facts={"label": "secrets/operator-token"}
            )
            await asyncio.to_thread(vault.put, secrets_dir, vault.OPERATOR_TOKEN, token)
        return member

    async def people(self, *, has_demo: bool) -> dict[str, str]:
        """Make agencies and accounts; return the passwords of the new ones, by login."""
        operator = await self.operator()
        if has_demo:
            for agency in AGENCIES:
                try:
                    await self._lab.agencies.quota(operator, agency.id)
                except NotFoundError:
                    await self._lab.agencies.create(operator, agency)
        passwords: dict[str, str] = {}
        for new in ACCOUNTS if has_demo else (OPERATOR,):
            _, is_new = await self._member(new)
            if is_new:
                passwords[new.login] = secrets.token_urlsafe(12)
                await self._lab.members.set_password(None, new.login, passwords[new.login])
        return passwords

    async def publish(self, built: Sequence[Built]) -> int:
        """Publish data sets; return how many versions are new. Storage must be ready."""
        storage = build_dataset_storage(self._lab.settings)
        count = 0
        for each in built:
            files = {file.name: each.folder / file.name for file in each.version.files}
            await storage.publish(each.version, files)
            count += await self._lab.datasets.record(each.dataset, each.version)
        return count

    async def accounts(
        self, passwords: dict[str, str], *, has_demo: bool, sandbox_id: str
    ) -> tuple[Account, ...]:
        """Return the accounts, each with a fresh link; the scientist's opens the notebook."""
        found: list[Account] = []
        for new in ACCOUNTS if has_demo else (OPERATOR,):
            following = "/"
            if sandbox_id and new is SCIENTIST:
                following = f"/bacs/{sandbox_id}/atelier"
            token = await self._lab.members.link(None, new.login, facts={"next": following})
            found.append(
                Account(
                    login=new.login,
                    name=new.name,
                    role=", ".join(sorted(role.value for role in new.roles)),
                    agency_id=new.agency_id or "",
                    password=passwords.get(new.login, ""),
                    link=f"{self._lab.settings.public_url}/entrer?jeton={quote(token)}",
                )
            )
        return tuple(found)

    async def token_of(self, login: str) -> str:
        """Return a token to speak to the API as somebody, for ten minutes."""
        member = await self._lab.members.by_login(None, login)
        return await self._lab.members.issue(
            member, TokenKind.API, lifetime=timedelta(minutes=10), facts={"label": "lab up"}
        )

    async def drop(self, token: str) -> None:
        """Make a token useless."""
        await self._lab.members.drop(token)

    async def _member(self, new: NewMember) -> tuple[Member, bool]:
        try:
            return await self._lab.members.by_login(None, new.login), False
        except NotFoundError:
            return await self._lab.members.create(None, new), True

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
