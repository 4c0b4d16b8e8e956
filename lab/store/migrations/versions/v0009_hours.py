"""Budgets of hours, what was used of them, and quotas of people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_AMOUNTS = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count", "sandboxes")


def upgrade() -> None:
    for name in ("cpu_hours", "gpu_hours"):
        op.add_column("agencies", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("reservations", sa.Column("member_id", sa.Text(), nullable=True))
    # What is held already is held by whoever asked for it.
    op.execute(
        "UPDATE reservations SET member_id = "
        "(SELECT requester_id FROM requests WHERE requests.id = reservations.holder)"
    )
    op.create_table(
        "person_quotas",
        text("id"),
        text("agency_id"),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in _AMOUNTS),
        number("version"),
        sa.PrimaryKeyConstraint("id", name="pk_person_quotas"),
    )
    op.create_index("ix_person_quotas_agency_id", "person_quotas", ["agency_id"])
    op.create_table(
        "ready_spans",
        text("sandbox_id"),
        moment("begins"),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=True),
        text("agency_id"),
        number("cpu_millicores"),
        number("gpu_count"),
        sa.PrimaryKeyConstraint("sandbox_id", "begins", name="pk_ready_spans"),
    )
    op.create_index("ix_ready_spans_agency_id_ends", "ready_spans", ["agency_id", "ends"])
    op.create_table(
        "budget_marks",
        *(text(name) for name in ("agency_id", "month", "resource")),
        number("percent"),
        moment("at"),
        sa.PrimaryKeyConstraint(
            "agency_id", "month", "resource", "percent", name="pk_budget_marks"
        ),
    )


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)
