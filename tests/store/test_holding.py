from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.intervention import Act, Intervention, LabStop
from lab.domain.sandbox import SuspendReason, Suspension
from tests.conftest import NOON
from tests.store.samples import ODD, RFT, furnish, sandbox

if TYPE_CHECKING:
    from lab.store import SqlStore

STOP = LabStop(NOON, "m-a", ODD)
HOLD = Suspension(NOON, SuspendReason.LAB_STOPPED, ODD)


async def test_what_holds_a_sandbox_comes_back_as_it_was_written(store: SqlStore) -> None:
    await furnish(store)
    asked = replace(HOLD, reason=SuspendReason.ASKED)
    acts = [
        Intervention(f"iv-{n}", sandbox().id, NOON, "m-a", act, "asked", ODD, until)
        for n, (act, until) in enumerate(((Act.SUSPEND, None), (Act.EXTEND, NOON)))
    ]
    async with store.begin() as tx:
        for name, changes in (
            ("sb-run", {}),
            ("sb-asked", {"suspension": asked}),
            ("sb-gone", {"deleted_at": NOON}),
            ("sb-going", {"delete_requested_at": NOON}),
            ("sb-over", {"spec": replace(sandbox().spec, expires_at=NOON)}),
        ):
            await tx.sandboxes.put(sandbox(name, **changes))
        await tx.holds.add(acts)
        await tx.holds.add([])
        assert await tx.holds.lock() is None
        await tx.holds.put(STOP)
    async with store.begin() as tx:
        assert await tx.holds.of(sandbox().id) == acts
        assert await tx.holds.lock(shared=True) == await tx.holds.lab_stop() == STOP
        assert await tx.holds.suspend_all(HOLD, RFT) == ["sb-1", "sb-run"]
        assert await tx.holds.suspend_all(HOLD) == []
        held = await tx.sandboxes.get(sandbox("sb-run").id)
        assert held == sandbox("sb-run", suspension=HOLD, version=2)
        assert await tx.holds.resume_all(SuspendReason.LAB_STOPPED) == ["sb-1", "sb-run"]
        await tx.holds.put(None)
        assert await tx.holds.lab_stop() is None
        found = await tx.sandboxes.get(sandbox("sb-asked").id)
        assert found is not None
        assert found.suspension == asked


async def test_what_is_made_while_all_is_being_stopped_is_stopped_too(store: SqlStore) -> None:
    await furnish(store)

    async def make(number: int) -> None:
        await asyncio.sleep(0.002 * number)
        async with store.begin() as tx:
            stop = await tx.holds.lock(shared=True)
            made = sandbox(f"sb-new-{number}", suspension=HOLD if stop else None)
            await asyncio.sleep(0.005)
            await tx.sandboxes.put(made)

    async def stop() -> None:
        await asyncio.sleep(0.01)
        async with store.begin() as tx:
            await tx.holds.lock()
            await tx.holds.put(STOP)
            await tx.holds.suspend_all(replace(HOLD, at=NOON + timedelta(seconds=1)))

    await asyncio.gather(stop(), *(make(number) for number in range(8)))
    async with store.read() as tx:
        live = await tx.sandboxes.live()
    assert len(live) == 9
    assert all(each.suspension is not None for each in live)
