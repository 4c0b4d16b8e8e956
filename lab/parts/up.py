"""``lab up``: everything, in order."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab import bootstrap
from lab.domain.errors import StoreError
from lab.parts import kept, lifecycle, machine, seed
from lab.parts.first import FirstSandbox
from lab.parts.message import MachineError, message
from lab.settings import Settings
from lab.store import migrate, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.data.publication import Built
    from lab.domain.object_store import StoreChoice
    from lab.parts.lifecycle import Reporter
    from lab.parts.seed import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a start is asked to do.

    Attributes:
        keep_port: Written down for the next start.
        keep_storage: Likewise; the settings hold it already.
    """

    keep_port: int | None = None
    keep_storage: StoreChoice | None = None
    has_demo: bool = True
    timeout_s: float = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the operator is told at the end.

    Attributes:
        failure: Why the first sandbox is not ready; the lab itself is up.
    """

    address: str
    was_running: bool
    seconds: float
    accounts: tuple[Account, ...] = ()
    sandbox_id: str = ""
    failure: MachineError | None = None


def bring_up(
    settings: Settings,
    plan: Plan,
    reporter: Reporter,
    *,
    live: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Outcome:
    """Check, prepare, start, seed, and ask for the first sandbox.

    Args:
        settings: Of the lab to start.
        plan: What is asked for.
        reporter: Shows what is done.
        live: Entered while the reporter shows how far things are.

    Raises:
        MachineError: Says what is wrong and what to do.
    """
    began = time.monotonic()
    lifecycle.check(settings)
    with lifecycle.alone(settings):
        made = lifecycle.make_places(settings)
        if made:
            reporter.say(message("secrets made: {count}", count=len(made)))
        if plan.keep_port is not None:
            kept.keep_port(settings.state_dir, plan.keep_port)
        try:
            asyncio.run(migrate.upgrade(settings.database_url))
            if plan.keep_storage is not None:
                asyncio.run(_change_storage(settings, plan.keep_storage))
        except StoreError as error:
            raise MachineError(message("the database: {why}", why=error), exit_code=3) from error
        machine.prepare(settings)
        return asyncio.run(_Start(settings, plan, reporter, live).run(began))


async def _change_storage(settings: Settings, chosen: StoreChoice) -> None:
    """Write the chosen store down, unless sandboxes hold objects in another one."""
    before = Settings(state_dir=settings.state_dir).storage
    if before.place != chosen.place:
        store = await open_store(settings.database_url)
        try:
            async with store.read() as tx:
                live = [sandbox.id for sandbox in await tx.sandboxes.live()]
        finally:
            await store.aclose()
        if live:
            raise MachineError(
                message(
                    "sandboxes hold objects in the present store ({kind}): {names}",
                    kind=before.kind.value,
                    names=", ".join(sorted(live)),
                ),
                message("Objects do not move by themselves: delete these sandboxes first."),
            )
    kept.keep_storage(settings.state_dir, chosen)


class _Start:
    """What is left to do once the database and every configuration are in place."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        reporter: Reporter,
        live: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._settings, self._plan = settings, plan
        self._reporter, self._live = reporter, live

    async def run(self, began: float) -> Outcome:
        """Do it; return what to tell the operator."""
        # Made while the parts start: both take seconds, and neither needs the other.
        building = asyncio.create_task(asyncio.to_thread(seed.build_data, self._settings))
        try:
            lab = await bootstrap.build(self._settings)
            try:
                return await self._all(seed.Seed(lab), building, began)
            finally:
                await lab.aclose()
        finally:
            await asyncio.gather(building, return_exceptions=True)

    async def _all(
        self, sown: seed.Seed, building: asyncio.Task[list[Built]], began: float
    ) -> Outcome:
        has_demo = self._plan.has_demo
        passwords = await sown.people(has_demo=has_demo)
        with self._live():
            started = await asyncio.to_thread(
                lifecycle.Lifecycle(self._settings, self._reporter).start,
                timeout_s=self._plan.timeout_s,
            )
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
