from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from lab.bootstrap import new_id
from lab.domain.agency import Usage
from lab.domain.errors import BudgetSpentError, ConflictError, NotFoundError, QuotaExceededError
from lab.domain.hours import Budget, Metered, Month
from lab.domain.ids import AgencyId, SandboxId
from lab.domain.notice import NoticeKind
from lab.domain.sandbox import Phase, SuspendReason
from lab.services.budgets import BudgetWatch
from tests.conftest import NOON
from tests.world import QUOTA, World, draft, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.bootstrap import Lab

RFT = AgencyId("rft")
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 12, 1, 5, tzinfo=UTC)
"""Of 1 December in Québec."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world(looks_to_ready=0) as made:
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


async def settle(lab: Lab, sandbox_id: SandboxId) -> None:
    """Let the loop do all that it has to do with one sandbox."""
    reconciler = lab.controller._reconciler
    for _ in range(9):
        await reconciler.reconcile(sandbox_id)


async def running(lab: Lab, world: World, who: str = "requester") -> SandboxId:
    own = {"agency_id": "bnf", "colleagues": ()} if who == "stranger" else {}
    found = (await lab.requests.file(world.people[who], draft(**own))).request.sandbox_id
    assert found is not None
    await settle(lab, found)
    return found


async def budget(lab: Lab, world: World, cpu: int | None, gpu: int | None = None) -> None:
    operator = world.people["operator"]
    await lab.agencies.set_quota(operator, RFT, QUOTA, budget=Budget(cpu, gpu))


async def watch(lab: Lab, world: World) -> None:
    zone = ZoneInfo("America/Toronto")
    await BudgetWatch(store=lab.store, clock=world.clock, new_id=new_id, zone=zone).run()


async def events(world: World, prefix: str) -> list[tuple[str, str, str]]:
    async with world.store.read() as tx:
        return [
            (e.action, e.facts["resource"], e.facts.get("percent", e.facts.get("sandboxes", "")))
            for e in await tx.audit.all()
            if e.action.startswith(prefix)
        ]


async def used(lab: Lab, world: World, month: Month | None = None) -> int:
    view = await lab.usage.of(world.people["operator"], RFT, month)
    return view.account.used.thousandths(Metered.CPU)


async def test_hours_are_those_in_which_it_was_ready_and_a_suspension_costs_nothing(
    lab: Lab, world: World
) -> None:
    operator, sandbox_id = world.people["operator"], await running(lab, world)
    world.clock.time += 2 * HOUR
    assert await used(lab, world) == 2000
    await lab.holds.suspend(operator, sandbox_id, reason="On vérifie.")
    world.clock.time += 5 * HOUR
    assert await used(lab, world) == 2000
    await settle(lab, sandbox_id)
    await lab.holds.resume(operator, sandbox_id, reason="Rien trouvé.")
    world.clock.time += HOUR
    await settle(lab, sandbox_id)  # built again now; what it took to build cost nothing
    world.clock.time += HOUR
    assert await used(lab, world) == 3000
    await lab.sandboxes.delete(operator, sandbox_id)
    world.clock.time += HOUR
    await settle(lab, sandbox_id)
    view = await lab.usage.of(operator, RFT)
    assert view.account.used.thousandths(Metered.CPU) == 3000
    assert list(view.ledger.sandboxes) == [sandbox_id]
    assert (await lab.usage.of(operator, AgencyId("bnf"))).account.used.cpu == 0


async def test_each_threshold_is_told_once_and_all_of_it_suspends_once(
    lab: Lab, world: World
) -> None:
    first, second = await running(lab, world), await running(lab, world)
    other = await running(lab, world, "stranger")
    await budget(lab, world, 20)
    for hours, percents in ((4.9, []), (0.1, [50]), (3, [50, 80]), (1.9, [50, 80])):
        world.clock.time += hours * HOUR
        await asyncio.gather(watch(lab, world), watch(lab, world))
        told = [("budget.reach", "cpu", str(percent)) for percent in percents]
        assert await events(world, "budget.") == told
    world.clock.time += 0.1 * HOUR
    for _ in range(3):
        await watch(lab, world)
        world.clock.time += HOUR
    assert (await events(world, "budget."))[2:] == [
        ("budget.reach", "cpu", "100"),
        ("budget.suspend", "cpu", "2"),
    ]
    for sandbox_id in (first, second):
        view = await lab.sandboxes.get(world.people["requester"], sandbox_id)
        assert view.sandbox.suspension is not None
        assert view.sandbox.suspension.reason is SuspendReason.BUDGET
        (act,) = await lab.holds.history(world.people["requester"], sandbox_id)
        assert (act.actor, act.reason) == ("lab", "budget")
    assert (await lab.sandboxes.get(world.people["stranger"], other)).phase is Phase.READY
    assert await used(lab, world) == 20_000  # to the microsecond: two hours on, nothing is added
    account = (await lab.agencies.quota(world.people["requester"], RFT)).account
    assert list(account.told) == [(Metered.CPU, 50), (Metered.CPU, 80), (Metered.CPU, 100)]


async def test_it_goes_on_once_the_budget_is_raised_or_the_month_has_turned(
    lab: Lab, world: World
) -> None:
    operator, sandbox_id = world.people["operator"], await running(lab, world)
    await budget(lab, world, 3)
    world.clock.time += 3 * HOUR
    await watch(lab, world)
    with pytest.raises(BudgetSpentError) as caught:
        await lab.holds.resume(operator, sandbox_id, reason="Encore.")
    assert caught.value.account.next_month_at == MIDNIGHT
    with pytest.raises(BudgetSpentError):
        await lab.requests.file(world.people["requester"], draft())
    await budget(lab, world, 4)
    sandbox = await lab.holds.resume(operator, sandbox_id, reason="Encore.")
    assert sandbox.suspension is None
    await settle(lab, sandbox_id)
    world.clock.time += HOUR
    await watch(lab, world)  # the raised budget is used up too: told before, suspended again
    assert await events(world, "budget.suspend") == [("budget.suspend", "cpu", "1")] * 2
    assert len(await events(world, "budget.reach")) == 3
    held = (await lab.sandboxes.get(operator, sandbox_id)).sandbox
    hold = await lab.usage.hold(held)
    assert hold is not None
    assert hold.lacking is Metered.CPU
    world.clock.time = MIDNIGHT - timedelta(microseconds=1)
    with pytest.raises(BudgetSpentError):
        await lab.holds.resume(operator, sandbox_id, reason="Encore.")
    world.clock.time = MIDNIGHT
    hold = await lab.usage.hold(held)
    assert hold is not None
    assert (hold.lacking, hold.is_new_month) == (None, True)
    await lab.holds.resume(operator, sandbox_id, reason="Décembre.")
    async with world.store.read() as tx:
        because = [e.facts.get("because") for e in await tx.audit.all() if "resume" in e.action]
    assert because == [None, "budget", None, "month"]
    assert await used(lab, world, Month(2026, 11)) == 4000
    assert await used(lab, world) == 0


async def test_who_asked_and_the_operators_are_told_once_there_are_hours_again(
    lab: Lab, world: World
) -> None:
    sandbox_id, operator = await running(lab, world), world.people["operator"]

    async def told() -> set[str]:
        await lab.notice_work.look()
        found = set()
        for login, member in world.people.items():
            unread = await lab.notices.mine(member, unread_only=True)
            found |= {login for n in unread if n.kind is NoticeKind.HOURS_AGAIN}
            await lab.notices.read_all(member)
        return found

    await budget(lab, world, 3)
    world.clock.time += 3 * HOUR
    await watch(lab, world)
    assert await told() == set()
    await budget(lab, world, 9)
    assert await told() == {"requester", "operator"}
    assert await told() == set()
    # Not used, and the month turns: told again, once.
    await budget(lab, world, 3)
    assert await told() == set()
    world.clock.time = MIDNIGHT - timedelta(microseconds=1)
    assert await told() == set()
    world.clock.time = MIDNIGHT
    await lab.holds.stop_all(operator, reason="Alerte.", confirmation="stop all")
    assert await told() == set()
    await lab.holds.lift(operator, reason="Fini.")
    assert await told() == {"requester", "operator"}
    await lab.holds.resume(operator, sandbox_id, reason="Décembre.")
    assert await told() == set()


async def test_a_review_that_ends_after_the_hours_do_is_told_so(lab: Lab, world: World) -> None:
    waiting = (await lab.requests.file(world.people["requester"], draft(size="moyen"))).request
    await budget(lab, world, 0)
    with pytest.raises(BudgetSpentError):
        await lab.requests.approve(world.people["reviewer"], waiting.id)
    preview = await lab.requests.preview(world.people["requester"], draft())
    assert preview.lacking is Metered.CPU
    await budget(lab, world, None, 0)  # no GPU hours at all: nobody here needs one
    assert (await lab.requests.approve(world.people["reviewer"], waiting.id)).sandbox_id
    world.clock.time = NOON + HOUR
    await watch(lab, world)
    assert await events(world, "budget.suspend") == []


async def test_people_see_hours_of_their_own_agency_and_staff_those_of_all(
    lab: Lab, world: World
) -> None:
    requester = world.people["requester"]
    assert [v.agency.id for v in await lab.usage.all(requester)] == ["rft"]
    assert [v.agency.id for v in await lab.usage.all(world.people["reviewer"])] == ["bnf", "rft"]
    for other in ("bnf", "nulle-part"):
        with pytest.raises(NotFoundError):
            await lab.usage.of(requester, AgencyId(other))


async def test_the_loop_itself_watches_the_budget(lab: Lab, world: World) -> None:
    sandbox_id = await running(lab, world)
    await budget(lab, world, 1)
    world.clock.time += HOUR
    task = asyncio.create_task(lab.controller.run())
    for _ in range(200):
        await asyncio.sleep(0.01)
        view = await lab.sandboxes.get(world.people["requester"], sandbox_id)
        if view.phase is Phase.SUSPENDED and view.stages:
            break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert view.phase is Phase.SUSPENDED


async def limited(lab: Lab, world: World, login: str = "requester", **amounts: int) -> None:
    await lab.agencies.set_person_quota(world.people["operator"], RFT, login, amounts)


async def test_a_persons_quota_holds_for_them_and_for_nobody_else(lab: Lab, world: World) -> None:
    requester, operator = world.people["requester"], world.people["operator"]
    await limited(lab, world, sandboxes=1)
    first = (await lab.requests.file(requester, draft())).request
    with pytest.raises(QuotaExceededError) as caught:
        await lab.requests.file(requester, draft())
    assert caught.value.code == "person_quota_exceeded"
    assert caught.value.left.sandboxes == 0
    (view,) = await lab.agencies.person_quotas(requester, RFT)
    assert (view.member.login, view.quota.sandboxes, view.held.sandboxes) == ("requester", 1, 1)
    preview = await lab.requests.preview(requester, draft())
    assert preview.own_left is not None
    assert preview.own_left.sandboxes == preview.left.sandboxes == 0
    await limited(lab, world)  # none any more
    assert await lab.agencies.person_quotas(operator, RFT) == []
    await lab.requests.file(requester, draft())
    await limited(lab, world, cpu_millicores=1000)
    assert first.sandbox_id is not None
    with pytest.raises(QuotaExceededError):
        await lab.extensions.extend(
            requester, first.sandbox_id, ends_on=draft().ends_on + timedelta(days=1), reason="x"
        )


async def test_fifty_requests_at_once_never_pass_a_persons_quota(lab: Lab, world: World) -> None:
    requester = world.people["requester"]
    await limited(lab, world, sandboxes=2)
    answers = await asyncio.gather(
        *(lab.requests.file(requester, draft()) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(a, QuotaExceededError) for a in answers) == 48
    async with world.store.read() as tx:
        held = await tx.person_quotas.held(RFT, requester.id)
    assert held.sandboxes == 2
    assert held.fits_in(Usage(QUOTA.resources, 2))


async def test_a_persons_quota_is_of_a_person_of_that_agency(lab: Lab, world: World) -> None:
    for login in ("stranger", "operator", "nobody"):
        with pytest.raises(NotFoundError):
            await limited(lab, world, login, sandboxes=1)
    with pytest.raises(ConflictError):
        await lab.agencies.set_person_quota(
            world.people["operator"], RFT, "requester", {"sandboxes": 1}, version=9
        )
