"""People with an account."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from lab.domain.errors import ConflictError
from lab.domain.member import Member, Role
from lab.store.tables import members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import AgencyId, MemberId
    from lab.store.link import Link


class SqlMembers:
    """Implements ``lab.ports.Members``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, member_id: MemberId) -> Member | None:
        """Return the member, or nothing."""
        row = await self._link.first(select(members).where(members.c.id == member_id))
        return None if row is None else _member(row)

    async def by_login(self, login: str) -> Member | None:
        """Return the member with that login, letter case apart, or nothing."""
        where = members.c.login_key == _folded(login)
        row = await self._link.first(select(members).where(where))
        return None if row is None else _member(row)

    async def put(self, member: Member) -> Member:
        """Write, and return it at its new version."""
        holder = await self.by_login(member.login)
        if holder is not None and holder.id != member.id:
            raise _taken(member, holder.version)
        if member.version == 0:
            return await self._insert(member)
        same = and_(members.c.id == member.id, members.c.version == member.version)
        written = replace(member, version=member.version + 1)
        statement = members.update().where(same).values(**_values(written)).returning(members.c.id)
        # Somebody else may take the login between the look above and here.
        changed = await self._link.unique(statement)
        if changed is None:
            raise _taken(member, 1)
        if not changed:
            found = await self._link.version_of(members, members.c.id == member.id)
            raise ConflictError("member", member.id, expected=member.version, found=found)
        return written

    async def _insert(self, member: Member) -> Member:
        written = replace(member, version=1)
        if await self._link.add(members, _values(written)):
            return written
        found = await self._link.version_of(members, members.c.id == member.id)
        if found == 0:
            raise _taken(member, 1)
        raise ConflictError("member", member.id, expected=0, found=found)

    async def of(self, agency_id: AgencyId | None) -> Sequence[Member]:
        """Return the members of an agency, or of the lab itself, by login."""
        # ``== None`` becomes IS NULL.
        rows = await self._link.all(select(members).where(members.c.agency_id == agency_id))
        return sorted(map(_member, rows), key=lambda member: _folded(member.login))

    async def many(self, ids: Sequence[MemberId]) -> Mapping[MemberId, Member]:
        """Return those that exist."""
        rows = await self._link.all(select(members).where(members.c.id.in_(ids)))
        return {row["id"]: _member(row) for row in rows}


def _taken(member: Member, found: int) -> ConflictError:
    return ConflictError("login", member.login, expected=0, found=found)


def _folded(login: str) -> str:
    return unicodedata.normalize("NFC", login).casefold()


def _values(member: Member) -> dict[str, object]:
    return {
        "id": member.id,
        "login": member.login,
        "login_key": _folded(member.login),
        "name": member.name,
        "agency_id": member.agency_id,
        "roles": sorted(role.value for role in member.roles),
        "password_hash": member.password_hash,
        "is_active": member.is_active,
        "version": member.version,
    }


def _member(row: RowMapping) -> Member:
    return Member(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        agency_id=row["agency_id"],
        roles=frozenset(map(Role, row["roles"])),
        password_hash=row["password_hash"],
        is_active=row["is_active"],
        version=row["version"],
    )
