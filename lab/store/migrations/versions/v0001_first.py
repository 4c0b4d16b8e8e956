"""The first tables, and the triggers that keep the audit log as it was written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REFUSAL = "rows of the audit log are never changed"


def upgrade() -> None:
    people()
    work()
    traces()
    data()
    journal()
    if op.get_bind().dialect.name == "postgresql":
        guard_on_postgresql()
    else:
        guard_on_sqlite()


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def maybe_text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=True)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def resources() -> list[sa.Column[int]]:
    names = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count")
    return [number(name) for name in names]


def primary(table: str, *names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")


def part_of(table: str, name: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{parent}.id"], name=f"fk_{table}_{name}")


def index(table: str, *names: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, list(names))


def people() -> None:
    op.create_table(
        "agencies",
        text("id"),
        text("name_fr"),
        text("name_en"),
        *resources(),
        number("sandboxes"),
        number("max_days"),
        number("version"),
        primary("agencies", "id"),
    )
    op.create_table(
        "reservations",
        text("holder"),
        text("agency_id"),
        *resources(),
        number("sandboxes"),
        maybe_text("sandbox_id"),
        primary("reservations", "holder"),
        part_of("reservations", "agency_id", "agencies"),
    )
    index("reservations", "agency_id")
    op.create_table(
        "members",
        text("id"),
        text("login"),
        text("login_key"),
        text("name"),
        maybe_text("agency_id"),
        text("roles"),
        text("password_hash"),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        number("version"),
        primary("members", "id"),
        sa.UniqueConstraint("login_key", name="uq_members_login_key"),
        part_of("members", "agency_id", "agencies"),
    )
    index("members", "agency_id")
    op.create_table(
        "tokens",
        text("hash"),
        text("kind"),
        text("member_id"),
        moment("created_at"),
        moment("expires_at"),
        moment("used_at", nullable=True),
        text("facts"),
        primary("tokens", "hash"),
        part_of("tokens", "member_id", "members"),
    )
    index("tokens", "member_id")
    index("tokens", "expires_at")


def work() -> None:
    op.create_table(
        "requests",
        text("id"),
        text("agency_id"),
        text("requester_id"),
        text("purpose"),
        text("datasets"),
        text("template_id"),
        text("size"),
        *resources(),
        text("profile_id"),
        sa.Column("ends_on", sa.Date(), nullable=False),
        moment("expires_at"),
        moment("filed_at"),
        text("state"),
        text("rule"),
        moment("decided_at", nullable=True),
        maybe_text("decided_by"),
        text("reason"),
        maybe_text("sandbox_id"),
        number("version"),
        primary("requests", "id"),
        part_of("requests", "agency_id", "agencies"),
    )
    index("requests", "filed_at", "id")
    index("requests", "agency_id", "filed_at", "id")
    index("requests", "requester_id")
    index("requests", "state", "filed_at", "id")
    op.create_table(
        "sandboxes",
        text("id"),
        text("request_id"),
        text("agency_id"),
        text("template_id"),
        text("profile_id"),
        *resources(),
        text("datasets"),
        moment("expires_at"),
        moment("created_at"),
        number("version"),
        moment("delete_requested_at", nullable=True),
        text("delete_reason"),
        moment("deleted_at", nullable=True),
        primary("sandboxes", "id"),
    )
    index("sandboxes", "created_at", "id")
    index("sandboxes", "agency_id", "created_at", "id")
    index("sandboxes", "deleted_at")
    belonging("request_team", "request_id", "requests")
    belonging("sandbox_members", "sandbox_id", "sandboxes")


def belonging(table: str, name: str, parent: str) -> None:
    op.create_table(
        table,
        text(name),
        number("position"),
        text("member_id"),
        primary(table, name, "position"),
        part_of(table, name, parent),
    )
    index(table, "member_id", name)


def traces() -> None:
    op.create_table(
        "stage_states",
        text("sandbox_id"),
        text("stage"),
        text("seen"),
        moment("since"),
        text("detail"),
        text("facts"),
        moment("started_at", nullable=True),
        moment("ready_at", nullable=True),
        text("error_code"),
        text("error_detail"),
        number("failures"),
        moment("next_try_at", nullable=True),
        primary("stage_states", "sandbox_id", "stage"),
        part_of("stage_states", "sandbox_id", "sandboxes"),
    )
    op.create_table(
        "certificates",
        text("sandbox_id"),
        text("request_id"),
        text("agency_id"),
        text("reason"),
        moment("asked_at"),
        moment("completed_at"),
        text("gone"),
        text("signature"),
        primary("certificates", "sandbox_id"),
        part_of("certificates", "sandbox_id", "sandboxes"),
    )
    op.create_table(
        "attempts",
        text("id"),
        text("sandbox_id"),
        maybe_text("member_id"),
        text("rule"),
        text("target"),
        moment("first_at"),
        moment("last_at"),
        number("count"),
        primary("attempts", "id"),
        part_of("attempts", "sandbox_id", "sandboxes"),
    )
    index("attempts", "sandbox_id", "last_at")


def data() -> None:
    op.create_table(
        "datasets",
        text("id"),
        text("title_fr"),
        text("title_en"),
        text("description_fr"),
        text("description_en"),
        text("data_class"),
        text("licence"),
        text("source"),
        primary("datasets", "id"),
    )
    op.create_table(
        "dataset_versions",
        text("dataset_id"),
        number("version"),
        number("row_count"),
        text("columns"),
        text("files"),
        moment("published_at"),
        primary("dataset_versions", "dataset_id", "version"),
        part_of("dataset_versions", "dataset_id", "datasets"),
    )


def journal() -> None:
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        moment("at"),
        text("actor"),
        text("action"),
        text("resource"),
        text("resource_id"),
        text("agency_id"),
        text("outcome"),
        text("facts"),
        text("previous_hash"),
        text("hash"),
        primary("audit_events", "seq"),
    )
    index("audit_events", "agency_id", "seq")
    index("audit_events", "action", "seq")
    op.create_table(
        "idempotency_keys",
        text("owner"),
        text("key"),
        text("fingerprint"),
        text("resource_id"),
        moment("created_at"),
        primary("idempotency_keys", "owner", "key"),
    )
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "outbox",
        sa.Column("id", serial, nullable=False, autoincrement=True),
        text("kind"),
        text("subject"),
        moment("at"),
        primary("outbox", "id"),
        sqlite_autoincrement=True,
    )


def guard_on_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )


def guard_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    for verb, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
            f"FOR EACH {each} EXECUTE FUNCTION audit_events_refuse()"
        )
