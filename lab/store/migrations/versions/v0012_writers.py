"""Who wrote the answers of a request that was filed step by step."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("writers", sa.Text(), nullable=False, server_default="[]"))
    connection = op.get_bind()
    drafts = sa.text("SELECT request_id, answers FROM drafts WHERE request_id IS NOT NULL")
    for request_id, answers in connection.execute(drafts).all():
        writers = sorted({answer["by"] for answer in json.loads(answers).values()})
        connection.execute(
            sa.text("UPDATE requests SET writers = :writers WHERE id = :id"),
            {"writers": json.dumps(writers, separators=(",", ":")), "id": request_id},
        )
