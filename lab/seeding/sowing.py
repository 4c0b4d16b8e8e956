"""What a lab has from its first start: an operator, demo agencies and accounts, data sets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from lab.bootstrap.outside import dataset_storage
from lab.domain.agency import Agency, Usage
from lab.domain.errors import NotFoundError
from lab.domain.ids import AgencyId
from lab.domain.member import Role
from lab.domain.quantity import GIB, Resources
from lab.services.members import NewMember

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.bootstrap import Lab
    from lab.data.publication import Built
    from lab.domain.member import Member

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


class Sowing:
    """Makes what is missing; what is there stays as it is.

    Args:
        chosen: Passwords that somebody chose, by login; others are made at random.
    """

    def __init__(self, lab: Lab, *, chosen: Mapping[str, str] | None = None) -> None:
        self._lab, self._chosen = lab, chosen or {}

    async def operator(self) -> Member:
        """Return whom the command acts as."""
        return (await self._member(COMMAND))[0]

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
                passwords[new.login] = self._chosen.get(new.login) or secrets.token_urlsafe(12)
                await self._lab.members.set_password(None, new.login, passwords[new.login])
        return passwords

    async def publish(self, built: Sequence[Built]) -> int:
        """Publish data sets; return how many versions are new. Storage must be ready."""
        storage = dataset_storage(self._lab.settings)
        count = 0
        for each in built:
            files = {file.name: each.folder / file.name for file in each.version.files}
            await storage.publish(each.version, files)
            count += await self._lab.datasets.record(each.dataset, each.version)
        return count

    async def accounts(
        self, passwords: dict[str, str], *, has_demo: bool, sandbox_id: str = ""
    ) -> tuple[Account, ...]:
        """Return the accounts, each with a fresh link; the scientist's opens the notebook."""
        found: list[Account] = []
        for new in ACCOUNTS if has_demo else (OPERATOR,):
            following = "/"
            if sandbox_id and new is SCIENTIST:
                following = f"/bacs/{sandbox_id}/atelier"
            found.append(
                Account(
                    login=new.login,
                    name=new.name,
                    role=", ".join(sorted(role.value for role in new.roles)),
                    agency_id=new.agency_id or "",
                    password=passwords.get(new.login, ""),
                    link=await self.link(new.login, following=following),
                )
            )
        return tuple(found)

    async def link(self, login: str, *, following: str = "/") -> str:
        """Return a link that signs somebody in, once, within a day.

        Raises:
            NotFoundError: Nobody has that login.
        """
        token = await self._lab.members.link(None, login, facts={"next": following})
        return f"{self._lab.settings.public_url}/entrer?jeton={quote(token)}"

    async def _member(self, new: NewMember) -> tuple[Member, bool]:
        try:
            return await self._lab.members.by_login(None, new.login), False
        except NotFoundError:
            return await self._lab.members.create(None, new), True
