"""Stretches of time that sandboxes were ready; thresholds told; quotas of people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from lab.domain.agency import PersonQuota, Usage
from lab.domain.hours import Metered, Span
from lab.domain.quantity import Resources
from lab.store.parts import resources_of
from lab.store.quota_tables import budget_marks, person_quotas, ready_spans
from lab.store.tables import reservations, sandboxes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import RowMapping

    from lab.domain.hours import Month
    from lab.domain.ids import AgencyId, MemberId, SandboxId
    from lab.store.link import Link

_AMOUNTS = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count", "sandboxes")
_STOPS = ("expires_at", "suspended_at", "delete_requested_at", "deleted_at")


class SqlSpanBook:
    """Implements ``lab.ports.SpanBook``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def since(self, sandbox_id: SandboxId) -> datetime | None:
        """Return when the stretch that goes on began; nothing where none does."""
        columns = ready_spans.c
        row = await self._link.first(
            select(columns.begins).where(columns.sandbox_id == sandbox_id, columns.ends.is_(None))
        )
        return None if row is None else row["begins"]

    async def begin(self, span: Span) -> None:
        """Write that it begins; where one goes on already, nothing is written."""
        if await self.since(span.sandbox_id) is None:
            values = {
                "sandbox_id": span.sandbox_id,
                "begins": span.begins,
                "ends": span.ends,
                "agency_id": span.agency_id,
                "cpu_millicores": span.resources.cpu_millicores,
                "gpu_count": span.resources.gpu_count,
            }
            await self._link.add(ready_spans, values)

    async def end(self, sandbox_ids: Sequence[SandboxId], at: datetime) -> None:
        """Write when the stretches that go on ended; none is fine."""
        columns = ready_spans.c
        open_ones = (columns.sandbox_id.in_(sandbox_ids), columns.ends.is_(None))
        # A stretch of no length is none, and would be in the way of one that begins then.
        await self._link.run(ready_spans.delete().where(*open_ones, columns.begins >= at))
        await self._link.run(ready_spans.update().where(*open_ones).values(ends=at))

    async def spans(
        self, begins: datetime, ends: datetime, agency_id: AgencyId | None = None
    ) -> Sequence[Span]:
        """Return what falls between two moments, wholly or in part."""
        columns = ready_spans.c
        stops = [sandboxes.c[name] for name in _STOPS]
        wanted = (
            select(ready_spans, *stops)
            .outerjoin(sandboxes, sandboxes.c.id == columns.sandbox_id)
            .where(columns.begins < ends, or_(columns.ends.is_(None), columns.ends > begins))
        )
        if agency_id is not None:
            wanted = wanted.where(columns.agency_id == agency_id)
        found = map(_span, await self._link.all(wanted))
        # Sorted here: how a database sorts text depends on how it was set up.
        return sorted(found, key=lambda span: (span.sandbox_id, span.begins))

    async def mark(
        self, agency_id: AgencyId, month: Month, threshold: tuple[Metered, int], at: datetime
    ) -> bool:
        """Write that a threshold was reached; ``False`` where it was before in that month."""
        metered, percent = threshold
        key = {
            "agency_id": agency_id,
            "month": str(month),
            "resource": metered.value,
            "percent": percent,
        }
        return await self._link.add(budget_marks, key | {"at": at})

    async def marks(
        self, agency_id: AgencyId, month: Month
    ) -> Mapping[tuple[Metered, int], datetime]:
        """Return the thresholds reached in a month, and when."""
        columns = budget_marks.c
        rows = await self._link.all(
            select(budget_marks)
            .where(columns.agency_id == agency_id, columns.month == str(month))
            .order_by(columns.resource, columns.percent)
        )
        return {(Metered(row["resource"]), int(row["percent"])): row["at"] for row in rows}


class SqlPersonQuotas:
    """Implements ``lab.ports.PersonQuotas``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, agency_id: AgencyId, member_id: MemberId) -> PersonQuota:
        """Return it; without limits, at version 0, where none was ever set."""
        row = await self._link.first(select(person_quotas).where(person_quotas.c.id == member_id))
        if row is None:
            return PersonQuota(agency_id, member_id)
        found = _person_quota(row)
        # Limits of an agency that the person has left say nothing here.
        if found.agency_id != agency_id:
            return PersonQuota(agency_id, member_id, version=found.version)
        return found

    async def put(self, quota: PersonQuota) -> PersonQuota:
        """Write, and return it at its new version."""
        values = {
            "id": quota.member_id,
            "agency_id": quota.agency_id,
            **dict(zip(_AMOUNTS, quota.amounts, strict=True)),
            "version": quota.version,
        }
        version = await self._link.put(person_quotas, "person quota", values)
        return replace(quota, version=version)

    async def of(self, agency_id: AgencyId) -> Sequence[PersonQuota]:
        """Return those of an agency's people, limits or none, by member."""
        rows = await self._link.all(
            select(person_quotas).where(person_quotas.c.agency_id == agency_id)
        )
        return sorted(map(_person_quota, rows), key=lambda quota: quota.member_id)

    async def held(self, agency_id: AgencyId, member_id: MemberId) -> Usage:
        """Sum the reservations of what the person asked for, for that agency."""
        columns = reservations.c
        sums = [func.coalesce(func.sum(columns[name]), 0).label(name) for name in _AMOUNTS]
        row = await self._link.first(
            select(*sums).where(columns.agency_id == agency_id, columns.member_id == member_id)
        )
        return Usage() if row is None else Usage(resources_of(row), int(row["sandboxes"]))


def _span(row: RowMapping) -> Span:
    known = [row[name] for name in _STOPS if row[name] is not None]
    ends = row["ends"] or min(known, default=None)
    return Span(
        sandbox_id=row["sandbox_id"],
        agency_id=row["agency_id"],
        resources=Resources(int(row["cpu_millicores"]), gpu_count=int(row["gpu_count"])),
        begins=row["begins"],
        ends=ends,
    )


def _person_quota(row: RowMapping) -> PersonQuota:
    return PersonQuota(
        agency_id=row["agency_id"],
        member_id=row["id"],
        **{name: row[name] for name in _AMOUNTS},
        version=row["version"],
    )
