"""Agencies and their quotas."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.domain.agency import PersonQuota
from lab.domain.errors import ConflictError, InvalidError, NotFoundError, Problem
from lab.domain.member import Resource, Role, Target, Verb
from lab.domain.text import checked
from lab.services.budgets import account_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.agency import Agency, Usage
    from lab.domain.hours import Account, Budget
    from lab.domain.ids import AgencyId
    from lab.domain.member import Member
    from lab.ports import Transaction
    from lab.services.core import Core

_CODE = re.compile(r"[a-z][a-z0-9-]{1,19}", re.ASCII)
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class QuotaView:
    """An agency's quota and how much of it is taken.

    Attributes:
        held: By requests in review and sandboxes not yet gone.
        account: Hours of this month.
    """

    agency: Agency
    held: Usage
    account: Account

    @property
    def left(self) -> Usage:
        """What may still be asked for."""
        return self.agency.quota.less(self.held)


@dataclass(frozen=True, slots=True)
class PersonQuotaView:
    """One person's own quota and how much of it is taken.

    Attributes:
        held: By what the person asked for.
        most: The limits, as far as the agency's quota goes.
    """

    member: Member
    quota: PersonQuota
    held: Usage
    most: Usage

    @property
    def left(self) -> Usage:
        """What the person may still ask for, where the agency has as much."""
        return self.most.less(self.held)


class AgencyService:
    """What people can do with agencies and quotas."""

    def __init__(self, core: Core) -> None:
        self._store, self._clock, self._journal, self._zone = (
            core.store,
            core.clock,
            core.journal,
            core.zone,
        )

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
            return await self._view(tx, agency)

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
        budget: Budget | None = None,
        version: int | None = None,
    ) -> QuotaView:
        """Set what an agency may hold at once, and how many hours of a month.

        A quota below what is held is fine: nothing is taken away, and nothing
        more is granted until enough came back. A budget below what is used is
        fine too: the loop suspends what runs on it.

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
            changed = replace(
                agency,
                quota=quota,
                max_days=max_days or agency.max_days,
                budget=agency.budget if budget is None else budget,
            )
            written = await tx.agencies.put(_checked(changed))
            await self._journal.done(
                tx,
                actor=actor,
                action="quota.set",
                resource_id=agency_id,
                agency_id=agency_id,
                facts={
                    "quota": str(quota),
                    "before": str(agency.quota),
                    "budget": str(written.budget),
                    "budget_before": str(agency.budget),
                },
            )
            return await self._view(tx, written)

    async def person_quotas(self, actor: Member, agency_id: AgencyId) -> Sequence[PersonQuotaView]:
        """Return those of the agency's people who have limits of their own, by login.

        Raises:
            NotFoundError: There is no agency by that id that the actor may see.
        """
        target = Target(Resource.QUOTA, agency_id)
        self._journal.require(actor, Verb.READ, target, agency_id)
        async with self._store.read() as tx:
            agency = await tx.agencies.get(agency_id)
            if agency is None:
                raise NotFoundError("agency", agency_id)
            quotas = {q.member_id: q for q in await tx.person_quotas.of(agency_id)}
            people = await tx.members.of(agency_id)
            return [
                await _person_view(tx, agency, member, quotas[member.id])
                for member in people
                if member.id in quotas and not quotas[member.id].is_unlimited
            ]

    async def person_quota(
        self, actor: Member, agency_id: AgencyId, login: str
    ) -> PersonQuotaView:
        """Return one person's own quota, with or without limits.

        Raises:
            NotFoundError: There is no such person of that agency that the actor may see.
        """
        target = Target(Resource.QUOTA, agency_id)
        self._journal.require(actor, Verb.READ, target, agency_id)
        async with self._store.read() as tx:
            agency, member = await tx.agencies.get(agency_id), await tx.members.by_login(login)
            if agency is None or member is None or member.agency_id != agency_id:
                raise NotFoundError("member", login)
            quota = await tx.person_quotas.get(agency_id, member.id)
            return await _person_view(tx, agency, member, quota)

    async def set_person_quota(
        self,
        actor: Member,
        agency_id: AgencyId,
        login: str,
        amounts: Mapping[str, int | None],
        *,
        version: int | None = None,
    ) -> PersonQuotaView:
        """Set what one person may hold at once; what is not named has no limit but the agency's.

        As with an agency's, a quota below what is held takes nothing away.

        Args:
            actor: Who sets it.
            agency_id: Of the person.
            login: Of the person.
            amounts: By the names of ``PersonQuota``; none at all takes the limits away.
            version: That the actor has read; 0 where there was none.

        Raises:
            NotFoundError: There is no such person of that agency.
            ConflictError: ``version`` is given and is not the quota's.
        """
        async with (
            self._journal.refusals(actor, "quota.person", resource_id=agency_id),
            self._store.begin() as tx,
        ):
            self._journal.require(actor, Verb.CHANGE, Target(Resource.QUOTA, agency_id), agency_id)
            # The same lock as whoever asks for a sandbox takes: no request slips in between.
            agency, member = await tx.agencies.lock(agency_id), await tx.members.by_login(login)
            if agency is None or member is None or member.agency_id != agency_id:
                raise NotFoundError("member", login)
            before = await tx.person_quotas.get(agency_id, member.id)
            if version is not None and version != before.version:
                raise ConflictError("person quota", login, expected=version, found=before.version)
            wanted = PersonQuota(agency_id, member.id, **amounts, version=before.version)
            written = await tx.person_quotas.put(wanted)
            await self._journal.done(
                tx,
                actor=actor,
                action="quota.person",
                resource_id=agency_id,
                agency_id=agency_id,
                facts={"member": member.id, "quota": str(written), "before": str(before)},
            )
            return await _person_view(tx, agency, member, written)

    async def _view(self, tx: Transaction, agency: Agency) -> QuotaView:
        account = await account_of(tx, agency, self._zone, self._clock.now())
        return QuotaView(agency, await tx.agencies.held(agency.id), account)


async def _person_view(
    tx: Transaction, agency: Agency, member: Member, quota: PersonQuota
) -> PersonQuotaView:
    held = await tx.person_quotas.held(agency.id, member.id)
    return PersonQuotaView(member, quota, held, quota.within(agency.quota))


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
