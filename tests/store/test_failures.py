from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from lab.domain.errors import (
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from lab.domain.ids import RequestId
from lab.store import SqlStore, open_store
from tests.store.samples import OTHER, RFT, agency, event, furnish, request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres_fixture import PostgresServer

HALF_WAY = textwrap.dedent(
    """
    import asyncio, sys
    from lab.store import open_store
    from tests.store.samples import event, request, reservation

    async def main():
        store = await open_store(sys.argv[1])
        async with store.begin() as tx:
            for number in range(300):
                await tx.requests.put(request(f"rq-half{number}", purpose="x" * 10_000))
            await tx.agencies.reserve(reservation("rq-half"))
            await tx.audit.append(event())
            print("half way", flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
    """
)


@pytest.mark.parametrize("database", ["file_url", "migrated_postgres"])
async def test_a_process_killed_in_a_transaction_leaves_nothing_half(
    pytestconfig: pytest.Config, request: pytest.FixtureRequest, database: str
) -> None:
    url = str(request.getfixturevalue(database))
    store = await open_store(url)
    await furnish(store)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HALF_WAY, url),
        stdout=asyncio.subprocess.PIPE,
        cwd=pytestconfig.rootpath,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"half way\n"
    os.kill(process.pid, signal.SIGKILL)
    await process.communicate()
    async with store.begin() as tx:  # the dead one's lock is gone
        assert await tx.requests.get(RequestId("rq-half0")) is None
        assert (await tx.agencies.held(RFT)).sandboxes == 0
        assert await tx.audit.all() == []
        assert await tx.audit.append(event())
    await store.aclose()


async def test_a_full_database_keeps_what_it_had_and_nothing_half(file_url: str) -> None:
    store = await open_store(file_url)
    await furnish(store)
    async with store._engines.write.begin() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar()
        await connection.execute(text(f"PRAGMA max_page_count = {pages + 4}"))
    with pytest.raises(StoreFullError):
        await write_a_lot(store)
    async with store.read() as tx:
        assert await tx.audit.all() == []
        assert await tx.requests.get(RequestId("rq-0")) is None
    async with store._engines.write.begin() as connection:
        await connection.execute(text("PRAGMA max_page_count = 1000000"))
    await write_a_lot(store)
    await store.aclose()


async def write_a_lot(store: SqlStore) -> None:
    async with store.begin() as tx:
        await tx.audit.append(event())
        for number in range(100):
            await tx.requests.put(request(f"rq-{number}", purpose="x" * 10_000))


async def test_a_file_that_is_no_database_is_said_to_be_damaged(
    file_url: str, tmp_path: Path
) -> None:
    (tmp_path / "lab.sqlite").write_bytes(b"no database at all " * 1000)
    with pytest.raises(StoreError, match="damaged"):
        await open_store(file_url)


async def test_a_writer_in_another_process_is_waited_for_and_not_for_ever(
    file_url: str,
) -> None:
    store, other = await open_store(file_url), await open_store(file_url)
    await furnish(store)
    async with store._engines.write.connect() as connection:
        await connection.execute(text("PRAGMA busy_timeout = 50"))
        await connection.rollback()
    async with other.begin() as held:
        await held.audit.append(event())
        with pytest.raises(StoreBusyError):
            await asyncio.create_task(append(store))
    await append(store)
    await store.aclose()
    await other.aclose()


async def append(store: SqlStore) -> None:
    async with store.begin() as tx:
        await tx.audit.append(event())


async def test_a_connection_that_is_lost_is_a_plain_error_and_the_next_one_works(
    migrated_postgres: str, postgres: PostgresServer
) -> None:
    store = await open_store(migrated_postgres)
    await furnish(store)

    async def lose() -> None:
        async with store.begin() as tx:
            await tx.audit.append(event())
            postgres.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname LIKE 'lab_%' AND pid <> pg_backend_pid()"
            )
            await tx.audit.append(event())

    with pytest.raises(StoreUnavailableError):
        await lose()
    async with store.begin() as tx:
        assert await tx.audit.all() == []
    await store.aclose()


async def test_a_server_that_is_down_is_a_plain_error_and_comes_back(
    migrated_postgres: str, postgres: PostgresServer
) -> None:
    store = await open_store(migrated_postgres)
    await furnish(store)
    postgres.stop(signal.SIGQUIT)
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailableError):
                await append(store)
    finally:
        postgres.start()
    await append(store)
    async with store.read() as tx:
        assert len(await tx.audit.all()) == 1
    await store.aclose()


async def test_of_two_that_wait_for_each_other_one_is_told_to_try_again(
    migrated_postgres: str,
) -> None:
    store = await open_store(migrated_postgres)
    await furnish(store)
    both = asyncio.Barrier(2)

    async def work(first: str, second: str) -> bool:
        try:
            async with store.begin() as tx:
                await tx.agencies.lock(first)
                await both.wait()
                found = await tx.agencies.lock(second)
                assert found is not None
                await tx.agencies.put(agency(second, version=found.version))
        except StoreBusyError:
            return False
        return True

    ends = await asyncio.gather(work(RFT, OTHER), work(OTHER, RFT))
    assert sorted(ends) == [False, True]
    await store.aclose()


async def test_what_postgresql_says_becomes_an_error_of_the_store(migrated_postgres: str) -> None:
    store = await open_store(migrated_postgres)

    async def fail(state: str) -> None:
        failing = text(f"DO $$ BEGIN RAISE 'secret' USING ERRCODE = '{state}'; END $$")
        async with store.begin() as tx:
            await tx.audit.append(event())
            await tx.audit._link.run(failing)

    for state, expected in (
        ("53100", StoreFullError),
        ("53300", StoreUnavailableError),
        ("40001", StoreBusyError),
        ("57P01", StoreUnavailableError),
        ("XX000", StoreError),
    ):
        with pytest.raises(StoreError) as caught:
            await fail(state)
        assert type(caught.value) is expected
        assert "secret" not in str(caught.value)
    async with store.read() as tx:
        assert await tx.audit.all() == []
    await store.aclose()
