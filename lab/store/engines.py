"""Connections to each kind of database, with the settings that the promises rest on."""

from __future__ import annotations

import errno
import os
import sqlite3
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from lab.domain.errors import StoreFullError, StoreUnavailableError
from lab.store.whole import whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.engine import Connection

BUSY_SECONDS = 20
"""How long a writer waits for the writer of another process."""
READERS = 4
"""How many readers of a SQLite file at once; each is a thread."""


@dataclass(frozen=True, slots=True)
class Engines:
    """How to reach one database.

    Attributes:
        write: Begins transactions that may write.
        read: Begins transactions on one snapshot; the database refuses writes.
        one_writer: Only one transaction may write at a time.
        one_at_a_time: Not even readers may be there beside a writer.
        anchor: Keeps a database in memory alive while no other connection does.
    """

    write: AsyncEngine
    read: AsyncEngine
    one_writer: bool
    one_at_a_time: bool
    anchor: sqlite3.Connection | None = None

    async def dispose(self) -> None:
        """Close every connection."""
        await self.read.dispose()
        await self.write.dispose()
        if self.anchor is not None:
            self.anchor.close()


def connect(url: str) -> Engines:
    """Prepare connections to ``url``; none is opened yet.

    Raises:
        ValueError: It is no database that the lab knows.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed.set(drivername="postgresql+psycopg"))
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed.set(drivername="sqlite+aiosqlite"))
    raise ValueError(f"the store is SQLite or PostgreSQL, not {parsed.get_backend_name()}")


@asynccontextmanager
async def opened(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Begin a transaction; commit it at the end of the block, undo it on an exception."""
    connection = engine.connect()
    try:
        await whole(connection.start())
        await whole(_begun(connection))
        try:
            yield connection
        except BaseException:
            await whole(connection.rollback())
            raise
        await whole(connection.commit())
    finally:
        if connection.sync_connection is not None:
            await whole(connection.close())


async def _begun(connection: AsyncConnection) -> None:
    await connection.begin()


def _postgresql(url: URL) -> Engines:
    options = f"-c timezone=UTC -c lock_timeout={BUSY_SECONDS}s -c statement_timeout=60s"
    write = create_async_engine(
        url.difference_update_query(["options"]),
        isolation_level="READ COMMITTED",
        # A server that was started again is found out before a transaction begins.
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=10,
        connect_args={
            "connect_timeout": 5,
            # A server that vanished without a word is given up after this many milliseconds.
            "tcp_user_timeout": 30_000,
            "options": f"{options} {url.query.get('options', '')}",
        },
    )
    read = write.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(write, read, one_writer=False, one_at_a_time=False)


def _sqlite(url: URL) -> Engines:
    if url.database in {None, "", ":memory:"}:
        return _memory(url)
    if url.database is not None:
        _own_file(Path(url.database))
    write = _sqlite_engine(url, "BEGIN IMMEDIATE", size=1)
    read = _sqlite_engine(url, "BEGIN", size=READERS, query_only=True)
    return Engines(write, read, one_writer=True, one_at_a_time=False)


def _memory(url: URL) -> Engines:
    # A named file in memory, and not ``:memory:``: two connections may share
    # it, and one that is lost does not take the database with it.
    name = f"file:/vase-clos-{uuid.uuid4().hex}"
    url = url.set(database=name, query={"vfs": "memdb", "uri": "true"})
    anchor = sqlite3.connect(f"{name}?vfs=memdb", uri=True, check_same_thread=False)
    write = _sqlite_engine(url, "BEGIN IMMEDIATE", size=1)
    read = _sqlite_engine(url, "BEGIN", size=1, query_only=True)
    return Engines(write, read, one_writer=True, one_at_a_time=True, anchor=anchor)


def _sqlite_engine(url: URL, begin: str, *, size: int, query_only: bool = False) -> AsyncEngine:
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=size, max_overflow=0
    )
    pragmas = (
        f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",
        f"PRAGMA query_only={'ON' if query_only else 'OFF'}",
    )

    def on_connect(connection: Any, record: Any) -> None:  # noqa: ARG001
        # Python's own transaction handling would begin late, and not IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)
    return engine


def _own_file(path: Path) -> None:
    # SQLite gives its other files (-wal, -shm) the mode of this one.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFullError("the database has no room left") from error
        raise StoreUnavailableError(f"cannot open {path}: {error.strerror}") from error
