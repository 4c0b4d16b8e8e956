"""Suspensions, what was done to sandboxes, and the stop of the whole lab."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sandboxes", maybe_moment("suspended_at"))
    for name in ("suspend_reason", "suspend_note"):
        op.add_column("sandboxes", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "interventions",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            autoincrement=True,
        ),
        text("id"),
        text("sandbox_id"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(text(name) for name in ("actor", "act", "reason", "note")),
        maybe_moment("until"),
        sa.PrimaryKeyConstraint("seq", name="pk_interventions"),
        sa.UniqueConstraint("id", name="uq_interventions_id"),
        sa.ForeignKeyConstraint(
            ["sandbox_id"], ["sandboxes.id"], name="fk_interventions_sandbox_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_interventions_sandbox_id_seq", "interventions", ["sandbox_id", "seq"])
    op.create_table(
        "lab_stop",
        text("id"),
        maybe_moment("at"),
        *(text(name) for name in ("actor", "note")),
        sa.PrimaryKeyConstraint("id", name="pk_lab_stop"),
    )


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def maybe_moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)
