from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.reconciling.lease import Elector, LostLeaseError
from tests.reconciling.fake_lease import FakeLease

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


@pytest.fixture
def lease() -> FakeLease:
    return FakeLease()


@pytest.fixture
def tasks() -> Iterator[list[asyncio.Task[None]]]:
    started: list[asyncio.Task[None]] = []
    yield started
    for task in started:
        task.cancel()


def now() -> float:
    return asyncio.get_running_loop().time()


async def lead(elector: Elector) -> None:
    await elector.acquire()
    await elector.keep()


async def test_the_first_one_leads_and_keeps_leading(lease: FakeLease) -> None:
    elector = Elector(lease, identity="a")
    with pytest.raises(LostLeaseError):
        elector.check()
    await elector.acquire()
    elector.check()
    assert lease.content is not None
    assert lease.content["spec"]["leaseDurationSeconds"] == 15
    keeping = asyncio.create_task(elector.keep())
    for _ in range(100):
        await asyncio.sleep(1)
        elector.check()
    assert lease.holder == "a"
    assert lease.writes < 25, "one write each five seconds, and not more"
    keeping.cancel()


async def test_of_two_who_start_at_once_one_leads(
    lease: FakeLease, tasks: list[asyncio.Task[None]]
) -> None:
    electors = [Elector(lease, identity=name) for name in "abc"]
    tasks += [asyncio.create_task(lead(each)) for each in electors]
    for _ in range(60):
        await asyncio.sleep(1)
        assert sum(each.is_leader() for each in electors) == 1


async def test_a_dead_leader_is_followed_after_its_lease_and_never_before(
    lease: FakeLease, tasks: list[asyncio.Task[None]]
) -> None:
    first, second = Elector(lease, identity="a"), Elector(lease, identity="b")
    await first.acquire()
    dying = asyncio.create_task(first.keep())
    tasks.append(asyncio.create_task(lead(second)))
    await asyncio.sleep(32)
    dying.cancel()  # as if it were killed
    died_at, until = now(), 0.0
    while not second.is_leader():
        await asyncio.sleep(0.05)
        if first.is_leader():
            until = now()
    assert now() - died_at < 25
    assert now() - until >= 5, "a margin for what was under way"
    assert lease.content is not None
    assert lease.content["spec"]["leaseTransitions"] == 1


async def test_who_cannot_renew_stops_before_anybody_else_may_begin(lease: FakeLease) -> None:
    first = Elector(lease, identity="a")
    await first.acquire()
    keeping = asyncio.create_task(first.keep())
    await asyncio.sleep(7)
    lease.is_down = True
    cut_at = now()
    await keeping
    assert not first.is_leader()
    assert 5 <= now() - cut_at <= 10.1
    with pytest.raises(LostLeaseError):
        first.check()


@pytest.mark.parametrize("seconds", [1, 4])
async def test_a_short_outage_costs_nothing(lease: FakeLease, seconds: float) -> None:
    elector = Elector(lease, identity="a")
    await elector.acquire()
    keeping = asyncio.create_task(elector.keep())
    for _ in range(10):
        await asyncio.sleep(7)
        lease.is_down = True
        await asyncio.sleep(seconds)
        lease.is_down = False
        elector.check()
    assert not keeping.done()
    keeping.cancel()


async def test_a_renewal_that_hangs_ends_with_the_lease(lease: FakeLease) -> None:
    elector = Elector(lease, identity="a")
    await elector.acquire()
    began = now()
    lease.hangs = True
    await elector.keep()
    assert now() - began <= 10.1
    assert not elector.is_leader()


async def test_an_answer_that_was_lost_on_its_way_is_no_reason_to_stop(lease: FakeLease) -> None:
    elector = Elector(lease, identity="a")
    lease.loses_answers = True
    acquiring = asyncio.create_task(elector.acquire())
    await asyncio.sleep(1)
    lease.loses_answers = False
    await acquiring
    keeping = asyncio.create_task(elector.keep())
    await asyncio.sleep(4)
    lease.loses_answers = True
    await asyncio.sleep(2)
    lease.loses_answers = False
    await asyncio.sleep(20)
    elector.check()
    assert not keeping.done()
    keeping.cancel()


async def test_a_lease_that_somebody_else_wrote_is_lost_at_once(lease: FakeLease) -> None:
    elector = Elector(lease, identity="a")
    await elector.acquire()
    found = await lease.get()
    assert found is not None
    found["spec"]["holderIdentity"] = "b"
    await lease.replace(found)
    began = now()
    await elector.keep()
    assert now() - began < 6
    assert not elector.is_leader()


async def test_a_lease_that_is_given_back_is_taken_at_once(
    lease: FakeLease, tasks: list[asyncio.Task[None]]
) -> None:
    first, second = Elector(lease, identity="a"), Elector(lease, identity="b")
    await first.acquire()
    tasks.append(asyncio.create_task(lead(second)))
    await asyncio.sleep(4)
    await first.release()
    assert not first.is_leader()
    began = now()
    while not second.is_leader():
        await asyncio.sleep(0.1)
    assert now() - began < 3


async def test_a_lease_that_nobody_renews_any_more_is_taken_whatever_its_clock_says(
    lease: FakeLease,
) -> None:
    first = Elector(lease, identity="a")
    await first.acquire()
    assert lease.content is not None
    lease.content["spec"]["renewTime"] = "2099-01-01T00:00:00.000000Z"
    second = Elector(lease, identity="b")
    began = now()
    await second.acquire()
    assert 15 < now() - began < 20
    assert second.holder == "b"


async def test_a_process_that_was_stopped_for_a_while_does_not_go_on(lease: FakeLease) -> None:
    elector = Elector(lease, identity="a")
    await elector.acquire()
    await asyncio.sleep(60)  # nothing of it ran in between
    with pytest.raises(LostLeaseError):
        elector.check()
