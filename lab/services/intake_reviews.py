"""Keeps what is published fit to be mounted: reviews that start by themselves, dates that pass."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.dataset import VersionStatus
from lab.domain.ids import RunId
from lab.domain.intake_review import RETRY, begins_at
from lab.domain.intake_run import Run, Step
from lab.services.intake_runs import queue
from lab.services.revoking import revoke

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.domain.dataset import DatasetRef
    from lab.domain.intake import Intake
    from lab.ports import Clock, Store, Transaction
    from lab.services.intake_desk import Desk


class IntakeReviews:
    """Looks at dates, and remembers nothing between two looks.

    Args:
        new_id: Makes an identifier from a prefix, never the same twice.
        guard: Raises where this process may not act any more.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        desk: Desk,
        new_id: Callable[[str], str],
        guard: Callable[[], None],
    ) -> None:
        self._store, self._clock, self._desk = store, clock, desk
        self._new_id, self._guard = new_id, guard

    async def mark(self) -> Sequence[DatasetRef]:
        """Mark the versions whose review date has come, and take them out of sandboxes."""
        now = self._clock.now()
        async with self._store.begin() as tx:
            due = await tx.datasets.due(now)
            for version in due:
                status, ref = VersionStatus.TO_REVIEW, version.ref
                await tx.datasets.set_status(ref, status, version.next_review_at)
                await self._desk.journal.done(
                    tx,
                    actor=None,
                    action="dataset.to_review",
                    resource_id=ref.dataset_id,
                    facts={"version": str(ref.version)},
                )
                await revoke(tx, self._desk.journal, ref, now)
            self._guard()
        return [version.ref for version in due]

    async def start(self) -> Sequence[Run]:
        """Have what is due soon analysed again before its date; return what was started.

        Only what may be mounted today: once a version is to be reviewed, because its date passed
        or an analysis failed, the lab never lets it back by itself. A person does.
        """
        now, policy = self._clock.now(), self._desk.policy
        started: list[Run] = []
        async with self._store.begin() as tx:
            latest = now + timedelta(days=policy.review_lead_days)
            for intake in await tx.intakes.to_review(latest):
                if await self._is_wanted(tx, intake):
                    blank = Run(
                        id=RunId(self._new_id("run")),
                        intake_id=intake.id,
                        step=Step.REVIEW,
                        asked_by=None,
                        asked_at=now,
                    )
                    started.append(await queue(tx, self._desk, blank, intake, None))
            self._guard()
        return started

    async def _is_wanted(self, tx: Transaction, intake: Intake) -> bool:
        now, next_at = self._clock.now(), intake.next_review_at
        if intake.published is None or next_at is None:
            return False
        # What passed waits for a person; to make it again would tell nobody more.
        if begins_at(next_at, self._desk.policy) > now or intake.unconfirmed is not None:
            return False
        version = await tx.datasets.version(intake.published)
        if version is None or version.status is not VersionStatus.ACTIVE:
            return False
        runs = await tx.intakes.runs_of(intake.id)
        if any(run.is_open for run in runs):
            return False
        tried = [run.asked_at for run in runs if run.step is Step.REVIEW and run.asked_by is None]
        return not tried or max(tried) + RETRY <= now
