from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.domain.attempt import BlockedAttempt, Rule
from lab.domain.errors import ForbiddenError, NotFoundError, NotReadyError
from lab.domain.ids import MemberId, SandboxId
from lab.domain.sandbox import Phase, Seen, Stage, StageState
from tests.conftest import NOON
from tests.world import World, draft, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.bootstrap import Lab


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as made:
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


@pytest.fixture
async def sandbox_id(lab: Lab, world: World) -> SandboxId:
    found = (await lab.requests.file(world.people["requester"], draft())).request.sandbox_id
    assert found is not None
    return found


async def make_ready(world: World, sandbox_id: SandboxId) -> None:
    states = [StageState(sandbox_id, stage, Seen.READY, NOON) for stage in Stage]
    async with world.store.begin() as tx:
        await tx.sandboxes.put_stages(states)


@pytest.mark.parametrize("who", ["requester", "scientist"])
async def test_the_team_opens_a_notebook_once_all_is_ready(
    lab: Lab, world: World, sandbox_id: SandboxId, who: str
) -> None:
    with pytest.raises(NotReadyError):
        await lab.sandboxes.open(world.people[who], sandbox_id)
    assert not world.notebooks.started
    await make_ready(world, sandbox_id)
    await lab.sandboxes.open(world.people[who], sandbox_id)
    assert world.notebooks.started == [(world.people[who].id, sandbox_id)]


@pytest.mark.parametrize("who", ["operator", "reviewer"])
async def test_the_labs_staff_never_opens_a_notebook(
    lab: Lab, world: World, sandbox_id: SandboxId, who: str
) -> None:
    await make_ready(world, sandbox_id)
    with pytest.raises(ForbiddenError):
        await lab.sandboxes.open(world.people[who], sandbox_id)


async def test_sandboxes_of_other_agencies_do_not_exist(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    stranger = world.people["stranger"]
    for call in (
        lab.sandboxes.get,
        lab.sandboxes.open,
        lab.sandboxes.delete,
        lab.sandboxes.attempts,
        lab.sandboxes.certificate,
        lab.sandboxes.server,
        lab.sandboxes.close,
    ):
        with pytest.raises(NotFoundError):
            await call(stranger, sandbox_id)
    assert not (await lab.sandboxes.page(stranger)).items


async def test_scientist_looks_and_does_not_delete(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    assert [s.id for s in (await lab.sandboxes.page(world.people["scientist"])).items] == [
        sandbox_id
    ]
    with pytest.raises(ForbiddenError):
        await lab.sandboxes.delete(world.people["scientist"], sandbox_id)


async def test_hub_may_launch_for_the_team_only_and_only_behind_proved_walls(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    scientist = world.people["scientist"].id
    with pytest.raises(NotReadyError):
        await lab.sandboxes.launchable(sandbox_id, scientist)
    await make_ready(world, sandbox_id)
    assert (await lab.sandboxes.launchable(sandbox_id, scientist)).id == sandbox_id
    for other in (world.people["stranger"].id, world.people["operator"].id, MemberId("m-none")):
        with pytest.raises(NotFoundError):
            await lab.sandboxes.launchable(sandbox_id, other)
    async with world.store.begin() as tx:
        await tx.sandboxes.put_stages([
            StageState(sandbox_id, Stage.CONTAINMENT, Seen.ABSENT, NOON, detail="udp open")
        ])
    with pytest.raises(NotReadyError, match="containment"):
        await lab.sandboxes.launchable(sandbox_id, scientist)


async def test_deletion_is_asked_once_and_closes_the_door_at_once(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    await make_ready(world, sandbox_id)
    requester = world.people["requester"]
    first = await lab.sandboxes.delete(requester, sandbox_id)
    assert first.phase is Phase.DELETING
    world.clock.time = NOON.replace(hour=13)
    again = await lab.sandboxes.delete(requester, sandbox_id)
    assert again.sandbox == first.sandbox
    with pytest.raises(NotReadyError):
        await lab.sandboxes.open(requester, sandbox_id)
    with pytest.raises(NotReadyError):
        await lab.sandboxes.launchable(sandbox_id, requester.id)
    with pytest.raises(NotFoundError):
        await lab.sandboxes.certificate(requester, sandbox_id)


async def test_blocked_attempts_are_kept_and_shown(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    attempt = BlockedAttempt(
        sandbox_id, world.people["scientist"].id, Rule.NO_NETWORK, "192.0.2.1:443", NOON, NOON, 3
    )
    world.attempts.waiting.append(attempt)
    assert list(await lab.sandboxes.attempts(world.people["scientist"], sandbox_id)) == [attempt]
    assert list(await lab.sandboxes.attempts(world.people["operator"], sandbox_id)) == [attempt]


async def test_lost_walls_under_a_workspace_show_as_uncontained(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    assert not await lab.sandboxes.uncontained()
    await make_ready(world, sandbox_id)
    assert not await lab.sandboxes.uncontained()
    for seen in (Seen.ABSENT, Seen.UNKNOWN):
        async with world.store.begin() as tx:
            await tx.sandboxes.put_stages([
                StageState(sandbox_id, Stage.CONTAINMENT, seen, NOON, detail="udp open")
            ])
        assert list(await lab.sandboxes.uncontained()) == [sandbox_id]
