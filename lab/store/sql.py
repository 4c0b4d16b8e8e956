"""The store: begins transactions on an SQL database, one at a time where it must."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from lab.domain.errors import StoreError
from lab.store.agencies import SqlAgencies
from lab.store.audit import SqlAudit
from lab.store.datasets import SqlDatasets
from lab.store.drafts import SqlDrafts
from lab.store.engines import connect, opened
from lab.store.failures import translated
from lab.store.federation import SqlIdentities, SqlSignIns
from lab.store.grants import SealedGrants
from lab.store.holding import SqlHolds
from lab.store.hours import SqlPersonQuotas, SqlSpanBook
from lab.store.intakes import SqlIntakes
from lab.store.keys import SqlKeys
from lab.store.link import Link
from lab.store.members import SqlMembers
from lab.store.messages import SqlMessages
from lab.store.migrate import bring_up
from lab.store.notices import SqlNotices
from lab.store.outbox import SqlOutbox
from lab.store.proofs import SqlProofs, SqlReports
from lab.store.requests import SqlRequests
from lab.store.sandboxes import SqlSandboxes
from lab.store.tokens import SqlTokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncEngine


class SqlTransaction:
    """Implements ``lab.ports.Transaction`` on one connection."""

    def __init__(self, link: Link) -> None:
        self.agencies = SqlAgencies(link)
        self.members = SqlMembers(link)
        self.tokens = SqlTokens(link)
        self.identities = SqlIdentities(link)
        self.sign_ins = SqlSignIns(link)
        self.requests = SqlRequests(link)
        self.drafts = SqlDrafts(link)
        self.messages = SqlMessages(link)
        self.notices = SqlNotices(link)
        self.sandboxes = SqlSandboxes(link)
        self.holds = SqlHolds(link)
        self.hours = SqlSpanBook(link)
        self.person_quotas = SqlPersonQuotas(link)
        self.datasets = SqlDatasets(link)
        self.intakes = SqlIntakes(link)
        self.audit = SqlAudit(link)
        self.keys = SqlKeys(link)
        self.outbox = SqlOutbox(link)
        self.proofs = SqlProofs(link)
        self.reports = SqlReports(link)
        self.sealed = SealedGrants(link)


class SqlStore:
    """Implements ``lab.ports.Store`` on SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._engines = connect(url)
        # Writers of this process wait here, first come first served: SQLite's
        # own waiting (for other processes) is a lottery.
        self._turn = asyncio.Lock()
        self._inside: set[asyncio.Task[Any] | None] = set()

    async def migrate(self) -> None:
        """Bring the tables to what this version of the lab needs.

        Raises:
            StoreTooNewError: A newer version of the lab was here.
            StoreError: The database failed.
        """
        await bring_up(self._engines)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlTransaction]:
        """Read and write; committed at the end of the block, undone on an exception."""
        async with (
            self._alone(is_alone=self._engines.one_writer),
            self._transaction(self._engines.write, is_writable=True) as transaction,
        ):
            yield transaction

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlTransaction]:
        """Read only; writing through it is an error."""
        async with (
            self._alone(is_alone=self._engines.one_at_a_time),
            self._transaction(self._engines.read, is_writable=False) as transaction,
        ):
            yield transaction

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._engines.dispose()

    @asynccontextmanager
    async def _alone(self, *, is_alone: bool) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if task in self._inside:
            # It would wait for itself. On every database, so that a test in memory tells.
            raise RuntimeError("a transaction was begun inside a transaction")
        self._inside.add(task)
        try:
            async with self._turn if is_alone else nullcontext():
                yield
        finally:
            self._inside.discard(task)

    @asynccontextmanager
    async def _transaction(
        self, engine: AsyncEngine, *, is_writable: bool
    ) -> AsyncIterator[SqlTransaction]:
        try:
            async with opened(engine) as connection:
                link = Link(connection, is_writable=is_writable)
                yield SqlTransaction(link)
                if link.is_broken:
                    # PostgreSQL would roll back and call it a commit.
                    raise StoreError("a statement of this transaction failed; nothing was kept")
        except SQLAlchemyError as error:
            raise translated(error) from error


async def open_store(url: str) -> SqlStore:
    """Return the store at ``url``, with its tables brought up to date.

    Args:
        url: ``sqlite+aiosqlite:///path``, ``postgresql+psycopg://…``, or
            ``sqlite+aiosqlite://`` for one in memory that is gone when closed.

    Raises:
        StoreTooNewError: A newer version of the lab was here.
        StoreError: The database failed, or is not there.
    """
    store = await asyncio.to_thread(SqlStore, url)
    try:
        await store.migrate()
    except BaseException:
        await store.aclose()
        raise
    return store
