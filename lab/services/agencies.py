"""Agencies and their quotas."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.domain.errors import ConflictError, InvalidError, NotFoundError, Problem
from lab.domain.member import Resource, Role, Target, Verb
from lab.domain.text import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.agency import Agency, Usage
    from lab.domain.ids import AgencyId
    from lab.domain.member import Member
    from lab.ports import Store
    from lab.services.journal import Journal

_CODE = re.compile(r"[a-z][a-z0-9-]{1,19}", re.ASCII)
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class QuotaView:
    """An agency's quota and how much of it is taken.

    Attributes:
        held: By requests in review and sandboxes not yet gone.
    """

    agency: Agency
    held: Usage

    @property
    def left(self) -> Usage:
        """What may still be asked for."""
        return self.agency.quota.less(self.held)


class AgencyService:
    """What people can do with agencies and quotas."""

    def __init__(self, *, store: Store, journal: Journal) -> None:
        self._store, self._journal = store, journal

    async def all(self, actor: Member) -> Sequence[Agency]:
        """Return the agencies that the actor may see: all, or one's own."""
        async with self._store.read() as tx:
            if actor.roles & {Role.OPERATOR, Role.REVIEWER}:
                self._journal.require(actor, Verb.LIST, Target(Resource.AGENCY))
                return await tx.agencies.all()
            own = await tx.agencies.get(actor.agency_id) if actor.agency_id else None
        return [own] if own else []

    async def quota(self, actor: Member, agency_id: AgencyId) -> QuotaView:
        """Return an agency with its quota and what is held of it.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        target = Target(Resource.QUOTA, agency_id)
        self._journal.require(actor, Verb.READ, target, agency_id)
        async with self._store.read() as tx:
            agency = await tx.agencies.get(agency_id)
            if agency is None:
                raise NotFoundError("agency", agency_id)
            return QuotaView(agency, await tx.agencies.held(agency_id))

    async def create(self, actor: Member, agency: Agency) -> Agency:
        """Add an agency.

        Raises:
            InvalidError: Its code or one of its names is not possible.
            ConflictError: There is one by that code.
        """
        async with (
            self._journal.refusals(actor, "agency.create", resource_id=agency.id),
            self._store.begin() as tx,
        ):
            self._journal.require(actor, Verb.CREATE, Target(Resource.AGENCY))
            agency = _checked(agency)
            if await tx.agencies.lock(agency.id) is not None:
                raise ConflictError("agency", agency.id, expected=0, found=1)
            written = await tx.agencies.put(agency)
            await self._journal.done(
                tx, actor=actor, action="agency.create", resource_id=agency.id, agency_id=agency.id
            )
        return written

    async def set_quota(
        self,
        actor: Member,
        agency_id: AgencyId,
        quota: Usage,
        *,
        max_days: int | None = None,
        version: int | None = None,
    ) -> QuotaView:
        """Set what an agency may hold at once.

        A quota below what is held is fine: nothing is taken away, and nothing
        more is granted until enough came back.

        Raises:
            ConflictError: ``version`` is given and is not the agency's.
        """
        async with (
            self._journal.refusals(actor, "quota.set", resource_id=agency_id),
            self._store.begin() as tx,
        ):
            self._journal.require(actor, Verb.CHANGE, Target(Resource.QUOTA, agency_id), agency_id)
            agency = await tx.agencies.lock(agency_id)
            if agency is None:
                raise NotFoundError("agency", agency_id)
            if version is not None and version != agency.version:
                raise ConflictError("agency", agency_id, expected=version, found=agency.version)
            changed = replace(agency, quota=quota, max_days=max_days or agency.max_days)
            written = await tx.agencies.put(_checked(changed))
            await self._journal.done(
                tx,
                actor=actor,
                action="quota.set",
                resource_id=agency_id,
                agency_id=agency_id,
                facts={"quota": str(quota), "before": str(agency.quota)},
            )
            return QuotaView(written, await tx.agencies.held(agency_id))


def _checked(agency: Agency) -> Agency:
    problems: list[Problem] = []
    if not _CODE.fullmatch(agency.id):
        problems.append(Problem("id", "bad_format", (("example", "rft"),)))
    if not 1 <= agency.max_days <= MOST_DAYS:
        problems.append(Problem("max_days", "out_of_range", (("most", str(MOST_DAYS)),)))
    name_fr = checked("name_fr", agency.name_fr, longest=200, report=problems.append)
    name_en = checked("name_en", agency.name_en, longest=200, report=problems.append)
    if problems:
        raise InvalidError(problems)
    return replace(agency, name_fr=name_fr, name_en=name_en)
