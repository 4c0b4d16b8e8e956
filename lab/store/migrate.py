"""Bring a database's tables up to date, once, however many processes start at the same time."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from lab.domain.errors import StoreTooNewError
from lab.store.engines import connect
from lab.store.failures import translated

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from lab.store.engines import Engines

FOLDER = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x766173_02


async def upgrade(url: str) -> None:
    """Bring the database at ``url`` to the newest revision.

    Raises:
        StoreTooNewError: A newer version of the lab was here.
        StoreError: The database failed, or is not there.
    """
    engines = connect(url)
    try:
        await bring_up(engines)
    finally:
        await engines.dispose()


async def bring_up(engines: Engines) -> None:
    """Do the same on connections that are there already."""
    if engines.anchor is not None:
        _fill(engines.anchor)
        return
    try:
        # One transaction for all of it. On SQLite it has the file for itself
        # (BEGIN IMMEDIATE), so whoever comes second finds everything done.
        async with engines.write.begin() as connection:
            await connection.run_sync(_upgrade)
    except SQLAlchemyError as error:
        raise translated(error) from error


def _fill(anchor: sqlite3.Connection) -> None:
    source = sqlite3.connect(":memory:")
    source.deserialize(_empty_database())
    source.backup(anchor)
    source.close()


@functools.cache
def _empty_database() -> bytes:
    # Tests open hundreds of stores in memory: the migrations run for the first one.
    connection = sqlite3.connect(":memory:")
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as begun:
        _upgrade(begun)
    image = connection.serialize()
    engine.dispose()
    return image


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    script = ScriptDirectory(str(FOLDER))
    head = script.get_current_head()
    here = MigrationContext.configure(connection).get_current_revision()
    if here == head:
        return
    if here is not None and here not in {known.revision for known in script.walk_revisions()}:
        raise StoreTooNewError(here, str(head))

    def steps(revision: Any, context: MigrationContext) -> Any:  # noqa: ARG001
        return script._upgrade_revs("head", revision)  # noqa: SLF001 (as alembic.command does)

    with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
