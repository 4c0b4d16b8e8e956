"""Versions that may be mounted no more leave the sandboxes that have them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.sandbox import SANDBOX_CHANGED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lab.domain.dataset import DatasetRef
    from lab.domain.ids import SandboxId
    from lab.domain.member import Member
    from lab.domain.sandbox import Sandbox
    from lab.ports import Transaction
    from lab.services.journal import Journal


async def revoke(
    tx: Transaction,
    journal: Journal,
    ref: DatasetRef,
    now: datetime,
    *,
    actor: Member | None = None,
) -> Sequence[SandboxId]:
    """Take a version out of what every live sandbox is to have; return which had it.

    Only what is wanted changes here. The loop does the rest, and never gives up: walls that were
    proved with those data are no longer those proved, so servers stop first; then the key and the
    door's grant are made narrower; then the walls are proved anew, without the data.
    """
    had: list[Sandbox] = []
    for sandbox in await tx.sandboxes.live():
        if ref not in sandbox.spec.datasets:
            continue
        left = tuple(each for each in sandbox.spec.datasets if each != ref)
        await tx.sandboxes.put(replace(sandbox, spec=replace(sandbox.spec, datasets=left)))
        await tx.outbox.add(SANDBOX_CHANGED, sandbox.id, now)
        had.append(sandbox)
    # After all the rows: who stops every sandbox writes them all, and then the log.
    for sandbox in had:
        await journal.done(
            tx,
            actor=actor,
            action="sandbox.revoke",
            resource_id=sandbox.id,
            agency_id=sandbox.spec.agency_id,
            facts={"dataset": ref.dataset_id, "version": str(ref.version)},
        )
    return [sandbox.id for sandbox in had]
