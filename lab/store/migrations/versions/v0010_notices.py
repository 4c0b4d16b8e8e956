"""Notices, where their mail goes, and messages about requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notices",
        *(text(name) for name in ("id", "member_id", "kind", "subject", "key")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        text("mail"),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("member_id", "key", name="uq_notices_member_id_key"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_notices_member_id"),
    )
    op.create_index("ix_notices_member_id_at_id", "notices", ["member_id", "at", "id"])
    op.create_index("ix_notices_mail_next_try_at", "notices", ["mail", "next_try_at"])
    op.create_table(
        "notice_addresses",
        text("member_id"),
        text("address"),
        sa.PrimaryKeyConstraint("member_id", name="pk_notice_addresses"),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name="fk_notice_addresses_member_id"
        ),
    )
    op.create_table(
        "request_messages",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            autoincrement=True,
        ),
        *(text(name) for name in ("id", "request_id", "author_id")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        text("text"),
        sa.PrimaryKeyConstraint("seq", name="pk_request_messages"),
        sa.UniqueConstraint("id", name="uq_request_messages_id"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name="fk_request_messages_request_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_request_messages_request_id_seq", "request_messages", ["request_id", "seq"]
    )


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)
