"""What is asked often finds its rows by an index, on the database of one machine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from lab.domain.audit import AuditFilter
from lab.store.audit import statement_of
from lab.store.engines import connect
from lab.store.migrate import upgrade
from lab.store.notices import old_ones
from tests.conftest import NOON


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
