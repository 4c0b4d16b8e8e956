from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.audit import first_break
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Phase, Seen, Stage
from tests.conftest import NOON, make_sandbox
from tests.world import World, draft, new_world, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.bootstrap import Lab
    from lab.domain.sandbox import Sandbox


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as made:
        yield made


async def until(holds: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)


async def filed(lab: Lab, world: World) -> Sandbox:
    request = (await lab.requests.file(world.people["requester"], draft())).request
    assert request.sandbox_id is not None
    async with world.store.read() as tx:
        sandbox = await tx.sandboxes.get(request.sandbox_id)
    assert sandbox is not None
    return sandbox


def is_in(lab: Lab, world: World, sandbox: Sandbox, phase: Phase) -> Callable[[], object]:
    async def look() -> bool:
        return (await lab.sandboxes.get(world.people["requester"], sandbox.id)).phase is phase

    return look


async def test_sandbox_lives_dies_by_date_and_is_certified(world: World) -> None:
    lab = await world.lab()
    async with running(lab):
        sandbox = await filed(lab, world)
        await until(is_in(lab, world, sandbox, Phase.READY))
        world.clock.time = sandbox.spec.expires_at
        lab.controller._queue.add(sandbox.id)
        await until(is_in(lab, world, sandbox, Phase.DELETED))
    assert await world.seen(sandbox) == [Seen.ABSENT] * 5
    certificate = await lab.sandboxes.certificate(world.people["requester"], sandbox.id)
    assert certificate.reason == "expired"
    assert {gone.stage for gone in certificate.gone} == set(Stage)
    assert lab.signer.is_genuine(certificate)
    quota = await lab.agencies.quota(world.people["requester"], sandbox.spec.agency_id)
    assert quota.left == quota.agency.quota


async def test_every_stage_shows_how_long_it_took(world: World) -> None:
    lab = await world.lab()
    async with running(lab):
        sandbox = await filed(lab, world)
        await until(is_in(lab, world, sandbox, Phase.READY))
    view = await lab.sandboxes.get(world.people["scientist"], sandbox.id)
    assert [view.stages[stage].took for stage in Stage] == [timedelta(0)] * 5


async def test_failing_system_shows_what_failed_and_when_it_is_tried_again(world: World) -> None:
    lab = await world.lab()
    world.providers[Stage.DATA].fail_with = "bucket service is down"
    world.providers[Stage.DATA].observe = _absent  # type: ignore[method-assign]
    async with running(lab):
        sandbox = await filed(lab, world)

        async def has_failed() -> bool:
            view = await lab.sandboxes.get(world.people["requester"], sandbox.id)
            return Stage.DATA in view.stages and view.stages[Stage.DATA].failures > 0

        await until(has_failed)
        view = await lab.sandboxes.get(world.people["requester"], sandbox.id)
        state = view.stages[Stage.DATA]
        assert (state.error_code, state.error_detail) == (
            "provider_failed",
            "bucket service is down",
        )
        assert state.next_try_at is not None
        assert state.next_try_at > NOON
        assert view.stages[Stage.WORKSPACE].seen is Seen.ABSENT


async def _absent(sandbox: Sandbox) -> object:  # noqa: ARG001
    from lab.domain.sandbox import Observation  # noqa: PLC0415

    return Observation(Seen.ABSENT)


@pytest.mark.parametrize("down", list(Stage))
async def test_outage_ends_and_the_take_down_ends_with_it(world: World, down: Stage) -> None:
    lab = await world.lab()
    async with running(lab):
        sandbox = await filed(lab, world)
        await until(is_in(lab, world, sandbox, Phase.READY))
        world.providers[down].fail_with = "down"
        await lab.sandboxes.delete(world.people["requester"], sandbox.id)
        await asyncio.sleep(0.3)
        assert (await lab.sandboxes.get(world.people["requester"], sandbox.id)).phase is (
            Phase.DELETING
        )
        world.providers[down].fail_with = None
        await until(is_in(lab, world, sandbox, Phase.DELETED))


async def test_restart_picks_up_where_it_was(world: World) -> None:
    world.providers[Stage.TRACKING].fail_with = "down"
    first = await world.lab()
    async with running(first):
        sandbox = await filed(first, world)
        await asyncio.sleep(0.2)
    assert await world.seen(sandbox) != [Seen.READY] * 5
    world.providers[Stage.TRACKING].fail_with = None
    second = await world.lab()
    async with running(second):
        await until(is_in(second, world, sandbox, Phase.READY))


async def test_orphans_go_and_live_sandboxes_stay(world: World) -> None:
    lab = await world.lab()
    orphan = make_sandbox("sb-00000000ff")
    for provider in world.providers.values():
        await provider.ensure(orphan)
    sandbox = await filed(lab, world)
    await world.providers[Stage.DATA].ensure(sandbox)
    assert await lab.controller.sweep() == {SandboxId("sb-00000000ff")}
    assert await world.seen(orphan) == [Seen.ABSENT] * 5
    assert Stage.DATA in {s for s, p in world.providers.items() if await p.owned()}
    async with world.store.read() as tx:
        events = await tx.audit.all()
    assert [e.resource_id for e in events if e.action == "orphan.remove"] == [orphan.id] * 5
    assert first_break(events) is None


async def test_ready_sandbox_with_nothing_to_do_writes_nothing(world: World) -> None:
    lab = await world.lab()
    async with running(lab):
        sandbox = await filed(lab, world)
        await until(is_in(lab, world, sandbox, Phase.READY))
    made = {stage: provider.ensured for stage, provider in world.providers.items()}
    async with world.store.read() as tx:
        before = await tx.sandboxes.stages(sandbox.id)
        rows = len(await tx.audit.all())
    for _ in range(5):
        result = await lab.controller._reconciler.reconcile(sandbox.id)
        assert result.requeue_after == lab.settings.watch
    async with world.store.read() as tx:
        assert await tx.sandboxes.stages(sandbox.id) == before
        assert len(await tx.audit.all()) == rows
    assert made == {stage: provider.ensured for stage, provider in world.providers.items()}
