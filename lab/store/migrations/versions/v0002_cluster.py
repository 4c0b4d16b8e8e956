"""What several processes share: grants, proofs of containment, what probes reported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grants",
        text("sandbox_id"),
        text("name"),
        text("sealed"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sandbox_id", "name", name="pk_grants"),
    )
    op.create_index("ix_grants_name", "grants", ["name"])
    op.create_table(
        "proofs",
        text("sandbox_id"),
        text("content"),
        moment("at"),
        sa.PrimaryKeyConstraint("sandbox_id", name="pk_proofs"),
    )
    op.create_table(
        "probe_reports",
        text("sandbox_id"),
        text("run"),
        text("content"),
        moment("at"),
        sa.PrimaryKeyConstraint("sandbox_id", "run", name="pk_probe_reports"),
    )


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)
