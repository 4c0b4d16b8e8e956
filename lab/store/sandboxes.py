"""Sandboxes; what is known of their stages is in ``traces``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from lab.domain.sandbox import Sandbox, SandboxSpec
from lab.ports import Page
from lab.store.cursors import after_moment, at_moment, limit_of
from lab.store.holding import suspension_of, suspension_values
from lab.store.parts import People, ref_values, refs_of, resource_values, resources_of
from lab.store.tables import sandbox_members, sandboxes
from lab.store.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import MemberId, SandboxId
    from lab.ports import Filter
    from lab.store.link import Link, Rows


class SqlSandboxes(Traces):
    """Implements ``lab.ports.Sandboxes``."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._members = People(link, sandbox_members, "sandbox_id")

    async def get(self, sandbox_id: SandboxId) -> Sandbox | None:
        """Return the sandbox, or nothing."""
        rows = await self._link.all(select(sandboxes).where(sandboxes.c.id == sandbox_id))
        found = await self._with_members(rows)
        return found[0] if found else None

    async def put(self, sandbox: Sandbox) -> Sandbox:
        """Write, and return it at its new version."""
        version = await self._link.put(sandboxes, "sandbox", _values(sandbox))
        await self._members.put(sandbox.id, sandbox.spec.members, is_new=sandbox.version == 0)
        return replace(sandbox, version=version)

    async def page(self, which: Filter) -> Page[Sandbox]:
        """Return one page, newest first."""
        limit = limit_of(which.limit)
        rows = await self._link.all(
            select(sandboxes)
            .where(*_conditions(which))
            .order_by(sandboxes.c.created_at.desc(), sandboxes.c.id.desc())
            .limit(limit + 1)
        )
        here = rows[:limit]
        items = await self._with_members(here)
        return Page(items, at_moment(here[-1], "created_at") if len(rows) > limit else "")

    async def live(self) -> Sequence[Sandbox]:
        """Return every sandbox that is not yet deleted."""
        newest_first = (sandboxes.c.created_at.desc(), sandboxes.c.id.desc())
        rows = await self._link.all(
            select(sandboxes).where(sandboxes.c.deleted_at.is_(None)).order_by(*newest_first)
        )
        return await self._with_members(rows)

    async def _with_members(self, rows: Rows) -> list[Sandbox]:
        members = await self._members.of([row["id"] for row in rows])
        return [_sandbox(row, members.get(row["id"], ())) for row in rows]


def _conditions(which: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if which.agency_id is not None:
        conditions.append(sandboxes.c.agency_id == which.agency_id)
    if which.live_only:
        conditions.append(sandboxes.c.deleted_at.is_(None))
    if which.person is not None:
        table = sandbox_members
        mine = select(table.c.sandbox_id).where(table.c.member_id == which.person)
        conditions.append(sandboxes.c.id.in_(mine))
    older = after_moment(which.after, sandboxes.c.created_at, sandboxes.c.id)
    if older is not None:
        conditions.append(older)
    return conditions


def _values(sandbox: Sandbox) -> dict[str, object]:
    spec = sandbox.spec
    return {
        "id": sandbox.id,
        "request_id": sandbox.request_id,
        "agency_id": spec.agency_id,
        "template_id": spec.template_id,
        "profile_id": spec.profile_id,
        **resource_values(spec.resources),
        "datasets": ref_values(spec.datasets),
        "expires_at": spec.expires_at,
        "created_at": sandbox.created_at,
        "version": sandbox.version,
        "delete_requested_at": sandbox.delete_requested_at,
        "delete_reason": sandbox.delete_reason,
        "deleted_at": sandbox.deleted_at,
        **suspension_values(sandbox.suspension),
    }


def _sandbox(row: RowMapping, members: tuple[MemberId, ...]) -> Sandbox:
    spec = SandboxSpec(
        agency_id=row["agency_id"],
        template_id=row["template_id"],
        profile_id=row["profile_id"],
        resources=resources_of(row),
        members=members,
        datasets=refs_of(row["datasets"]),
        expires_at=row["expires_at"],
    )
    return Sandbox(
        id=row["id"],
        request_id=row["request_id"],
        spec=spec,
        created_at=row["created_at"],
        version=row["version"],
        delete_requested_at=row["delete_requested_at"],
        delete_reason=row["delete_reason"],
        deleted_at=row["deleted_at"],
        suspension=suspension_of(row),
    )
