"""Acts on sandboxes; the stop of the whole lab; suspensions of many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from lab.domain.hours import Metered
from lab.domain.intervention import Act, Intervention, LabStop
from lab.domain.sandbox import SuspendReason, Suspension
from lab.store.tables import interventions, lab_stop, sandboxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import AgencyId, SandboxId
    from lab.store.link import Link

_ONE = "lab"
_AMOUNT = {Metered.CPU: sandboxes.c.cpu_millicores, Metered.GPU: sandboxes.c.gpu_count}


class SqlHolds:
    """Implements ``lab.ports.Holds``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def add(self, acts: Sequence[Intervention]) -> None:
        """Write acts."""
        if acts:
            await self._link.run(interventions.insert(), [_act_values(act) for act in acts])

    async def of(self, sandbox_id: SandboxId) -> Sequence[Intervention]:
        """Return what was done to a sandbox, first act first."""
        table = interventions
        rows = await self._link.all(
            select(table).where(table.c.sandbox_id == sandbox_id).order_by(table.c.seq)
        )
        return [_act(row) for row in rows]

    async def lab_stop(self) -> LabStop | None:
        """Return the stop that is in force, or nothing."""
        row = await self._link.first(select(lab_stop).where(lab_stop.c.id == _ONE))
        return _stop(row)

    async def lock(self, *, shared: bool = False) -> LabStop | None:
        """Return the stop that is in force and keep it so until the transaction ends."""
        self._link.need_writable()
        locked = select(lab_stop).where(lab_stop.c.id == _ONE).with_for_update(read=shared)
        row = await self._link.first(locked)
        if row is None:
            # There is one row from then on, or there would be nothing to lock.
            await self._link.add(lab_stop, {"id": _ONE, "at": None, "actor": "", "note": ""})
            row = await self._link.first(locked)
        return _stop(row)

    async def put(self, stop: LabStop | None) -> None:
        """Put a stop in force, or lift it."""
        values = {
            "id": _ONE,
            "at": stop.at if stop else None,
            "actor": stop.actor if stop else "",
            "note": stop.note if stop else "",
        }
        await self._link.write_over(lab_stop, [values])

    async def suspend_all(
        self,
        suspension: Suspension,
        agency_id: AgencyId | None = None,
        *,
        holding: Metered | None = None,
    ) -> Sequence[SandboxId]:
        """Suspend every sandbox that may run, in one statement; return which, by id."""
        columns = sandboxes.c
        may_run = [
            columns.deleted_at.is_(None),
            columns.delete_requested_at.is_(None),
            columns.suspended_at.is_(None),
            columns.expires_at > suspension.at,
        ]
        if agency_id is not None:
            may_run.append(columns.agency_id == agency_id)
        if holding is not None:
            may_run.append(_AMOUNT[holding] > 0)
        rows = await self._link.all(
            sandboxes
            .update()
            .where(and_(*may_run))
            .values(**suspension_values(suspension), version=columns.version + 1)
            .returning(columns.id)
        )
        return sorted(row["id"] for row in rows)

    async def resume_all(self, reason: SuspendReason) -> Sequence[SandboxId]:
        """End every suspension of that reason, in one statement; return which, by id."""
        columns = sandboxes.c
        rows = await self._link.all(
            sandboxes
            .update()
            .where(columns.suspended_at.is_not(None), columns.suspend_reason == reason.value)
            .values(**suspension_values(None), version=columns.version + 1)
            .returning(columns.id)
        )
        return sorted(row["id"] for row in rows)


def suspension_values(suspension: Suspension | None) -> dict[str, Any]:
    """Return a suspension, or that there is none, as columns of a sandbox."""
    return {
        "suspended_at": suspension.at if suspension else None,
        "suspend_reason": suspension.reason.value if suspension else None,
        "suspend_note": suspension.note if suspension else None,
    }


def suspension_of(row: RowMapping) -> Suspension | None:
    """Read it."""
    if row["suspended_at"] is None:
        return None
    reason = SuspendReason(row["suspend_reason"])
    return Suspension(row["suspended_at"], reason, row["suspend_note"])


def _stop(row: RowMapping | None) -> LabStop | None:
    if row is None or row["at"] is None:
        return None
    return LabStop(row["at"], row["actor"], row["note"])


def _act_values(act: Intervention) -> dict[str, Any]:
    return {
        "id": act.id,
        "sandbox_id": act.sandbox_id,
        "at": act.at,
        "actor": act.actor,
        "act": act.act.value,
        "reason": act.reason,
        "note": act.note,
        "until": act.until,
    }


def _act(row: RowMapping) -> Intervention:
    return Intervention(
        id=row["id"],
        sandbox_id=row["sandbox_id"],
        at=row["at"],
        actor=row["actor"],
        act=Act(row["act"]),
        reason=row["reason"],
        note=row["note"],
        until=row["until"],
    )
