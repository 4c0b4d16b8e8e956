"""What was done to requests, who approved first, and since when they wait."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, default in (("data_classes", "[]"), ("turns", "[]")):
        op.add_column(
            "requests", sa.Column(name, sa.Text(), nullable=False, server_default=default)
        )
    op.add_column(
        "requests",
        sa.Column("approvals_needed", sa.BigInteger(), nullable=False, server_default="1"),
    )
    op.add_column("requests", sa.Column("waiting_since", sa.DateTime(timezone=True)))
    for table, name in (("requests", "first_by"), ("requests", "draft_id")):
        op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    op.add_column("drafts", sa.Column("revises_id", sa.Text(), nullable=True))
    _fill()


def _fill() -> None:
    """Say of requests that are there since when they wait, and of which class their data are."""
    connection = op.get_bind()
    connection.execute(
        sa.text("UPDATE requests SET waiting_since = filed_at WHERE state = 'in_review'")
    )
    classes: dict[str, str] = dict(
        row._tuple()  # noqa: SLF001 -- its public name for a row as a tuple
        for row in connection.execute(sa.text("SELECT id, data_class FROM datasets"))
    )
    for request_id, datasets in connection.execute(
        sa.text("SELECT id, datasets FROM requests")
    ).all():
        found = sorted({classes[name] for name, _ in json.loads(datasets) if name in classes})
        connection.execute(
            sa.text("UPDATE requests SET data_classes = :found WHERE id = :id"),
            {"found": json.dumps(found, separators=(",", ":")), "id": request_id},
        )
