"""One transaction's connection, and the few ways in which the nouns use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import and_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from lab.domain.errors import ConflictError, StoreError
from lab.store.failures import translated
from lab.store.whole import whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, CursorResult, Executable, Table
    from sqlalchemy.engine import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    Rows: TypeAlias = Sequence[RowMapping]


class Link:
    """Runs statements in one transaction.

    Attributes:
        is_postgresql: Whether more than one writer may be at work.
        is_broken: A statement failed, so the transaction must not be committed.
    """

    def __init__(self, connection: AsyncConnection, *, is_writable: bool) -> None:
        self._connection = connection
        self._is_writable = is_writable
        self.is_postgresql = connection.dialect.name == "postgresql"
        self.is_broken = False

    def need_writable(self) -> None:
        """Refuse what only makes sense before a write.

        Raises:
            StoreError: The transaction only reads.
        """
        if not self._is_writable:
            raise StoreError("this transaction only reads")

    async def run(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run one statement, once for each of ``rows`` if they are given."""
        try:
            return await whole(self._connection.execute(statement, rows))
        except SQLAlchemyError as error:
            self.is_broken = self.is_broken or isinstance(error, DBAPIError)
            raise translated(error) from error

    async def all(self, statement: Executable) -> Rows:
        """Return every row."""
        return (await self.run(statement)).mappings().all()

    async def first(self, statement: Executable) -> RowMapping | None:
        """Return the first row, or nothing."""
        return (await self.run(statement)).mappings().first()

    async def add(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Insert a row; ``False`` when one with that key is there already.

        A clash is not an error of the database here: on PostgreSQL that would
        end the transaction, and the caller may want to read on in it.
        """
        insert = postgresql.insert if self.is_postgresql else sqlite.insert
        statement = insert(table).values(**values).on_conflict_do_nothing()
        return await self.first(statement.returning(*table.primary_key)) is not None

    async def write_over(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, or replace those that have the same primary key."""
        if not rows:
            return
        insert = postgresql.insert if self.is_postgresql else sqlite.insert
        statement = insert(table)
        keys = [column.name for column in table.primary_key]
        others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        await self.run(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)

    async def put(self, table: Table, kind: str, values: Mapping[str, Any]) -> int:
        """Write a row with ``id`` and ``version``, and return its new version.

        Version 0 inserts; any other replaces exactly that version.

        Raises:
            ConflictError: It changed since it was read, or was never there.
        """
        row_id, version = values["id"], values["version"]
        written = {**values, "version": version + 1}
        if version == 0:
            is_done = await self.add(table, written)
        else:
            same = and_(table.c.id == row_id, table.c.version == version)
            is_done = (await self.run(table.update().where(same).values(**written))).rowcount == 1
        if not is_done:
            found = await self.version_of(table, table.c.id == row_id)
            raise ConflictError(kind, row_id, expected=version, found=found)
        return int(version) + 1

    async def version_of(self, table: Table, where: ColumnElement[bool]) -> int:
        """Return the version of a row, 0 when there is none."""
        row = await self.first(select(table.c.version).where(where))
        return 0 if row is None else int(row["version"])

    async def unique(self, statement: Executable) -> Rows | None:
        """Run one statement and return its rows; ``None``, and undone, if a key is taken."""
        try:
            return await whole(self._in_savepoint(statement))
        except IntegrityError:
            return None
        except SQLAlchemyError as error:
            self.is_broken = self.is_broken or isinstance(error, DBAPIError)
            raise translated(error) from error

    async def _in_savepoint(self, statement: Executable) -> Rows:
        async with self._connection.begin_nested():
            return (await self._connection.execute(statement)).mappings().all()
