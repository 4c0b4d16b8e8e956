"""The tables, as they are now. ``migrations`` leads there; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from lab.store.columns import (
    Amount,
    Canonical,
    Moment,
    Words,
    amount_column,
    key_column,
    part_of,
    word_column,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _resources() -> list[Column[int]]:
    names = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count")
    return [amount_column(name) for name in names]


agencies = Table(
    "agencies",
    metadata,
    key_column("id"),
    word_column("name_fr"),
    word_column("name_en"),
    *_resources(),
    amount_column("sandboxes"),
    amount_column("max_days"),
    amount_column("version"),
    Column("cpu_hours", Amount),
    Column("gpu_hours", Amount),
)

reservations = Table(
    "reservations",
    metadata,
    key_column("holder"),
    part_of("agency_id", "agencies.id"),
    *_resources(),
    amount_column("sandboxes"),
    Column("sandbox_id", Words),
    Column("member_id", Words),
    Index(None, "agency_id"),
)

members = Table(
    "members",
    metadata,
    key_column("id"),
    word_column("login"),
    # The login with letter case folded: what is unique, and what is looked up.
    word_column("login_key"),
    word_column("name"),
    Column("agency_id", Words, ForeignKey("agencies.id")),
    Column("roles", Canonical, nullable=False),
    word_column("password_hash"),
    Column("is_active", Boolean, nullable=False),
    amount_column("version"),
    UniqueConstraint("login_key"),
    Index(None, "agency_id"),
)

tokens = Table(
    "tokens",
    metadata,
    key_column("hash"),
    word_column("kind"),
    part_of("member_id", "members.id"),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("facts", Canonical, nullable=False),
    Index(None, "member_id"),
    Index(None, "expires_at"),
)

identities = Table(
    "identities",
    metadata,
    word_column("issuer"),
    word_column("subject"),
    part_of("member_id", "members.id"),
    Column("seen_at", Moment, nullable=False),
    Column("is_withdrawn", Boolean, nullable=False),
    PrimaryKeyConstraint("issuer", "subject"),
    Index(None, "member_id"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    key_column("state"),
    word_column("browser"),
    word_column("next_path"),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Index(None, "expires_at"),
)

requests = Table(
    "requests",
    metadata,
    key_column("id"),
    part_of("agency_id", "agencies.id"),
    word_column("requester_id"),
    word_column("purpose"),
    Column("datasets", Canonical, nullable=False),
    word_column("template_id"),
    word_column("size"),
    *_resources(),
    word_column("profile_id"),
    Column("ends_on", Date, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("filed_at", Moment, nullable=False),
    word_column("state"),
    word_column("rule"),
    Column("decided_at", Moment),
    Column("decided_by", Words),
    word_column("reason"),
    Column("sandbox_id", Words),
    Column("answers", Canonical, nullable=False, server_default="{}"),
    Column("writers", Canonical, nullable=False, server_default="[]"),
    Column("data_classes", Canonical, nullable=False, server_default="[]"),
    Column("turns", Canonical, nullable=False, server_default="[]"),
    Column("approvals_needed", Amount, nullable=False, server_default="1"),
    Column("waiting_since", Moment),
    Column("first_by", Words),
    Column("draft_id", Words),
    amount_column("version"),
    Index(None, "filed_at", "id"),
    Index(None, "agency_id", "filed_at", "id"),
    Index(None, "requester_id"),
    Index(None, "state", "filed_at", "id"),
)

drafts = Table(
    "drafts",
    metadata,
    key_column("id"),
    part_of("agency_id", "agencies.id"),
    word_column("author_id"),
    Column("opened_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("answers", Canonical, nullable=False),
    Column("request_id", Words),
    Column("revises_id", Words),
    amount_column("version"),
    Index(None, "updated_at", "id"),
    Index(None, "agency_id", "updated_at", "id"),
)

request_team = Table(
    "request_team",
    metadata,
    part_of("request_id", "requests.id"),
    amount_column("position"),
    word_column("member_id"),
    PrimaryKeyConstraint("request_id", "position"),
    Index(None, "member_id", "request_id"),
)

sandboxes = Table(
    "sandboxes",
    metadata,
    key_column("id"),
    word_column("request_id"),
    word_column("agency_id"),
    word_column("template_id"),
    word_column("profile_id"),
    *_resources(),
    Column("datasets", Canonical, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    amount_column("version"),
    Column("delete_requested_at", Moment),
    word_column("delete_reason"),
    Column("deleted_at", Moment),
    Column("suspended_at", Moment),
    Column("suspend_reason", Words),
    Column("suspend_note", Words),
    Index(None, "created_at", "id"),
    Index(None, "agency_id", "created_at", "id"),
    Index(None, "deleted_at"),
)

sandbox_members = Table(
    "sandbox_members",
    metadata,
    part_of("sandbox_id", "sandboxes.id"),
    amount_column("position"),
    word_column("member_id"),
    PrimaryKeyConstraint("sandbox_id", "position"),
    Index(None, "member_id", "sandbox_id"),
)

interventions = Table(
    "interventions",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    word_column("id"),
    part_of("sandbox_id", "sandboxes.id"),
    Column("at", Moment, nullable=False),
    word_column("actor"),
    word_column("act"),
    word_column("reason"),
    word_column("note"),
    Column("until", Moment),
    UniqueConstraint("id"),
    Index(None, "sandbox_id", "seq"),
    sqlite_autoincrement=True,
)

# One row, to be locked: whoever makes a sandbox and whoever stops the lab meet there.
lab_stop = Table(
    "lab_stop",
    metadata,
    key_column("id"),
    Column("at", Moment),
    word_column("actor"),
    word_column("note"),
)

stage_states = Table(
    "stage_states",
    metadata,
    part_of("sandbox_id", "sandboxes.id"),
    word_column("stage"),
    word_column("seen"),
    Column("since", Moment, nullable=False),
    word_column("detail"),
    Column("facts", Canonical, nullable=False),
    Column("started_at", Moment),
    Column("ready_at", Moment),
    word_column("error_code"),
    word_column("error_detail"),
    amount_column("failures"),
    Column("next_try_at", Moment),
    PrimaryKeyConstraint("sandbox_id", "stage"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("sandbox_id", Words, ForeignKey("sandboxes.id"), primary_key=True),
    word_column("request_id"),
    word_column("agency_id"),
    word_column("reason"),
    Column("asked_at", Moment, nullable=False),
    Column("completed_at", Moment, nullable=False),
    Column("gone", Canonical, nullable=False),
    word_column("signature"),
)

attempts = Table(
    "attempts",
    metadata,
    # A hash of what makes two attempts the same one: a target may be too long for an index.
    key_column("id"),
    part_of("sandbox_id", "sandboxes.id"),
    Column("member_id", Words),
    word_column("rule"),
    word_column("target"),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    amount_column("count"),
    Index(None, "sandbox_id", "last_at"),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("seq", Amount, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    word_column("actor"),
    word_column("action"),
    word_column("resource"),
    word_column("resource_id"),
    word_column("agency_id"),
    word_column("outcome"),
    Column("facts", Canonical, nullable=False),
    word_column("previous_hash"),
    word_column("hash"),
    Index(None, "agency_id", "seq"),
    Index(None, "action", "seq"),
    Index(None, "actor", "seq"),
    Index(None, "resource_id", "seq"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    word_column("owner"),
    word_column("key"),
    word_column("fingerprint"),
    word_column("resource_id"),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("owner", "key"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    word_column("kind"),
    word_column("subject"),
    Column("at", Moment, nullable=False),
    # Numbers are never used again, so that their order is the order of writing.
    sqlite_autoincrement=True,
)

# Without foreign keys: a grant or a report may outlive its sandbox's row by a sweep, and is then
# found by the name of whom it belongs to.
grants = Table(
    "grants",
    metadata,
    word_column("sandbox_id"),
    word_column("name"),
    word_column("sealed"),
    # Random at each write: the sum over all rows tells whether anything changed.
    amount_column("version"),
    PrimaryKeyConstraint("sandbox_id", "name"),
    Index(None, "name"),
)

proofs = Table(
    "proofs",
    metadata,
    key_column("sandbox_id"),
    Column("content", Canonical, nullable=False),
    Column("at", Moment, nullable=False),
)

probe_reports = Table(
    "probe_reports",
    metadata,
    word_column("sandbox_id"),
    word_column("run"),
    Column("content", Canonical, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("sandbox_id", "run"),
)
