from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lab.store import open_store
from lab.store.migrate import upgrade
from lab.store.tables import metadata
from tests.postgres_fixture import PostgresServer, postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab.store import SqlStore

__all__ = ["postgres"]

DATABASES = ("memory", "sqlite", "postgresql")


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    name = postgres.new_database()
    # In a thread of its own: a test may ask for this while its own loop runs.
    with ThreadPoolExecutor(max_workers=1) as apart:
        apart.submit(lambda: asyncio.run(upgrade(postgres.url(name)))).result()
    return name


@pytest.fixture
def empty_postgres(postgres: PostgresServer) -> str:
    return postgres.url(postgres.new_database())


@pytest.fixture
def migrated_postgres(postgres: PostgresServer, migrated: str) -> str:
    # One database for all, emptied: a new one for each test takes ten times as long.
    tables = ", ".join(metadata.tables)
    postgres.run(
        # The audit log's triggers refuse TRUNCATE to whoever is not in this role.
        "SET session_replication_role = replica",
        f"TRUNCATE {tables} RESTART IDENTITY",
        database=migrated,
    )
    return postgres.url(migrated)


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/lab.sqlite"


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> str:
    names = {"sqlite": "file_url", "postgresql": "migrated_postgres"}
    if request.param == "memory":
        return "sqlite+aiosqlite://"
    return str(request.getfixturevalue(names[request.param]))


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = await open_store(url)
    yield opened
    await opened.aclose()
