"""Tables of hours and of people's own quotas; in ``tables.metadata`` like all the others."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table

from lab.store.columns import Amount, Moment, Words
from lab.store.tables import metadata


def _words(name: str) -> Column[str]:
    return Column(name, Words, nullable=False)


person_quotas = Table(
    "person_quotas",
    metadata,
    # Whose it is: one account is of one agency at a time.
    Column("id", Words, primary_key=True),
    _words("agency_id"),
    # Nothing where the agency's own quota is the only limit.
    Column("cpu_millicores", Amount),
    Column("memory_bytes", Amount),
    Column("storage_bytes", Amount),
    Column("gpu_count", Amount),
    Column("sandboxes", Amount),
    Column("version", Amount, nullable=False),
    Index(None, "agency_id"),
)

# Without foreign keys, and with what the sandbox held: hours stay, whatever becomes of its row.
ready_spans = Table(
    "ready_spans",
    metadata,
    _words("sandbox_id"),
    Column("begins", Moment, nullable=False),
    Column("ends", Moment),
    _words("agency_id"),
    Column("cpu_millicores", Amount, nullable=False),
    Column("gpu_count", Amount, nullable=False),
    PrimaryKeyConstraint("sandbox_id", "begins"),
    Index(None, "agency_id", "ends"),
)

budget_marks = Table(
    "budget_marks",
    metadata,
    _words("agency_id"),
    _words("month"),
    _words("resource"),
    Column("percent", Amount, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("agency_id", "month", "resource", "percent"),
)
