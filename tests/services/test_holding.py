from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.agency import Usage
from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    NotReadyError,
    QuotaExceededError,
    StateError,
)
from lab.domain.ids import AgencyId, SandboxId
from lab.domain.quantity import GIB, Resources
from lab.domain.sandbox import Phase, Seen, Stage, StageState, SuspendReason
from tests.conftest import NOON
from tests.world import World, draft, new_world, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.bootstrap import Lab

WHY = "Fuite soupçonnée; on vérifie."


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world(looks_to_ready=0) as made:
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
    async with world.store.begin() as tx:
        await tx.sandboxes.put_stages([
            StageState(sandbox_id, stage, Seen.READY, NOON) for stage in Stage
        ])


async def actions(world: World) -> list[tuple[str, str, str]]:
    async with world.store.read() as tx:
        return [(e.action, e.outcome, e.facts.get("reason", "")) for e in await tx.audit.all()]


async def test_a_held_sandbox_closes_its_door_at_once_and_says_why(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    await make_ready(world, sandbox_id)
    operator, scientist = world.people["operator"], world.people["scientist"]
    first = await lab.holds.suspend(operator, sandbox_id, reason=f"  {WHY} ")
    assert first.suspension is not None
    assert first.suspension.note == WHY
    assert await lab.holds.suspend(operator, sandbox_id, reason="encore") == first
    view = await lab.sandboxes.get(scientist, sandbox_id)
    assert view.phase is Phase.SUSPENDED
    with pytest.raises(NotReadyError, match="suspended"):
        await lab.sandboxes.open(scientist, sandbox_id)
    with pytest.raises(NotReadyError):
        await lab.sandboxes.launchable(sandbox_id, scientist.id)
    stopped = await lab.holds.stop(operator, sandbox_id, reason="Tout de suite.")
    assert stopped.suspension is not None
    assert stopped.suspension.reason is SuspendReason.STOPPED
    assert [(a.act.value, a.note) for a in await lab.holds.history(scientist, sandbox_id)] == [
        ("suspend", WHY),
        ("stop", "Tout de suite."),
    ]
    found = [each for each in await actions(world) if each[0].startswith("sandbox.")]
    assert found == [
        ("sandbox.suspend", "done", "asked"),
        ("sandbox.open", "refused", ""),
        ("sandbox.stop", "done", "stopped"),
    ]
    # What a person wrote is not in the log itself.
    async with world.store.read() as tx:
        assert not [e for e in await tx.audit.all() if WHY in str(e.facts)]
        held = await tx.agencies.held(AgencyId("rft"))
    assert held.sandboxes == 1


async def test_only_operators_hold_and_a_reason_is_needed(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    for act in (lab.holds.suspend, lab.holds.stop, lab.holds.resume):
        for who in ("requester", "scientist", "reviewer"):
            with pytest.raises(ForbiddenError):
                await act(world.people[who], sandbox_id, reason=WHY)
        with pytest.raises(NotFoundError):
            await act(world.people["stranger"], sandbox_id, reason=WHY)
        with pytest.raises(NotFoundError):
            await act(world.people["operator"], SandboxId("sb-none"), reason=WHY)
        for bad in ("", " \n ", "x" * 1001, "a\x00b"):
            with pytest.raises(InvalidError):
                await act(world.people["operator"], sandbox_id, reason=bad)
        with pytest.raises(ConflictError):
            await act(world.people["operator"], sandbox_id, reason=WHY, version=9)
    with pytest.raises(NotFoundError):
        await lab.holds.history(world.people["stranger"], sandbox_id)
    assert ("sandbox.stop", "refused", "") in await actions(world)
    await lab.sandboxes.delete(world.people["requester"], sandbox_id)
    operator = world.people["operator"]
    for act in (lab.holds.suspend, lab.holds.stop, lab.holds.resume):
        with pytest.raises(StateError):
            await act(operator, sandbox_id, reason=WHY)
    with pytest.raises(StateError):
        await lab.extensions.extend(
            operator, sandbox_id, ends_on=date(2027, 1, 5), reason="encore un essai"
        )


async def phase_is(lab: Lab, world: World, sandbox_id: SandboxId, phase: Phase) -> None:
    async with asyncio.timeout(20):
        while (await lab.sandboxes.get(world.people["operator"], sandbox_id)).phase is not phase:
            await asyncio.sleep(0.01)


async def seen_is(world: World, sandbox_id: SandboxId, *wanted: Seen) -> None:
    async with world.store.read() as tx:
        sandbox = await tx.sandboxes.get(sandbox_id)
    assert sandbox is not None
    async with asyncio.timeout(20):
        while await world.seen(sandbox) != list(wanted):
            await asyncio.sleep(0.01)


STILL = (Seen.READY, Seen.ABSENT, Seen.REVOKED, Seen.REVOKED, Seen.ABSENT)


async def test_the_loop_makes_it_still_keeps_its_data_and_proves_the_walls_again(
    world: World, lab: Lab, sandbox_id: SandboxId
) -> None:
    operator = world.people["operator"]
    async with running(lab):
        await phase_is(lab, world, sandbox_id, Phase.READY)
        proved = world.providers[Stage.CONTAINMENT].ensured
        await lab.holds.suspend(operator, sandbox_id, reason=WHY)
        await seen_is(world, sandbox_id, *STILL)
        await lab.holds.resume(operator, sandbox_id, reason="Rien trouvé.")
        await seen_is(world, sandbox_id, *[Seen.READY] * 5)
        assert world.providers[Stage.CONTAINMENT].ensured == proved + 1
        await phase_is(lab, world, sandbox_id, Phase.READY)


async def test_stopping_all_stops_all_and_lets_nothing_new_be_made_until_it_is_lifted(
    world: World, lab: Lab, sandbox_id: SandboxId
) -> None:
    operator, requester = world.people["operator"], world.people["requester"]
    other = (await lab.requests.file(requester, draft())).request.sandbox_id
    assert other is not None
    await lab.holds.suspend(operator, other, reason="autre chose")
    async with running(lab):
        await phase_is(lab, world, sandbox_id, Phase.READY)
        for confirmation in ("", "oui", "tout arreter"):
            with pytest.raises(InvalidError):
                await lab.holds.stop_all(operator, reason=WHY, confirmation=confirmation)
        with pytest.raises(ForbiddenError):
            await lab.holds.stop_all(world.people["reviewer"], reason=WHY, confirmation="stop all")
        assert await lab.holds.lab_stop() is None
        stop = await lab.holds.stop_all(operator, reason=WHY, confirmation=" Tout  ARRÊTER ")
        assert await lab.holds.lab_stop() == stop
        await seen_is(world, sandbox_id, *STILL)
        new = (await lab.requests.file(requester, draft())).request.sandbox_id
        assert new is not None
        with pytest.raises(StateError):
            await lab.holds.resume(operator, new, reason="un seul")
        again = await lab.holds.stop_all(operator, reason="encore", confirmation="stop all")
        assert again == stop
        await asyncio.sleep(0.1)
        await seen_is(world, new, *[Seen.ABSENT] * 5)
        with pytest.raises(InvalidError):
            await lab.holds.lift(operator, reason="")
        await lab.holds.lift(operator, reason="Vérifié.")
        for each in (sandbox_id, new):
            await phase_is(lab, world, each, Phase.READY)
        await phase_is(lab, world, other, Phase.SUSPENDED)
    with pytest.raises(StateError):
        await lab.holds.lift(operator, reason="Vérifié.")
    history = await lab.holds.history(requester, sandbox_id)
    assert [(a.act.value, a.reason) for a in history] == [
        ("stop", "lab_stopped"),
        ("resume", "lab_stopped"),
    ]
    done = [name for name, outcome, _ in await actions(world) if outcome == "done"]
    assert done.count("lab.stop") == 2
    assert done.count("lab.resume") == 1


async def test_an_end_is_put_off_by_the_team_within_the_rule_and_by_an_operator_beyond(
    lab: Lab, world: World, sandbox_id: SandboxId
) -> None:
    for who, day, code in (
        ("requester", date(2026, 12, 5), "not_later"),
        ("scientist", date(2026, 12, 23), "beyond_rule"),
        ("requester", date(2027, 2, 20), "too_far"),
        ("operator", date(2027, 2, 20), "too_far"),
        ("scientist", date(2026, 12, 20), ""),
        ("requester", date(2026, 12, 22), ""),
        ("requester", date(2026, 12, 23), "ask_operator"),
        ("operator", date(2026, 12, 23), ""),
        ("operator", date(2027, 2, 19), ""),
    ):
        extend = lab.extensions.extend(world.people[who], sandbox_id, ends_on=day, reason=WHY)
        if code:
            with pytest.raises(InvalidError) as told:
                await extend
            assert [p.code for p in told.value.problems] == [code]
            continue
        until = (await extend).spec.expires_at
        assert until.date() == day + timedelta(days=1)
        act = (await lab.holds.history(world.people["scientist"], sandbox_id))[-1]
        assert (act.until, act.actor) == (until, world.people[who].id)
    for who in ("reviewer", "stranger"):
        with pytest.raises((ForbiddenError, NotFoundError)):
            await lab.extensions.reach(world.people[who], sandbox_id)
    # An agency that holds more than its quota gets no more time.
    await lab.agencies.set_quota(
        world.people["operator"],
        AgencyId("rft"),
        Usage(Resources(100, GIB, GIB), 1),
        max_days=200,
    )
    with pytest.raises(QuotaExceededError):
        await lab.extensions.extend(
            world.people["operator"], sandbox_id, ends_on=date(2027, 2, 21), reason="encore"
        )


async def test_only_another_person_extends_what_no_rule_approves(lab: Lab, world: World) -> None:
    request = (await lab.requests.file(world.people["requester"], draft(size="moyen"))).request
    approved = await lab.requests.approve(world.people["reviewer"], request.id)
    assert approved.sandbox_id is not None
    async with world.store.begin() as tx:
        found = await tx.sandboxes.get(approved.sandbox_id)
        assert found is not None
        people = (*found.spec.members, world.people["operator"].id)
        mine = replace(found, id=SandboxId("sb-mine"), version=0)
        await tx.sandboxes.put(replace(mine, spec=replace(found.spec, members=people)))
    for who, which in (
        ("requester", approved.sandbox_id),
        ("scientist", approved.sandbox_id),
        ("operator", SandboxId("sb-mine")),
    ):
        assert (await lab.extensions.reach(world.people[who], which))[1] is None
        with pytest.raises(InvalidError) as told:
            await lab.extensions.extend(
                world.people[who], which, ends_on=date(2026, 12, 22), reason="?"
            )
        assert told.value.problems[0].code == "ask_operator"
