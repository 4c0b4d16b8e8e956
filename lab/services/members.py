"""Accounts, sign-in, and the tokens that stand for a person."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.errors import InvalidError, NotFoundError, NotSignedInError, Problem
from lab.domain.ids import MemberId
from lab.domain.member import Member, Resource, Role, Target, Verb
from lab.domain.text import checked
from lab.domain.token import Token, TokenKind, hash_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.ids import AgencyId
    from lab.ports import Passwords
    from lab.services.core import Core

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}", re.ASCII)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200

LIFETIMES: Mapping[TokenKind, timedelta] = {
    TokenKind.SESSION: timedelta(hours=12),
    TokenKind.LINK: timedelta(hours=24),
    TokenKind.API: timedelta(days=90),
    TokenKind.CODE: timedelta(seconds=60),
    TokenKind.HUB: timedelta(hours=12),
}
SINGLE_USE = frozenset({TokenKind.LINK, TokenKind.CODE})


@dataclass(frozen=True, slots=True)
class NewMember:
    """A person to add.

    Attributes:
        agency_id: ``None`` for the lab's own staff.
    """

    login: str
    name: str
    agency_id: AgencyId | None
    roles: frozenset[Role]


class MemberService:
    """What people can do with accounts."""

    def __init__(self, core: Core, *, passwords: Passwords) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._passwords, self._new_id = passwords, core.new_id

    async def sign_in(self, login: str, password: str) -> str:
        """Return a session token.

        Raises:
            NotSignedInError: No such account, or not its password; never says which.
        """
        async with self._store.read() as tx:
            member = await tx.members.by_login(login[:LONGEST_PASSWORD])
        stored = member.password_hash if member and member.is_active else ""
        fits = await self._passwords.verify(stored, password[:LONGEST_PASSWORD])
        async with self._journal.refusals(member, "session.open"):
            if member is None or not fits:
                raise NotSignedInError
        return await self.issue(member, TokenKind.SESSION)

    async def issue(
        self,
        member: Member,
        kind: TokenKind,
        *,
        facts: Mapping[str, str] | None = None,
        lifetime: timedelta | None = None,
    ) -> str:
        """Make a token for a member and return it; only its hash is kept."""
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        async with self._store.begin() as tx:
            await tx.tokens.put(
                Token(
                    hash=hash_token(token),
                    kind=kind,
                    member_id=member.id,
                    created_at=now,
                    expires_at=now + (lifetime or LIFETIMES[kind]),
                    facts=facts or {},
                )
            )
            await self._journal.done(
                tx, actor=member, action=f"{kind.value}.open", resource_id=member.id
            )
        return token

    async def longest(self, member: Member, asked: timedelta) -> timedelta:
        """Return how long a token of theirs may last.

        Whoever is signed in by a provider has nothing here that outlives a session: it is the
        provider that says every day whether they are still there.
        """
        async with self._store.read() as tx:
            is_local = await tx.identities.of(member.id) is None
        return asked if is_local else min(asked, LIFETIMES[TokenKind.SESSION])

    async def holder(self, token: str, kind: TokenKind) -> tuple[Member, Token]:
        """Return whose token it is; one that works once is used up by this.

        Raises:
            NotSignedInError: It never was, is over, was used, or its person left.
        """
        now, hashed = self._clock.now(), hash_token(token)
        if kind in SINGLE_USE:
            async with self._store.begin() as tx:
                found = await tx.tokens.use(hashed, kind, now)
        else:
            async with self._store.read() as tx:
                found = await tx.tokens.get(hashed, kind)
        if found is None or found.expires_at <= now:
            raise NotSignedInError
        async with self._store.read() as tx:
            member = await tx.members.get(found.member_id)
        if member is None or not member.is_active:
            raise NotSignedInError
        return member, found

    async def drop(self, token: str) -> None:
        """Make a token useless. Doing it twice is fine."""
        async with self._store.begin() as tx:
            await tx.tokens.drop(hash_token(token))

    async def sign_out(self, member: Member) -> None:
        """End every session of a member, those at the hub included."""
        async with self._store.begin() as tx:
            for kind in (TokenKind.SESSION, TokenKind.HUB, TokenKind.CODE):
                await tx.tokens.drop_of(member.id, kind)
            await self._journal.done(
                tx, actor=member, action="session.close", resource_id=member.id
            )

    async def of(self, actor: Member, agency_id: AgencyId | None) -> Sequence[Member]:
        """Return the members of an agency, or of the lab itself."""
        self._journal.require(actor, Verb.LIST, Target(Resource.MEMBER, agency_id))
        async with self._store.read() as tx:
            return await tx.members.of(agency_id)

    async def names(self, ids: Sequence[MemberId]) -> Mapping[MemberId, Member]:
        """Return the people behind ids that the caller holds already."""
        async with self._store.read() as tx:
            return await tx.members.many(ids)

    async def create(self, actor: Member | None, new: NewMember) -> Member:
        """Add a person. ``actor`` is ``None`` only when the lab sets itself up.

        Raises:
            InvalidError: A field is wrong, the login is taken or the agency unknown.
        """
        async with (
            self._journal.refusals(actor, "member.create"),
            self._store.begin() as tx,
        ):
            if actor is not None:
                self._journal.require(actor, Verb.CREATE, Target(Resource.MEMBER, new.agency_id))
            problems: list[Problem] = []
            name = checked("name", new.name, longest=200, report=problems.append)
            login = new.login.strip().lower()
            if not _LOGIN.fullmatch(login):
                problems.append(Problem("login", "bad_format", (("example", "a.tremblay"),)))
            elif await tx.members.by_login(login) is not None:
                problems.append(Problem("login", "taken", (("name", login),)))
            if new.agency_id is not None and await tx.agencies.get(new.agency_id) is None:
                problems.append(Problem("agency_id", "unknown", (("name", new.agency_id[:64]),)))
            if not new.roles:
                problems.append(Problem("roles", "required"))
            if problems:
                raise InvalidError(problems)
            member = Member(
                id=MemberId(self._new_id("m")),
                login=login,
                name=name,
                agency_id=new.agency_id,
                roles=new.roles,
            )
            written = await tx.members.put(member)
            await self._journal.done(
                tx,
                actor=actor,
                action="member.create",
                resource_id=member.id,
                agency_id=new.agency_id,
            )
        return written

    async def by_login(self, actor: Member | None, login: str) -> Member:
        """Return the member with that login.

        Raises:
            NotFoundError: There is none.
        """
        async with self._store.read() as tx:
            member = await tx.members.by_login(login)
        if member is None:
            raise NotFoundError("member", login)
        if actor is not None and actor.id != member.id:
            target = Target(Resource.MEMBER, member.agency_id)
            self._journal.require(actor, Verb.READ, target, login)
        return member

    async def set_password(self, actor: Member | None, login: str, password: str) -> Member:
        """Set a password, one's own or, for an operator, anybody's; sessions end.

        Raises:
            InvalidError: Too short, or too long.
        """
        member = await self.by_login(actor, login)
        if actor is not None and actor.id != member.id:
            target = Target(Resource.MEMBER, member.agency_id)
            self._journal.require(actor, Verb.CHANGE, target, login)
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            facts = (("shortest", str(SHORTEST_PASSWORD)), ("longest", str(LONGEST_PASSWORD)))
            raise InvalidError([Problem("password", "bad_length", facts)])
        hashed = await self._passwords.hash(password)
        async with self._store.begin() as tx:
            written = await tx.members.put(replace(member, password_hash=hashed))
            await tx.tokens.drop_of(member.id)
            await self._journal.done(
                tx, actor=actor, action="member.password", resource_id=member.id
            )
        return written

    async def link(self, actor: Member | None, login: str, *, facts: Mapping[str, str]) -> str:
        """Make a sign-in link's token: works once, for a day.

        Args:
            actor: An operator; ``None`` only when the lab sets itself up.
            login: Whom it signs in.
            facts: ``next``: where it leads, a path of the portal.
        """
        member = await self.by_login(actor, login)
        if actor is not None:
            target = Target(Resource.MEMBER, member.agency_id)
            self._journal.require(actor, Verb.CHANGE, target, login)
        return await self.issue(member, TokenKind.LINK, facts=facts)
