"""Dossiers of tables that shall become data sets; whether a version may be mounted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    versions()
    intakes()
    runs()
    op.create_table(
        "epsilon_spends",
        *(text(name) for name in ("run_id", "dataset_id", "sha256", "epsilon", "delta")),
        moment("at"),
        sa.PrimaryKeyConstraint("run_id", name="pk_epsilon_spends"),
    )
    index("epsilon_spends", "dataset_id")
    index("epsilon_spends", "sha256")


def versions() -> None:
    # What the lab itself ships is synthetic or open: active, and nothing of a person to review.
    op.add_column(
        "dataset_versions",
        sa.Column("status", sa.Text(), nullable=False, server_default="active"),
    )
    op.add_column("dataset_versions", maybe_moment("next_review_at"))
    index("dataset_versions", "status", "next_review_at")


def intakes() -> None:
    op.create_table(
        "intakes",
        *(text(name) for name in ("id", "dataset_id", "agency_id", "title_fr", "title_en")),
        *(text(name) for name in ("description_fr", "description_en", "purposes", "licence")),
        *(text(name) for name in ("source", "asked", "scope", "depositor_id", "supervisor_id")),
        maybe_text("requester_id"),
        moment("opened_at"),
        text("state"),
        maybe_text("raw"),
        number("row_count"),
        text("findings"),
        text("choices"),
        maybe_text("confirmed_by"),
        *(maybe_text(name) for name in ("preliminary", "treatment", "final", "policy")),
        maybe_text("signature"),
        maybe_moment("publish_asked_at"),
        sa.Column("published_version", sa.BigInteger(), nullable=True),
        maybe_moment("published_at"),
        maybe_moment("next_review_at"),
        maybe_text("destruction"),
        text("reason"),
        number("version"),
        sa.PrimaryKeyConstraint("id", name="pk_intakes"),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name="fk_intakes_agency_id"),
    )
    index("intakes", "opened_at", "id")
    index("intakes", "agency_id", "opened_at", "id")
    index("intakes", "dataset_id")
    index("intakes", "state", "opened_at", "id")


def runs() -> None:
    op.create_table(
        "intake_runs",
        *(text(name) for name in ("id", "intake_id", "step", "asked_by")),
        moment("asked_at"),
        *(text(name) for name in ("parameters", "state", "progress")),
        *(maybe_moment(name) for name in ("started_at", "seen_at", "ended_at")),
        maybe_moment("cancel_asked_at"),
        *(text(name) for name in ("error_code", "error_fr", "error_en")),
        number("version"),
        sa.PrimaryKeyConstraint("id", name="pk_intake_runs"),
        sa.ForeignKeyConstraint(["intake_id"], ["intakes.id"], name="fk_intake_runs_intake_id"),
    )
    index("intake_runs", "intake_id", "asked_at", "id")
    index("intake_runs", "state", "asked_at")


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def maybe_text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=True)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def maybe_moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def index(table: str, *names: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, list(names))
