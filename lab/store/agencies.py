"""Agencies, their quotas and what is held of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lab.domain.agency import Agency, Usage
from lab.domain.hours import Budget
from lab.store.parts import resource_values, resources_of
from lab.store.tables import agencies, reservations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import RowMapping

    from lab.domain.agency import Reservation
    from lab.domain.ids import AgencyId
    from lab.store.link import Link

_SUMMED = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count", "sandboxes")


class SqlAgencies:
    """Implements ``lab.ports.Agencies``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, agency_id: AgencyId) -> Agency | None:
        """Return the agency, or nothing."""
        row = await self._link.first(select(agencies).where(agencies.c.id == agency_id))
        return None if row is None else _agency(row)

    async def lock(self, agency_id: AgencyId) -> Agency | None:
        """Return it and hold its lock until the transaction ends."""
        self._link.need_writable()
        # SQLite leaves FOR UPDATE out: its writing transactions are alone anyway.
        row = await self._link.first(
            select(agencies).where(agencies.c.id == agency_id).with_for_update()
        )
        return None if row is None else _agency(row)

    async def put(self, agency: Agency) -> Agency:
        """Write, and return it at its new version."""
        version = await self._link.put(agencies, "agency", _values(agency))
        return replace(agency, version=version)

    async def all(self) -> Sequence[Agency]:
        """Return every agency, by id."""
        # Sorted here: how a database sorts text depends on how it was set up.
        rows = await self._link.all(select(agencies))
        return sorted(map(_agency, rows), key=lambda agency: agency.id)

    async def held(self, agency_id: AgencyId) -> Usage:
        """Sum the agency's reservations."""
        sums = [func.coalesce(func.sum(reservations.c[name]), 0).label(name) for name in _SUMMED]
        row = await self._link.first(select(*sums).where(reservations.c.agency_id == agency_id))
        return Usage() if row is None else _usage(row)

    async def reserve(self, reservation: Reservation) -> None:
        """Write a reservation, or replace the holder's earlier one."""
        values = {
            "holder": reservation.holder,
            "agency_id": reservation.agency_id,
            **_usage_values(reservation.usage),
            "sandbox_id": reservation.sandbox_id,
            "member_id": reservation.member_id,
        }
        await self._link.write_over(reservations, [values])

    async def give_back(self, holder: str) -> None:
        """Strike the holder's reservation out; none is fine."""
        await self._link.run(reservations.delete().where(reservations.c.holder == holder))


def _usage_values(usage: Usage) -> dict[str, int]:
    return {**resource_values(usage.resources), "sandboxes": usage.sandboxes}


def _usage(row: RowMapping) -> Usage:
    return Usage(resources_of(row), int(row["sandboxes"]))


def _values(agency: Agency) -> dict[str, object]:
    return {
        "id": agency.id,
        "name_fr": agency.name_fr,
        "name_en": agency.name_en,
        **_usage_values(agency.quota),
        "max_days": agency.max_days,
        "version": agency.version,
        "cpu_hours": agency.budget.cpu_hours,
        "gpu_hours": agency.budget.gpu_hours,
    }


def _agency(row: RowMapping) -> Agency:
    return Agency(
        id=row["id"],
        name_fr=row["name_fr"],
        name_en=row["name_en"],
        quota=_usage(row),
        max_days=row["max_days"],
        version=row["version"],
        budget=Budget(row["cpu_hours"], row["gpu_hours"]),
    )
