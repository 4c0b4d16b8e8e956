from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.domain.agency import Usage
from lab.domain.audit import first_break
from lab.domain.errors import ConflictError, LabError, QuotaExceededError, StoreError
from lab.domain.ids import RequestId, SandboxId
from lab.domain.quantity import Resources
from lab.domain.token import TokenKind
from lab.ports import KeyRecord
from lab.store import SqlStore, open_store
from tests.conftest import NOON
from tests.store.samples import (
    RFT,
    agency,
    attempt,
    certificate,
    dataset,
    event,
    furnish,
    member,
    request,
    reservation,
    sandbox,
    stage,
    token,
    version,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from lab.ports import Transaction

ONE = Usage(Resources(1000), 1)


@pytest.fixture
async def full(store: SqlStore) -> SqlStore:
    await furnish(store)
    return store


@pytest.fixture
async def two(url: str, full: SqlStore) -> AsyncIterator[list[SqlStore]]:
    # Two stores on one database, as two processes would have; memory is of one store.
    if url == "sqlite+aiosqlite://":
        yield [full, full]
        return
    other = await open_store(url)
    yield [full, other]
    await other.aclose()


async def write_everything(tx: Transaction) -> None:
    await tx.agencies.put(agency(version=1, name_en="changed"))
    await tx.agencies.reserve(reservation())
    await tx.members.put(member(version=1, name="changed"))
    await tx.tokens.put(token())
    await tx.requests.put(request())
    await tx.sandboxes.put(sandbox(version=1, deleted_at=NOON))
    await tx.sandboxes.put_stages([stage()])
    await tx.sandboxes.put_attempts([attempt()])
    await tx.sandboxes.put_certificate(certificate())
    await tx.datasets.put(dataset())
    await tx.datasets.add_version(version())
    await tx.audit.append(event())
    await tx.keys.put(KeyRecord("m-a", "k", "ff", "rq-1", NOON))
    await tx.outbox.add("sandbox", "sb-1", NOON)


async def traces(store: SqlStore) -> list[object]:
    async with store.begin() as tx:
        return [
            found
            for found in (
                await tx.agencies.get(RFT) != agency(version=1),
                await tx.agencies.held(RFT) != Usage(),
                await tx.members.by_login("alice") != member(version=1),
                await tx.tokens.get("h1", TokenKind.SESSION),
                await tx.requests.get(RequestId("rq-1")),
                await tx.sandboxes.get(SandboxId("sb-1")) != sandbox(version=1),
                await tx.sandboxes.stages(SandboxId("sb-1")),
                await tx.sandboxes.attempts(SandboxId("sb-1")),
                await tx.sandboxes.certificate(SandboxId("sb-1")),
                await tx.datasets.all(),
                await tx.datasets.versions(dataset().id),
                await tx.audit.all(),
                await tx.keys.get("m-a", "k"),
                await tx.outbox.take(),
            )
            if found
        ]


@pytest.mark.parametrize("failure", [ValueError, ConflictError, asyncio.CancelledError])
async def test_nothing_lands_when_the_block_fails(
    full: SqlStore, failure: type[BaseException]
) -> None:
    raised = (
        ConflictError("x", "y", expected=0, found=1) if failure is ConflictError else failure()
    )

    async def fail() -> None:
        async with full.begin() as tx:
            await write_everything(tx)
            raise raised

    with pytest.raises(failure):
        await fail()
    assert await traces(full) == []


async def test_everything_lands_when_the_block_ends(full: SqlStore) -> None:
    async with full.begin() as tx:
        await write_everything(tx)
    assert len(await traces(full)) == 14


async def test_a_swallowed_failure_keeps_nothing_and_says_so(full: SqlStore) -> None:
    async def swallow() -> None:
        async with full.begin() as tx:
            await tx.audit.append(event())
            with pytest.raises(StoreError):
                await tx.tokens.put(token(member_id="m-nobody"))

    with pytest.raises(StoreError, match="nothing was kept"):
        await swallow()
    assert await traces(full) == []


async def test_writing_while_reading_is_an_error(full: SqlStore) -> None:
    for write in (
        lambda tx: tx.agencies.put(agency(version=1)),
        lambda tx: tx.agencies.lock(RFT),
        lambda tx: tx.audit.append(event()),
        lambda tx: tx.outbox.add("a", "b", NOON),
        lambda tx: tx.tokens.drop("h1"),
    ):
        with pytest.raises(StoreError, match="only reads"):
            async with full.read() as tx:
                await write(tx)
    assert await traces(full) == []


async def test_a_transaction_inside_a_transaction_is_refused_and_does_not_hang(
    full: SqlStore,
) -> None:
    async def nest(inner: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        async with full.begin() as tx:
            await tx.audit.append(event())
            async with inner():
                pass

    for inner in (full.begin, full.read):
        with pytest.raises(RuntimeError, match="inside a transaction"):
            await nest(inner)
    assert await traces(full) == []


async def test_of_50_who_ask_at_once_exactly_10_get_through(two: list[SqlStore]) -> None:
    async def reserve(tx: Transaction, number: int) -> None:
        found = await tx.agencies.lock(RFT)
        assert found is not None
        held = await tx.agencies.held(RFT)
        if not (held + ONE).fits_in(found.quota):
            raise QuotaExceededError(RFT, asked=ONE, left=found.quota.less(held))
        await tx.agencies.reserve(reservation(f"rq-{number}", usage=ONE))
        await tx.requests.put(request(f"rq-{number}"))
        await tx.audit.append(event(resource_id=f"rq-{number}"))

    async def ask(number: int) -> bool:
        try:
            async with two[number % 2].begin() as tx:
                await reserve(tx, number)
        except QuotaExceededError:
            return False
        return True

    granted = await asyncio.gather(*map(ask, range(50)))
    assert sum(granted) == 10
    async with two[0].read() as tx:
        assert await tx.agencies.held(RFT) == Usage(Resources(10_000), 10)
        rows = await tx.audit.all()
    assert len(rows) == 10
    assert first_break(rows) is None


async def test_a_token_used_by_20_at_once_works_for_one(two: list[SqlStore]) -> None:
    async with two[0].begin() as tx:
        await tx.tokens.put(token(kind=TokenKind.CODE))

    async def use(number: int) -> bool:
        async with two[number % 2].begin() as tx:
            return await tx.tokens.use("h1", TokenKind.CODE, NOON) is not None

    assert sum(await asyncio.gather(*map(use, range(20)))) == 1


async def test_one_key_sent_by_20_at_once_is_written_by_one(two: list[SqlStore]) -> None:
    async def send(number: int) -> str:
        record = KeyRecord("m-a", "k", "ff", f"rq-{number}", NOON)
        try:
            async with two[number % 2].begin() as tx:
                await tx.requests.put(request(record.resource_id))
                await tx.keys.put(record)
        except ConflictError:
            async with two[number % 2].read() as tx:
                found = await tx.keys.get("m-a", "k")
                assert found is not None
                return found.resource_id
        return record.resource_id

    answers = set(await asyncio.gather(*map(send, range(20))))
    assert len(answers) == 1
    async with two[0].read() as tx:
        kept = [await tx.requests.get(RequestId(f"rq-{number}")) for number in range(20)]
    assert [one.id for one in kept if one is not None] == list(answers)


async def test_of_two_who_change_the_same_version_one_is_refused(two: list[SqlStore]) -> None:
    async def change(number: int) -> bool:
        try:
            async with two[number % 2].begin() as tx:
                await tx.sandboxes.put(sandbox(version=1, delete_reason=str(number)))
        except ConflictError:
            return False
        return True

    assert sum(await asyncio.gather(*map(change, range(20)))) == 1


async def test_one_login_asked_for_by_20_at_once_goes_to_one(two: list[SqlStore]) -> None:
    async def take(number: int) -> bool:
        fresh = member(f"m-{number}", f"DAN{number % 2}")
        async with two[number % 2].begin() as tx:
            written = await tx.members.put(replace(fresh, login=f"before{number}"))
        try:
            async with two[number % 2].begin() as tx:
                await tx.members.put(replace(written, login="Dan"))
        except ConflictError:
            return False
        return True

    assert sum(await asyncio.gather(*map(take, range(20)))) == 1


async def test_what_is_in_the_outbox_is_taken_once(two: list[SqlStore]) -> None:
    async with two[0].begin() as tx:
        for number in range(60):
            await tx.outbox.add("sandbox", str(number), NOON)

    async def take(number: int) -> list[str]:
        async with two[number % 2].begin() as tx:
            return [subject for _, subject in await tx.outbox.take(7)]

    taken = [subject for part in await asyncio.gather(*map(take, range(20))) for subject in part]
    assert sorted(map(int, taken)) == list(range(60))


async def test_a_reader_sees_one_moment_while_others_write(url: str, two: list[SqlStore]) -> None:
    if url == "sqlite+aiosqlite://":
        pytest.skip("in memory a writer waits for the reader")
    async with two[0].read() as tx:
        before = await tx.agencies.get(RFT)
        await asyncio.create_task(_rename(two[0]))
        await asyncio.create_task(_rename(two[1]))
        assert await tx.agencies.get(RFT) == before
    async with two[0].read() as tx:
        assert await tx.agencies.get(RFT) == agency(version=3, name_en="changed")


async def _rename(store: SqlStore) -> None:
    async with store.begin() as tx:
        found = await tx.agencies.lock(RFT)
        assert found is not None
        await tx.agencies.put(replace(found, name_en="changed"))


async def test_tasks_cancelled_anywhere_leave_nothing_half_and_the_store_alive(
    full: SqlStore,
) -> None:
    # Each transaction writes a request, a reservation and an audit row: all three, or none.
    pick = random.Random(7)

    async def work(number: int) -> None:
        async with full.begin() as tx:
            await tx.requests.put(request(f"rq-{number}"))
            await tx.agencies.reserve(reservation(f"rq-{number}", usage=Usage(sandboxes=1)))
            await tx.audit.append(event(resource_id=f"rq-{number}"))

    async def look() -> None:
        async with full.read() as tx:
            await tx.audit.all()

    tasks = []
    for number in range(60):
        tasks += [asyncio.create_task(work(number)), asyncio.create_task(look())]
        for _ in range(pick.randrange(30)):
            await asyncio.sleep(0)
        pick.choice(tasks).cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [end for end in ends if isinstance(end, Exception)]
    async with full.begin() as tx:
        rows = await tx.audit.all()
        assert first_break(rows) is None
        kept = {row.resource_id for row in rows}
        for number in range(60):
            found = await tx.requests.get(RequestId(f"rq-{number}"))
            assert (found is not None) == (f"rq-{number}" in kept)
        assert (await tx.agencies.held(RFT)).sandboxes == len(kept)
    assert 0 < len(kept) < 60


def test_every_failure_of_the_store_has_a_code_of_its_own() -> None:
    kinds = [StoreError, *StoreError.__subclasses__()]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(issubclass(kind, LabError) for kind in kinds)
