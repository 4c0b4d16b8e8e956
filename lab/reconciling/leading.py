"""Runs the loop while this process leads, and never a moment longer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lab.controller.loop import Controller
    from lab.reconciling.lease import Elector

log = logging.getLogger(__name__)

WAKE_SECONDS = 1.0
"""How often the outbox is read: who writes to it is another process."""


class Leading:
    """One life of a reconciler: waits for the lease, works, and ends.

    Args:
        first: Run once before the loop starts: what must be known before anything is made.
    """

    def __init__(
        self,
        *,
        elector: Elector,
        controller: Controller,
        first: Callable[[], Awaitable[None]] | None = None,
        wake_seconds: float = WAKE_SECONDS,
    ) -> None:
        self._elector, self._controller, self._first = elector, controller, first
        self._wake_seconds = wake_seconds

    async def run(self, stop: asyncio.Event) -> bool:
        """Work until told to stop; return whether it ended in order.

        ``False`` means that the lease is lost or the loop broke: what is under
        way must not go on, so the process has to end at once.
        """
        stopping = asyncio.create_task(stop.wait())
        try:
            if not await self._until(stopping, self._elector.acquire()):
                return True
            return await self._lead(stopping)
        finally:
            stopping.cancel()

    async def _lead(self, stopping: asyncio.Task[bool]) -> bool:
        keeping = asyncio.create_task(self._elector.keep())
        working = asyncio.create_task(self._work())
        try:
            await asyncio.wait({keeping, working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done() and (error := working.exception()) is not None:
                log.error("the loop broke", exc_info=error)
            if keeping.done() or working.done():
                return False
            working.cancel()
            # While it winds up the lease must hold: nobody else may begin before.
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
            in_order = working.done() and not keeping.done()
        finally:
            keeping.cancel()
            working.cancel()
        if in_order:
            await asyncio.gather(keeping, working, return_exceptions=True)
            await self._elector.release()
        return in_order

    async def _work(self) -> None:
        if self._first is not None:
            await self._first()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._controller.run())
            group.create_task(self._wake())

    async def _wake(self) -> None:
        while True:
            self._controller.wake()
            await asyncio.sleep(self._wake_seconds)

    async def _until(self, stopping: asyncio.Task[bool], work: Awaitable[None]) -> bool:
        """Wait for ``work``; ``False`` if told to stop before it is done."""
        task = asyncio.ensure_future(work)
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
