"""What is asked often finds its rows by an index; what is over is deleted, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from lab.domain.audit import AuditFilter
from lab.domain.ids import SandboxId
from lab.domain.notice import MailState, Notice, NoticeKind
from lab.store.audit import statement_of
from lab.store.engines import connect
from lab.store.migrate import upgrade
from lab.store.notices import old_ones
from tests.conftest import NOON
from tests.store.samples import ALICE, furnish

if TYPE_CHECKING:
    from lab.store import SqlStore


@pytest.mark.parametrize(
    ("which", "index"),
    [
        (AuditFilter(actor="m-1"), "ix_audit_events_actor_seq"),
        (AuditFilter(resource_id="sb-1"), "ix_audit_events_resource_id_seq"),
        (AuditFilter(agency_id="rft"), "ix_audit_events_agency_id_seq"),
        (None, "ix_notices_read_at"),
    ],
    ids=str,
)
async def test_a_search_reads_an_index(
    file_url: str, which: AuditFilter | None, index: str
) -> None:
    await upgrade(file_url)
    asked = old_ones(NOON - timedelta(days=180), 500) if which is None else statement_of(which, 51)
    compiled = asked.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    engines = connect(file_url)
    async with engines.read.connect() as connection:
        plan = await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))
        said = " ".join(str(row) for row in plan)
    await engines.dispose()
    assert index in said
    assert "TEMP B-TREE" not in said


async def test_old_read_notices_of_what_is_over_are_deleted_on_every_database(
    store: SqlStore,
) -> None:
    await furnish(store)
    long_ago = NOON - timedelta(days=200)
    gone = Notice("no-1", ALICE, NoticeKind.RETURNED, "rq-0", "k1", long_ago, long_ago)
    gone = replace(gone, mail=MailState.SENT)
    kept = {
        "no-2": {"read_at": NOON},
        "no-3": {"read_at": None},
        "no-4": {"mail": MailState.WAITING},
        "no-5": {"subject": "sb-1"},
    }
    async with store.begin() as tx:
        others = [replace(gone, id=name, key=name, **change) for name, change in kept.items()]
        await tx.notices.add([gone, *others])
        sandbox = await tx.sandboxes.get(SandboxId("sb-1"))
        assert sandbox is not None
        assert sandbox.deleted_at is None
    for count in (1, 0):
        async with store.begin() as tx:
            assert await tx.notices.prune(NOON - timedelta(days=180)) == count
    async with store.read() as tx:
        assert {notice.id for notice in await tx.notices.of(ALICE)} == set(kept)
