"""Read the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.audit import first_break
from lab.domain.member import Resource, Target, Verb

if TYPE_CHECKING:
    from lab.domain.audit import AuditEvent
    from lab.domain.member import Member
    from lab.ports import Page, Store
    from lab.services.journal import Journal


class AuditService:
    """What operators and reviewers can do with the audit log."""

    def __init__(self, *, store: Store, journal: Journal) -> None:
        self._store, self._journal = store, journal

    async def page(
        self,
        actor: Member,
        *,
        agency_id: str = "",
        action: str = "",
        after: str = "",
        limit: int = 50,
    ) -> Page[AuditEvent]:
        """Return one page, newest first."""
        self._journal.require(actor, Verb.LIST, Target(Resource.EVENT))
        async with self._store.read() as tx:
            return await tx.audit.page(
                agency_id=agency_id, action=action, after=after, limit=limit
            )

    async def first_break(self, actor: Member) -> int | None:
        """Return the number of the first row that was tampered with, or ``None``."""
        self._journal.require(actor, Verb.LIST, Target(Resource.EVENT))
        async with self._store.read() as tx:
            return first_break(await tx.audit.all())
