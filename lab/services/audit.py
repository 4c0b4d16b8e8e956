"""Read the audit log, search it, take it away, verify it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.audit import AuditFilter, Chain
from lab.domain.errors import InvalidError, Problem
from lab.domain.ids import AgencyId, MemberId
from lab.domain.member import Resource, Target, Verb
from lab.services.journal import LAB, NOBODY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from lab.domain.audit import AuditEvent
    from lab.domain.member import Member
    from lab.ports import Page, Store
    from lab.services.journal import Journal

BATCH = 500
"""Rows that are in memory at once, however long the log is."""


class AuditService:
    """What operators and reviewers can do with the audit log."""

    def __init__(self, *, store: Store, journal: Journal) -> None:
        self._store, self._journal = store, journal

    async def page(
        self,
        actor: Member,
        which: AuditFilter | None = None,
        *,
        after: str = "",
        limit: int = 50,
    ) -> Page[AuditEvent]:
        """Return one page of what is looked for, newest first.

        Raises:
            InvalidError: Nobody is called that, or the cursor is none of ours.
        """
        wanted = await self._allowed(actor, which or AuditFilter())
        async with self._store.read() as tx:
            return await tx.audit.page(wanted, after=after, limit=limit)

    async def export(
        self, actor: Member, which: AuditFilter, *, form: str
    ) -> AsyncIterator[Sequence[AuditEvent]]:
        """Return all that is looked for in parts, first row first, up to the row that says so.

        Args:
            actor: Whose export it is; it is in the log.
            which: What is looked for.
            form: What it will be written as, for the log.

        Raises:
            InvalidError: Nobody is called that.
        """
        wanted = await self._allowed(actor, which)
        async with self._store.begin() as tx:
            await self._journal.done(
                tx,
                actor=actor,
                action="audit.export",
                resource_id="",
                agency_id=AgencyId(wanted.agency_id) if wanted.agency_id else None,
                facts={"form": form, **wanted.facts()},
            )
            last = (await tx.audit.page(limit=1)).items[0].seq
        return self._parts(wanted, last)

    async def chain(self, actor: Member) -> Chain:
        """Read the whole chain, and say how far it holds."""
        self._journal.require(actor, Verb.LIST, Target(Resource.EVENT))
        chain = Chain()
        while True:
            async with self._store.read() as tx:
                part = await tx.audit.following(chain.rows, limit=BATCH)
            chain = chain.and_then(part)
            if chain.first_break is not None or len(part) < BATCH:
                return chain

    async def _parts(self, which: AuditFilter, last: int) -> AsyncIterator[Sequence[AuditEvent]]:
        seq = 0
        while seq < last:
            async with self._store.read() as tx:
                found = await tx.audit.following(seq, which, limit=BATCH)
            part = [event for event in found if event.seq <= last]
            if part:
                yield part
            if len(part) < BATCH:
                return
            seq = part[-1].seq

    async def _allowed(self, actor: Member, which: AuditFilter) -> AuditFilter:
        """Return what is looked for with the person's id in it, if they may look for it."""
        agency_id = AgencyId(which.agency_id) if which.agency_id else None
        self._journal.require(actor, Verb.LIST, Target(Resource.EVENT, agency_id))
        who = which.actor
        if who in {"", LAB, NOBODY}:
            return which
        async with self._store.read() as tx:
            member = await tx.members.by_login(who) or await tx.members.get(MemberId(who))
        if member is None:
            raise InvalidError([Problem("who", "unknown", (("name", who[:64]),))])
        return replace(which, actor=member.id)
