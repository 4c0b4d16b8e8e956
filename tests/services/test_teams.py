from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ProviderError,
    StateError,
)
from lab.domain.ids import AgencyId
from lab.domain.member import Role
from lab.domain.sandbox import Phase, Stage
from lab.ports import RunningServer
from lab.services.core import Core
from lab.services.members import NewMember
from lab.services.teaming import TeamService, stop_strays
from tests.conftest import NOON
from tests.world import World, draft, new_world, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.bootstrap import Lab
    from lab.domain.ids import SandboxId
    from lab.domain.member import Member


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as made:
        lab = await made.lab()
        for login, agency, role in (
            ("colleague", "rft", Role.SCIENTIST),
            ("closed", "rft", Role.SCIENTIST),
            ("elsewhere", "bnf", Role.SCIENTIST),
        ):
            new = NewMember(login, login.title(), AgencyId(agency), frozenset({role}))
            made.people[login] = await lab.members.create(None, new)
        await lab.accounts.deactivate(made.people["operator"], "closed")
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


async def made(lab: Lab, world: World, **changes: object) -> SandboxId:
    filed = await lab.requests.file(world.people["requester"], draft(**changes))
    if filed.request.sandbox_id is None:
        await lab.requests.approve(world.people["reviewer"], filed.request.id)
        filed = replace(
            filed, request=await lab.requests.get(world.people["requester"], filed.request.id)
        )
    assert filed.request.sandbox_id is not None
    return filed.request.sandbox_id


async def team(lab: Lab, world: World, sandbox_id: SandboxId) -> list[str]:
    view = await lab.sandboxes.get(world.people["operator"], sandbox_id)
    logins = {member.id: login for login, member in world.people.items()}
    return [logins[each] for each in view.sandbox.spec.members]


async def codes(call: object) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        await call  # type: ignore[misc]  # a coroutine
    return [problem.code for problem in caught.value.problems]


async def test_a_colleague_comes_in_while_it_runs_and_the_loop_makes_it_real(
    lab: Lab, world: World
) -> None:
    sandbox_id = await made(lab, world, colleagues=())
    me, guest = world.people["requester"], world.people["colleague"]
    with pytest.raises(NotFoundError):
        await lab.sandboxes.open(guest, sandbox_id)

    async def ready() -> bool:
        return (await lab.sandboxes.get(me, sandbox_id)).phase is Phase.READY

    async with running(lab), asyncio.timeout(20):
        while not await ready():
            await asyncio.sleep(0.02)
        before = (await lab.sandboxes.get(me, sandbox_id)).sandbox.version
        for _ in range(2):
            await lab.teams.invite(me, sandbox_id, " colleague ", version=None)
        view = await lab.sandboxes.get(me, sandbox_id)
        assert view.sandbox.version == before + 1
        while not await lab.notices.mine(guest):
            await asyncio.sleep(0.02)
        while not await ready():
            await asyncio.sleep(0.02)
        await lab.sandboxes.open(guest, sandbox_id)
    assert await team(lab, world, sandbox_id) == ["requester", "colleague"]
    assert {n.kind.value for n in await lab.notices.mine(guest)} == {"invited", "ready"}
    assert all(n.kind.value != "invited" for n in await lab.notices.mine(me))

    # Out again, by a member: the server ends at once, and nothing can be opened any more.
    await lab.teams.remove(me, sandbox_id, "colleague")
    assert (guest.id, sandbox_id) not in world.notebooks.started
    for call in (lab.sandboxes.open, lab.sandboxes.server, lab.sandboxes.get):
        with pytest.raises(NotFoundError):
            await call(guest, sandbox_id)
    with pytest.raises(NotFoundError):
        await lab.sandboxes.launchable(sandbox_id, guest.id)
    async with world.store.read() as tx:
        events = [e for e in await tx.audit.all() if "invite" in e.action]
    assert [(e.action, e.actor, e.facts) for e in events] == [
        (action, me.id, {"member_id": guest.id})
        for action in ("sandbox.invite", "sandbox.uninvite")
    ]


async def test_only_who_could_open_it_is_invited_and_nobody_learns_who_else_there_is(
    lab: Lab, world: World
) -> None:
    sandbox_id = await made(lab, world)
    me = world.people["scientist"]
    invite = lab.teams.invite
    for nobody in ("elsewhere", "stranger", "closed", "operator", "nobody", "<b>", "x" * 300):
        assert await codes(invite(me, sandbox_id, nobody)) == ["unknown"]
    assert await codes(invite(me, sandbox_id, "  ")) == ["required"]
    with pytest.raises(NotFoundError):
        await invite(world.people["stranger"], sandbox_id, "elsewhere")
    with pytest.raises(ForbiddenError):
        await invite(world.people["reviewer"], sandbox_id, "colleague")
    remove = lab.teams.remove
    assert await codes(remove(me, sandbox_id, "requester")) == ["requester_stays"]
    assert await codes(remove(me, sandbox_id, "colleague")) == ["not_in_team"]
    assert await codes(remove(me, sandbox_id, "")) == ["required"]
    with pytest.raises(ConflictError):
        await invite(me, sandbox_id, "colleague", version=99)
    assert await team(lab, world, sandbox_id) == ["requester", "scientist"]
    # One may leave by oneself.
    await remove(me, sandbox_id, "scientist")
    assert await team(lab, world, sandbox_id) == ["requester"]
    await lab.sandboxes.delete(world.people["requester"], sandbox_id)
    with pytest.raises(StateError):
        await invite(world.people["requester"], sandbox_id, "scientist")


async def test_a_team_grows_no_further_than_a_rule_would_approve_but_by_an_operator(
    lab: Lab, world: World
) -> None:
    me, operator = world.people["requester"], world.people["operator"]

    async def more(sandbox_id: SandboxId, number: int) -> Member:
        login = f"more{number}"
        new = NewMember(login, login, AgencyId("rft"), frozenset({Role.SCIENTIST}))
        world.people[login] = await lab.members.create(None, new)
        await lab.teams.invite(me, sandbox_id, login)
        return world.people[login]

    sandbox_id = await made(lab, world, colleagues=())
    for number in range(4):
        await more(sandbox_id, number)
    # Five is what policies/approval.yaml approves without a person.
    assert await codes(more(sandbox_id, 9)) == ["team_beyond_rule"]
    await lab.teams.invite(operator, sandbox_id, "more9")
    assert len(await team(lab, world, sandbox_id)) == 6
    # What people decided about: who they approved may come back, nobody else comes in.
    reviewed = await made(lab, world, size="moyen")
    await lab.teams.remove(me, reviewed, "scientist")
    assert await codes(lab.teams.invite(me, reviewed, "colleague")) == ["team_beyond_rule"]
    await lab.teams.invite(me, reviewed, "scientist")
    assert await team(lab, world, reviewed) == ["requester", "scientist"]


async def test_where_homes_were_shared_out_only_the_requests_own_team_comes_back(
    lab: Lab, world: World
) -> None:
    sandbox_id = await made(lab, world)
    core = Core(
        store=world.store,
        clock=world.clock,
        journal=lab.journal,
        catalogue=lab.catalogue,
        new_id=lambda prefix: prefix,
        zone=lab.settings.zone,
        wake=lambda: None,
    )
    teams = TeamService(core, notebooks=world.notebooks, can_grow=False)
    me = world.people["requester"]
    assert await codes(teams.invite(me, sandbox_id, "colleague")) == ["not_of_request"]
    await teams.remove(me, sandbox_id, "scientist")
    await teams.invite(me, sandbox_id, "scientist")
    assert await team(lab, world, sandbox_id) == ["requester", "scientist"]


async def test_a_server_that_could_not_be_stopped_ends_at_the_next_sweep(
    lab: Lab, world: World
) -> None:
    sandbox_id = await made(lab, world)
    me, out = world.people["requester"], world.people["scientist"]
    notebooks = world.notebooks
    for person in (me, out):
        await notebooks.start(person.id, sandbox_id)
    notebooks.used = [RunningServer(p.id, sandbox_id, NOON) for p in (me, out)]
    notebooks.fails = ProviderError(Stage.WORKSPACE, "the hub does not answer")
    await lab.teams.remove(me, sandbox_id, "scientist")
    assert len(notebooks.started) == 2
    notebooks.fails = None
    assert await stop_strays(world.store, notebooks) == 1
    assert notebooks.started == [(me.id, sandbox_id)]
