"""The audit log is searched by who and by what; old notices are found without reading all."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_events_actor_seq", "audit_events", ["actor", "seq"])
    op.create_index("ix_audit_events_resource_id_seq", "audit_events", ["resource_id", "seq"])
    op.create_index("ix_notices_read_at", "notices", ["read_at"])
