"""What a lab begins with: made while its parts start, and once they are there."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from lab import bootstrap
from lab.parts import seed
from lab.parts.first import FirstSandbox
from lab.parts.message import MachineError, message
from lab.parts.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from lab.data.publication import Built
    from lab.parts.lifecycle import Reporter, Started
    from lab.parts.outcome import Plan
    from lab.settings import Settings


class Beginning:
    """People, data and the first sandbox of a lab, while its parts start and after."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        reporter: Reporter,
        live: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._settings, self._plan = settings, plan
        self._reporter, self._live = reporter, live

    async def run(self, starting: Future[Started], *, began: float) -> Outcome:
        """Do it.

        Args:
            starting: The parts; what fails there fails here.
            began: When the whole start began, on the monotonic clock.

        Raises:
            MachineError: A part does not become ready.
        """
        # None of the three needs the others, and each takes seconds.
        building = asyncio.create_task(asyncio.to_thread(seed.build_data, self._settings))
        try:
            lab = await bootstrap.build(self._settings)
            try:
                return await self._all(seed.Seed(lab), building, starting, began)
            finally:
                await lab.aclose()
        finally:
            await asyncio.gather(building, return_exceptions=True)

    async def _all(
        self,
        sown: seed.Seed,
        building: asyncio.Task[list[Built]],
        starting: Future[Started],
        began: float,
    ) -> Outcome:
        has_demo = self._plan.has_demo
        passwords = await sown.people(has_demo=has_demo)
        started = await asyncio.wrap_future(starting)
        built = await building
        published = await sown.publish(built)
        if published:
            self._reporter.say(message("data sets published: {count}", count=published))
        sandbox_id, failure = "", None
        if has_demo:
            sandbox_id, failure = await self._first(sown, built)
        return Outcome(
            address=f"{self._settings.public_url}/",
            was_running=started.was_running,
            seconds=time.monotonic() - began,
            accounts=await sown.accounts(passwords, has_demo=has_demo, sandbox_id=sandbox_id),
            sandbox_id=sandbox_id,
            failure=failure,
        )

    async def _first(self, sown: seed.Seed, built: list[Built]) -> tuple[str, MachineError | None]:
        token = await sown.token_of(seed.REQUESTER.login)
        asking = FirstSandbox(
            self._settings,
            self._reporter,
            token=token,
            datasets=[str(each.dataset.id) for each in built],
        )
        try:
            with self._live():
                bring = asking.bring
                return await asyncio.to_thread(bring, timeout_s=self._plan.timeout_s), None
        except MachineError as error:
            return "", error
        finally:
            await sown.drop(token)
