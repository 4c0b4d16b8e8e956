"""Proofs of containment, and the reports they are judged from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from lab.domain.proofs import from_content, to_content
from lab.store.tables import probe_reports, proofs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from lab.domain.containment import Proof
    from lab.domain.ids import SandboxId
    from lab.store.link import Link

MOST_REPORTS = 4
"""Of one sandbox. What stands on its network may write here, so it must not be able to fill us."""


class SqlProofs:
    """Implements ``lab.ports.Proofs``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, sandbox_id: SandboxId) -> Proof | None:
        """Return it, or nothing where none was made (or it cannot be understood)."""
        row = await self._link.first(
            select(proofs.c.content).where(proofs.c.sandbox_id == sandbox_id)
        )
        try:
            return None if row is None else from_content(row["content"])
        except ValueError:
            return None  # no proof is the answer that keeps everything closed

    async def put(self, proof: Proof) -> None:
        """Write, or write over, the sandbox's."""
        values = {
            "sandbox_id": proof.sandbox_id,
            "content": to_content(proof),
            "at": proof.finished_at,
        }
        await self._link.write_over(proofs, [values])

    async def drop(self, sandbox_id: SandboxId) -> None:
        """Delete it; none is fine."""
        await self._link.run(proofs.delete().where(proofs.c.sandbox_id == sandbox_id))


class SqlReports:
    """Implements ``lab.ports.Reports``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def put(
        self, sandbox_id: SandboxId, run: str, content: Mapping[str, Any], at: datetime
    ) -> bool:
        """Write it; ``False``, and nothing is changed, where that run has reported before."""
        values = {"sandbox_id": sandbox_id, "run": run, "content": dict(content), "at": at}
        if not await self._link.add(probe_reports, values):
            return False
        table = probe_reports
        kept = await self._link.all(
            select(table.c.run)
            .where(table.c.sandbox_id == sandbox_id)
            .order_by(table.c.at.desc(), table.c.run)
        )
        old = [row["run"] for row in kept[MOST_REPORTS:]]
        if old:
            mine = and_(table.c.sandbox_id == sandbox_id, table.c.run.in_(old))
            await self._link.run(table.delete().where(mine))
        return True

    async def get(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        """Return it and leave it there, or nothing where that run has not reported."""
        row = await self._link.first(
            select(probe_reports.c.content).where(_of_run(sandbox_id, run))
        )
        return None if row is None else dict(row["content"])

    async def take(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        """Remove and return it, or nothing where that run has not reported."""
        row = await self._link.first(
            probe_reports
            .delete()
            .where(_of_run(sandbox_id, run))
            .returning(probe_reports.c.content)
        )
        return None if row is None else dict(row["content"])

    async def drop_of(self, sandbox_id: SandboxId) -> None:
        """Delete all of a sandbox's; none is fine."""
        table = probe_reports
        await self._link.run(table.delete().where(table.c.sandbox_id == sandbox_id))


def _of_run(sandbox_id: SandboxId, run: str) -> ColumnElement[bool]:
    return and_(probe_reports.c.sandbox_id == sandbox_id, probe_reports.c.run == run)
