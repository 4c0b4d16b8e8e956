"""Does the runs that people ask for, one at a time; destroys what has no reason to be kept.

It runs where the loop runs, and remembers nothing: a run whose process ended is found under
way at the next start and marked interrupted, its folder is swept, and somebody starts another.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.errors import ConflictError, RequestError
from lab.domain.evidence import Destruction
from lab.domain.intake_content import destruction_content
from lab.domain.intake_run import Progress, RunState
from lab.services.intake_desk import found
from lab.services.intake_failures import SAID, said_of
from lab.services.intake_steps import Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.domain.ids import RunId
    from lab.domain.intake import Intake
    from lab.domain.intake_run import Run
    from lab.ports import Clock, Quarantine, Store
    from lab.services.intake_desk import Desk
    from lab.services.intake_reviews import IntakeReviews
    from lab.services.intake_steps import IntakeSteps

log = logging.getLogger(__name__)

BEAT = timedelta(seconds=1)
"""How often a run's progress is written down, and whether it shall end is asked."""


class _Ended(Exception):  # noqa: N818 -- not an error: somebody wanted it
    """Raised inside a step whose run shall end."""


class _Watch:
    """How far a step is, told from its thread; and whether it shall go on."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.shall_end = False

    def tell(self, progress: Progress) -> None:
        """Take note; called from the thread that works.

        Raises:
            _Ended: It shall end.
        """
        self.progress = progress
        if self.shall_end:
            raise _Ended


class IntakeWork:
    """The work itself, and the upkeep of what is published.

    Args:
        steps: Does one step.
        reviews: Looks at review dates.
        sign: Signs bytes with the lab's key; hexadecimal.
        every: How often upkeep is done, whatever is heard.
        beat: How often a run's progress is written down.
        guard: Raises where this process may not act any more.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        desk: Desk,
        quarantine: Quarantine,
        steps: IntakeSteps,
        reviews: IntakeReviews,
        sign: Callable[[bytes], str],
        every: timedelta,
        beat: timedelta = BEAT,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._clock, self._desk = store, clock, desk
        self._quarantine, self._steps, self._sign = quarantine, steps, sign
        self._reviews = reviews
        self._every, self._beat, self._guard = every, beat, guard
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Have the waiting runs looked for now. Safe at any time."""
        self._news.set()

    async def run(self) -> None:
        """Run until cancelled; the failure of one thing never ends it."""
        await self._try(self.recover)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work_on())
            group.create_task(self._keep_up())

    async def recover(self) -> None:
        """Mark what was under way when the last process ended; sweep what it left."""
        # A store that is away must not leave these runs under way for ever.
        await self._try(self._quarantine.sweep)
        async with self._store.read() as tx:
            left = [run for run in await tx.intakes.open_runs() if run.state is RunState.RUNNING]
        for run in left:
            await self._end(run.id, RunState.INTERRUPTED, "interrupted")

    async def work(self) -> int:
        """Do every run that waits, the oldest first; return how many."""
        count = 0
        while True:
            async with self._store.read() as tx:
                waiting = [r for r in await tx.intakes.open_runs() if r.state is RunState.QUEUED]
            if not waiting:
                return count
            await self._do(waiting[0])
            count += 1

    async def keep_up(self) -> None:
        """Destroy raw files that have no reason to be kept; see to reviews, before and at dates.

        What is past its date leaves sandboxes first, whatever comes of the rest.
        """
        await self._reviews.mark()
        await self._try(self.destroy)
        if await self._reviews.start():
            self.wake()

    async def destroy(self) -> int:
        """Destroy the raw files of dossiers that have ended, and certify; return how many."""
        async with self._store.read() as tx:
            ended = await tx.intakes.to_destroy()
        count = 0
        for intake in ended:
            self._guard()
            try:
                gone = await self._quarantine.destroy(intake.id)
            except OSError:
                log.exception("raw file stays", extra={"intake_id": intake.id})
                continue
            await self._certify(intake, gone)
            count += 1
        return count

    async def _work_on(self) -> None:
        while True:
            self._news.clear()
            await self._try(self.work)
            try:
                await asyncio.wait_for(self._news.wait(), self._every.total_seconds())
            except TimeoutError:
                continue

    async def _keep_up(self) -> None:
        while True:
            await self._try(self.keep_up)
            await asyncio.sleep(self._every.total_seconds())

    async def _try(self, job: Callable[[], object]) -> None:
        try:
            await job()  # type: ignore[misc]  # each of them is a coroutine
        except Exception:
            log.exception("work on dossiers failed")

    async def _do(self, run: Run) -> None:
        """Do one run, whatever comes of it."""
        self._guard()
        try:
            async with self._store.begin() as tx:
                run = await tx.intakes.put_run(run.started(self._clock.now()))
                intake = await found(tx, run.intake_id)
        except RequestError:
            return  # somebody cancelled it in between
        try:
            await self._watched(intake, run)
        except _Ended:
            await self._end(run.id, RunState.CANCELLED, "cancelled")
        except RequestError as error:
            code, *said = said_of(error)
            await self._end(run.id, RunState.FAILED, code, said)
        except Exception:
            log.exception("run failed", extra={"run_id": run.id})
            await self._end(run.id, RunState.FAILED, "internal")
        else:
            await self._end(run.id, RunState.DONE, "")
        # What it led to may have to be done now: a raw file to destroy.
        await self._try(self.destroy)

    async def _watched(self, intake: Intake, run: Run) -> None:
        """Do a run's step while its progress is written down and a cancellation is heard."""
        watch = _Watch()
        with self._quarantine.opened(intake.id) as work:
            bench = Bench(intake, run, work, watch.tell)
            task = asyncio.ensure_future(self._steps.do(bench))
            try:
                while not task.done():
                    await asyncio.wait([task], timeout=self._beat.total_seconds())
                    if not task.done():
                        await self._try(lambda: self._note(run.id, watch))
            finally:
                # Its thread cannot be stopped from here: it is told to end, and waited for,
                # before the folder it works in goes.
                watch.shall_end = True
                await asyncio.wait([task])
            await task

    async def _note(self, run_id: RunId, watch: _Watch) -> None:
        async with self._store.begin() as tx:
            run = await tx.intakes.get_run(run_id)
            if run is None or run.cancel_asked_at is not None:
                watch.shall_end = True
            if run is not None:
                await tx.intakes.put_run(run.at(watch.progress, self._clock.now()))

    async def _end(
        self, run_id: RunId, state: RunState, code: str, said: Sequence[str] = ()
    ) -> None:
        fr, en = said or SAID.get(code, ("", ""))
        async with self._store.begin() as tx:
            run = await tx.intakes.get_run(run_id)
            if run is None:
                return
            ended = run.ended(state, self._clock.now(), code=code, fr=fr, en=en)
            await tx.intakes.put_run(ended)
            if state is not RunState.DONE:
                intake = await found(tx, run.intake_id)
                action = f"intake.{run.step.value}.{state.value}"
                await self._desk.note(tx, None, action, intake, run=run_id, code=code)

    async def _certify(self, intake: Intake, gone: tuple[str, ...]) -> None:
        blank = Destruction(gone, self._clock.now())
        destruction = replace(blank, value=self._sign(destruction_content(intake, blank)))
        try:
            async with self._store.begin() as tx:
                current = await found(tx, intake.id)
                kept = await tx.intakes.put(current.destroyed(destruction))
                await self._desk.note(
                    tx, None, "intake.destroy", kept, signature=destruction.value
                )
        except ConflictError:
            log.info("certified next time", extra={"intake_id": intake.id})
