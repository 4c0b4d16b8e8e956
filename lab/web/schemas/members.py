"""People and their tokens, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from lab.domain.ids import AgencyId
from lab.domain.member import Member, Role
from lab.services.members import LONGEST_PASSWORD, SHORTEST_PASSWORD, NewMember
from lab.web.schemas.common import Body, Name, Out, Text


class MemberIn(Body):
    """A new person. / Une nouvelle personne."""

    login: Name
    name: Name
    agency_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,19}$")] | None
    roles: Annotated[list[Annotated[Role, Field(strict=False)]], Field(min_length=1, max_length=8)]

    def to_new(self) -> NewMember:
        """Return it as the service knows it."""
        agency_id = AgencyId(self.agency_id) if self.agency_id is not None else None
        return NewMember(self.login, self.name, agency_id, frozenset(self.roles))


class MemberOut(Out):
    """A person with an account. / Une personne qui a un compte."""

    id: str
    login: str
    name: str
    agency_id: str | None
    roles: list[Role]
    is_active: bool
    has_password: bool

    @classmethod
    def of(cls, member: Member) -> MemberOut:
        """Write it. A password's hash never leaves the lab."""
        return cls(
            id=member.id,
            login=member.login,
            name=member.name,
            agency_id=member.agency_id,
            roles=sorted(member.roles, key=lambda role: role.value),
            is_active=member.is_active,
            has_password=bool(member.password_hash),
        )


class MeOut(MemberOut):
    """The caller. / La personne qui appelle.

    Attributes:
        csrf_token: To be sent as ``X-CSRF-Token`` with what changes something,
            when the caller is known by a cookie; empty with an API token.
    """

    csrf_token: str


class PasswordIn(Body):
    """A new password. / Un nouveau mot de passe."""

    password: Annotated[Text, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]


class LinkIn(Body):
    """Where a sign-in link leads. / Où mène un lien de connexion."""

    next: Annotated[str, Field(max_length=500, pattern=r"^/([!-.0-\[\]-~][!-~]*)?$")] = "/"


class LinkOut(Out):
    """A sign-in link. Shown once; works once, for a day. / Un lien de connexion."""

    url: str


class TokenIn(Body):
    """A new API token. / Un nouveau jeton d’API."""

    label: Annotated[Name, Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=365)] = 90


class TokenOut(Out):
    """An API token. Shown once. / Un jeton d’API, montré une seule fois."""

    token: str
    label: str
    expires_at: datetime


class RevokeIn(Body):
    """A token to make useless. / Un jeton à révoquer."""

    token: Annotated[str, Field(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
