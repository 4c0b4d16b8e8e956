from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lab.domain.dataset import VersionStatus
from lab.domain.errors import StoreTooNewError, StoreUnavailableError
from lab.domain.ids import DatasetId
from lab.store import open_store
from lab.store.engines import connect
from lab.store.migrate import upgrade
from lab.store.tables import metadata
from tests.store.samples import event, furnish

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    name = "file_url" if request.param == "sqlite" else "empty_postgres"
    return str(request.getfixturevalue(name))


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_the_migrations_lead_to_the_tables_of_the_code(empty_url: str) -> None:
    await upgrade(empty_url)
    await upgrade(empty_url)
    engines = connect(empty_url)
    async with engines.write.begin() as connection:
        assert await connection.run_sync(differences) == []
        # And the comparison would see a difference.
        await connection.execute(text("ALTER TABLE agencies ADD COLUMN extra TEXT"))
        assert len(await connection.run_sync(differences)) == 1
    await engines.dispose()


async def test_a_database_from_a_newer_lab_is_refused_and_left_alone(empty_url: str) -> None:
    await upgrade(empty_url)
    engines = connect(empty_url)
    async with engines.write.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engines.dispose()
    with pytest.raises(StoreTooNewError, match="revision 9999"):
        await open_store(empty_url)


async def test_processes_that_start_at_once_do_not_clash(empty_url: str) -> None:
    code = "import asyncio, sys; from lab.store.migrate import upgrade; "
    code += "asyncio.run(upgrade(sys.argv[1]))"
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", code, empty_url, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    ends = [await process.communicate() for process in processes]
    assert [
        (process.returncode, end[1]) for process, end in zip(processes, ends, strict=True)
    ] == [(0, b"")] * 2


async def test_stores_that_open_at_once_do_not_clash(empty_url: str) -> None:
    stores = await asyncio.gather(*(open_store(empty_url) for _ in range(6)))
    for store in stores:
        await store.aclose()


async def test_the_file_and_its_journal_are_for_their_owner_only(
    file_url: str, tmp_path: Path
) -> None:
    store = await open_store(file_url)
    await furnish(store)
    files = sorted(tmp_path.glob("lab.sqlite*"))
    assert [one.name for one in files] == ["lab.sqlite", "lab.sqlite-shm", "lab.sqlite-wal"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    await store.aclose()


async def test_opening_again_changes_nothing(file_url: str, tmp_path: Path) -> None:
    found = []
    for opening in range(3):
        store = await open_store(file_url)
        if opening == 0:
            await furnish(store)
        await store.aclose()
        with contextlib.closing(sqlite3.connect(tmp_path / "lab.sqlite")) as database:
            found.append([*database.execute("PRAGMA schema_version"), *database.iterdump()])
    assert len(found[0]) > 50
    assert found[0] == found[1] == found[2]


async def test_sqlite_is_set_up_as_promised(file_url: str) -> None:
    engines = connect(file_url)
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20000}
    for engine, query_only in ((engines.write, 0), (engines.read, 1)):
        async with engine.begin() as connection:
            for name, value in {**expected, "query_only": query_only}.items():
                found = (await connection.execute(text(f"PRAGMA {name}"))).scalar()
                assert (name, found) == (name, value)
    await engines.dispose()


async def test_the_database_itself_refuses_to_change_the_audit_log(empty_url: str) -> None:
    store = await open_store(empty_url)
    async with store.begin() as tx:
        written = await tx.audit.append(event())
    verbs = ["UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events"]
    if empty_url.startswith("postgresql"):
        verbs.append("TRUNCATE audit_events")
    engines = connect(empty_url)
    for verb in verbs:
        with pytest.raises(DBAPIError, match="never changed"):
            async with engines.write.begin() as connection:
                await connection.execute(text(verb))
    await engines.dispose()
    async with store.read() as tx:
        assert await tx.audit.all() == [written]
    await store.aclose()


async def test_a_store_that_cannot_be_opened_says_so_plainly(tmp_path: Path) -> None:
    for url in (
        f"sqlite+aiosqlite:///{tmp_path}",
        f"postgresql+psycopg://lab@/lab?host={tmp_path}/nothing",
    ):
        with pytest.raises(StoreUnavailableError):
            await open_store(url)
    with pytest.raises(ValueError, match="SQLite or PostgreSQL"):
        await open_store("mysql://root@localhost/lab")


async def test_versions_that_were_there_before_may_still_be_mounted(empty_url: str) -> None:
    await upgrade(empty_url)
    engines = connect(empty_url)
    async with engines.write.begin() as connection:
        # As a lab before dossiers wrote it: without what the third revision adds.
        await connection.execute(
            text(
                "INSERT INTO datasets VALUES "
                "('d', 'D', 'D', 'd', 'd', 'synthetique', 'CC0-1.0', 's')"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO dataset_versions "
                "(dataset_id, version, row_count, columns, files, published_at) "
                "VALUES ('d', 1, 1, '[]', '[]', '2026-11-21 12:00:00')"
            )
        )
    await engines.dispose()
    store = await open_store(empty_url)
    async with store.read() as tx:
        (kept,) = await tx.datasets.versions(DatasetId("d"))
    assert (kept.status, kept.next_review_at) == (VersionStatus.ACTIVE, None)
    await store.aclose()
