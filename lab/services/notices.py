"""What a person can do with the own notices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.errors import InvalidError, NotFoundError, Problem
from lab.domain.notice import is_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.member import Member
    from lab.domain.notice import Notice
    from lab.ports import Clock, Store
    from lab.services.journal import Journal


class NoticeService:
    """One's own notices, and where their mail goes. Nobody reads another's."""

    def __init__(self, *, store: Store, clock: Clock, journal: Journal) -> None:
        self._store, self._clock, self._journal = store, clock, journal

    async def mine(
        self, actor: Member, *, unread_only: bool = False, limit: int = 100
    ) -> Sequence[Notice]:
        """Return the last notices, newest first."""
        async with self._store.read() as tx:
            return await tx.notices.of(actor.id, unread_only=unread_only, limit=limit)

    async def unread(self, actor: Member) -> int:
        """Count those that are not read."""
        async with self._store.read() as tx:
            return await tx.notices.unread(actor.id)

    async def read(self, actor: Member, notice_id: str) -> Notice:
        """Mark one as read; twice changes nothing.

        Raises:
            NotFoundError: There is none by that id, or it is another person's.
        """
        async with self._store.begin() as tx:
            notice = await tx.notices.get(notice_id)
            if notice is None or notice.member_id != actor.id:
                raise NotFoundError("notice", notice_id)
            if notice.read_at is not None:
                return notice
            return await tx.notices.put(replace(notice, read_at=self._clock.now()))

    async def read_all(self, actor: Member) -> int:
        """Mark all as read; return how many were not."""
        async with self._store.begin() as tx:
            return await tx.notices.read_all(actor.id, self._clock.now())

    async def address(self, actor: Member) -> str:
        """Return where one's mail goes; empty where no address was given."""
        async with self._store.read() as tx:
            return (await tx.notices.addresses([actor.id])).get(actor.id, "")

    async def set_address(self, actor: Member, address: str) -> str:
        """Say where one's mail shall go; empty for no mail.

        Raises:
            InvalidError: It is no address of one person.
        """
        stripped = address.strip()
        if stripped and not is_address(stripped):
            raise InvalidError([Problem("address", "bad_format", (("example", "a.b@c.ca"),))])
        async with self._store.begin() as tx:
            await tx.notices.put_address(actor.id, stripped)
            # Not the address: the log outlives it.
            await self._journal.done(
                tx,
                actor=actor,
                action="notice.address",
                resource_id=actor.id,
                agency_id=actor.agency_id,
                facts={"given": "yes" if stripped else "no"},
            )
        return stripped
