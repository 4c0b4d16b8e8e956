"""Close an account, and open it again."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.errors import InvalidError, NotFoundError, Problem
from lab.domain.member import Resource, Role, Target, Verb

if TYPE_CHECKING:
    from lab.domain.ids import MemberId, SandboxId
    from lab.domain.member import Member
    from lab.ports import Clock, Notebooks, Store, Transaction
    from lab.services.journal import Journal

log = logging.getLogger(__name__)


class AccountService:
    """What operators can do with the accounts of people who leave and come back."""

    def __init__(
        self, *, store: Store, clock: Clock, journal: Journal, notebooks: Notebooks
    ) -> None:
        self._store, self._clock, self._journal = store, clock, journal
        self._notebooks = notebooks

    async def deactivate(self, actor: Member, login: str) -> Member:
        """Close an account: every session and token ends at once, then the person's servers.

        Closing a closed one changes nothing. What the person made stays.

        Raises:
            NotFoundError: There is no such account.
            InvalidError: It is the actor's own, or the last operator's.
            ConflictError: It, or the actor's own, changed at the same moment.
        """
        async with (
            self._journal.refusals(actor, "member.deactivate"),
            self._store.begin() as tx,
        ):
            member = await self._changeable(tx, actor, login)
            if member.id == actor.id:
                raise InvalidError([Problem("login", "oneself")])
            if member.is_active:
                member = await self._close(tx, actor, member)
        await self.stop_servers([member.id])
        return member

    async def activate(self, actor: Member, login: str) -> Member:
        """Open an account again. Nothing that had ended comes back.

        Raises:
            NotFoundError: There is no such account.
        """
        async with (
            self._journal.refusals(actor, "member.activate"),
            self._store.begin() as tx,
        ):
            member = await self._changeable(tx, actor, login)
            if not member.is_active:
                member = await tx.members.put(replace(member, is_active=True))
                await self._note(tx, actor, "member.activate", member)
        return member

    async def tidy(self) -> None:
        """Forget tokens that are over, and stop what still runs for closed accounts.

        Done at every sweep: the hub may have been away when an account was closed.
        """
        async with self._store.begin() as tx:
            await tx.tokens.drop_expired(self._clock.now())
        async with self._store.read() as tx:
            teams = {m for sandbox in await tx.sandboxes.live() for m in sandbox.spec.members}
            people = await tx.members.many(sorted(teams))
        await self.stop_servers([p.id for p in people.values() if not p.is_active])

    async def stop_servers(self, people: list[MemberId]) -> None:
        """Stop these people's notebook servers; what cannot be stopped now is at the next sweep.

        Their files stay, and so do the servers of the rest of the team.
        """
        if not people:
            return
        async with self._store.read() as tx:
            live = await tx.sandboxes.live()
        for sandbox in live:
            for member_id in people:
                if member_id in sandbox.spec.members:
                    await self._stop(member_id, sandbox.id)

    async def _stop(self, member_id: MemberId, sandbox_id: SandboxId) -> None:
        try:
            await self._notebooks.stop(member_id, sandbox_id)
        except Exception:
            log.exception("a server goes on for now", extra={"sandbox_id": sandbox_id})

    async def _close(self, tx: Transaction, actor: Member, member: Member) -> Member:
        staff = await tx.members.of(None)
        others = [m for m in staff if m.is_active and m.id != member.id]
        if Role.OPERATOR in member.roles and not any(Role.OPERATOR in m.roles for m in others):
            raise InvalidError([Problem("login", "last_operator")])
        # Two operators who close each other at the same moment: both rows are written, so one
        # of the two finds that its own has changed. In one order, so that neither waits for ever.
        own = await tx.members.get(actor.id)
        if own is None or not own.is_active:
            raise NotFoundError("member", member.login)
        rows = {own.id: own, member.id: replace(member, is_active=False)}
        written = {key: await tx.members.put(rows[key]) for key in sorted(rows)}
        await tx.tokens.drop_of(member.id)
        await self._note(tx, actor, "member.deactivate", member)
        return written[member.id]

    async def _changeable(self, tx: Transaction, actor: Member, login: str) -> Member:
        member = await tx.members.by_login(login)
        if member is None:
            raise NotFoundError("member", login)
        target = Target(Resource.MEMBER, member.agency_id)
        self._journal.require(actor, Verb.CHANGE, target, login)
        return member

    async def _note(self, tx: Transaction, actor: Member, action: str, member: Member) -> None:
        await self._journal.done(
            tx,
            actor=actor,
            action=action,
            resource_id=member.id,
            agency_id=member.agency_id,
        )
