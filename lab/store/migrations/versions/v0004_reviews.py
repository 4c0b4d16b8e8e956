"""What each review of a published version found; the documents that say what a version is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty for what was published before: no review of it was written down.
    op.add_column("intakes", sa.Column("reviews", sa.Text(), nullable=True))
    op.create_table(
        "dataset_documents",
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "version", "name", name="pk_dataset_documents"),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name="fk_dataset_documents_dataset_id"
        ),
    )
