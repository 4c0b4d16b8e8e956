"""Requests that are being written, and what else a request was asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("answers", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "drafts",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "agency_id", "author_id")),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name="fk_drafts_agency_id"),
    )
    op.create_index("ix_drafts_updated_at_id", "drafts", ["updated_at", "id"])
    op.create_index(
        "ix_drafts_agency_id_updated_at_id", "drafts", ["agency_id", "updated_at", "id"]
    )
