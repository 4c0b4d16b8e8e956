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

from lab.store.columns import Amount, Canonical, Moment, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _key(name: str) -> Column[str]:
    return Column(name, Words, primary_key=True)


def _words(name: str) -> Column[str]:
    return Column(name, Words, nullable=False)


def _amount(name: str) -> Column[int]:
    return Column(name, Amount, nullable=False)


def _resources() -> list[Column[int]]:
    names = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count")
    return [_amount(name) for name in names]


def _part_of(name: str, parent: str) -> Column[str]:
    return Column(name, Words, ForeignKey(parent), nullable=False)


agencies = Table(
    "agencies",
    metadata,
    _key("id"),
    _words("name_fr"),
    _words("name_en"),
    *_resources(),
    _amount("sandboxes"),
    _amount("max_days"),
    _amount("version"),
    Column("cpu_hours", Amount),
    Column("gpu_hours", Amount),
)

reservations = Table(
    "reservations",
    metadata,
    _key("holder"),
    _part_of("agency_id", "agencies.id"),
    *_resources(),
    _amount("sandboxes"),
    Column("sandbox_id", Words),
    Column("member_id", Words),
    Index(None, "agency_id"),
)

members = Table(
    "members",
    metadata,
    _key("id"),
    _words("login"),
    # The login with letter case folded: what is unique, and what is looked up.
    _words("login_key"),
    _words("name"),
    Column("agency_id", Words, ForeignKey("agencies.id")),
    Column("roles", Canonical, nullable=False),
    _words("password_hash"),
    Column("is_active", Boolean, nullable=False),
    _amount("version"),
    UniqueConstraint("login_key"),
    Index(None, "agency_id"),
)

tokens = Table(
    "tokens",
    metadata,
    _key("hash"),
    _words("kind"),
    _part_of("member_id", "members.id"),
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
    _words("issuer"),
    _words("subject"),
    _part_of("member_id", "members.id"),
    Column("seen_at", Moment, nullable=False),
    Column("is_withdrawn", Boolean, nullable=False),
    PrimaryKeyConstraint("issuer", "subject"),
    Index(None, "member_id"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    _key("state"),
    _words("browser"),
    _words("next_path"),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Index(None, "expires_at"),
)

requests = Table(
    "requests",
    metadata,
    _key("id"),
    _part_of("agency_id", "agencies.id"),
    _words("requester_id"),
    _words("purpose"),
    Column("datasets", Canonical, nullable=False),
    _words("template_id"),
    _words("size"),
    *_resources(),
    _words("profile_id"),
    Column("ends_on", Date, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("filed_at", Moment, nullable=False),
    _words("state"),
    _words("rule"),
    Column("decided_at", Moment),
    Column("decided_by", Words),
    _words("reason"),
    Column("sandbox_id", Words),
    Column("answers", Canonical, nullable=False, server_default="{}"),
    Column("data_classes", Canonical, nullable=False, server_default="[]"),
    Column("turns", Canonical, nullable=False, server_default="[]"),
    Column("approvals_needed", Amount, nullable=False, server_default="1"),
    Column("waiting_since", Moment),
    Column("first_by", Words),
    Column("draft_id", Words),
    _amount("version"),
    Index(None, "filed_at", "id"),
    Index(None, "agency_id", "filed_at", "id"),
    Index(None, "requester_id"),
    Index(None, "state", "filed_at", "id"),
)

drafts = Table(
    "drafts",
    metadata,
    _key("id"),
    _part_of("agency_id", "agencies.id"),
    _words("author_id"),
    Column("opened_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("answers", Canonical, nullable=False),
    Column("request_id", Words),
    Column("revises_id", Words),
    _amount("version"),
    Index(None, "updated_at", "id"),
    Index(None, "agency_id", "updated_at", "id"),
)

request_team = Table(
    "request_team",
    metadata,
    _part_of("request_id", "requests.id"),
    _amount("position"),
    _words("member_id"),
    PrimaryKeyConstraint("request_id", "position"),
    Index(None, "member_id", "request_id"),
)

sandboxes = Table(
    "sandboxes",
    metadata,
    _key("id"),
    _words("request_id"),
    _words("agency_id"),
    _words("template_id"),
    _words("profile_id"),
    *_resources(),
    Column("datasets", Canonical, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    _amount("version"),
    Column("delete_requested_at", Moment),
    _words("delete_reason"),
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
    _part_of("sandbox_id", "sandboxes.id"),
    _amount("position"),
    _words("member_id"),
    PrimaryKeyConstraint("sandbox_id", "position"),
    Index(None, "member_id", "sandbox_id"),
)

interventions = Table(
    "interventions",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _words("id"),
    _part_of("sandbox_id", "sandboxes.id"),
    Column("at", Moment, nullable=False),
    _words("actor"),
    _words("act"),
    _words("reason"),
    _words("note"),
    Column("until", Moment),
    UniqueConstraint("id"),
    Index(None, "sandbox_id", "seq"),
    sqlite_autoincrement=True,
)

# One row, to be locked: whoever makes a sandbox and whoever stops the lab meet there.
lab_stop = Table(
    "lab_stop",
    metadata,
    _key("id"),
    Column("at", Moment),
    _words("actor"),
    _words("note"),
)

stage_states = Table(
    "stage_states",
    metadata,
    _part_of("sandbox_id", "sandboxes.id"),
    _words("stage"),
    _words("seen"),
    Column("since", Moment, nullable=False),
    _words("detail"),
    Column("facts", Canonical, nullable=False),
    Column("started_at", Moment),
    Column("ready_at", Moment),
    _words("error_code"),
    _words("error_detail"),
    _amount("failures"),
    Column("next_try_at", Moment),
    PrimaryKeyConstraint("sandbox_id", "stage"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("sandbox_id", Words, ForeignKey("sandboxes.id"), primary_key=True),
    _words("request_id"),
    _words("agency_id"),
    _words("reason"),
    Column("asked_at", Moment, nullable=False),
    Column("completed_at", Moment, nullable=False),
    Column("gone", Canonical, nullable=False),
    _words("signature"),
)

attempts = Table(
    "attempts",
    metadata,
    # A hash of what makes two attempts the same one: a target may be too long for an index.
    _key("id"),
    _part_of("sandbox_id", "sandboxes.id"),
    Column("member_id", Words),
    _words("rule"),
    _words("target"),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    _amount("count"),
    Index(None, "sandbox_id", "last_at"),
)

datasets = Table(
    "datasets",
    metadata,
    _key("id"),
    _words("title_fr"),
    _words("title_en"),
    _words("description_fr"),
    _words("description_en"),
    _words("data_class"),
    _words("licence"),
    _words("source"),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    _part_of("dataset_id", "datasets.id"),
    _amount("version"),
    _amount("row_count"),
    Column("columns", Canonical, nullable=False),
    Column("files", Canonical, nullable=False),
    Column("published_at", Moment, nullable=False),
    Column("status", Words, nullable=False, server_default="active"),
    Column("next_review_at", Moment),
    PrimaryKeyConstraint("dataset_id", "version"),
    Index(None, "status", "next_review_at"),
)

# A copy of the small files of a version, for whoever cannot reach the object store's key.
dataset_documents = Table(
    "dataset_documents",
    metadata,
    _part_of("dataset_id", "datasets.id"),
    _amount("version"),
    _words("name"),
    _words("content"),
    PrimaryKeyConstraint("dataset_id", "version", "name"),
)

intakes = Table(
    "intakes",
    metadata,
    _key("id"),
    _words("dataset_id"),
    _part_of("agency_id", "agencies.id"),
    _words("title_fr"),
    _words("title_en"),
    _words("description_fr"),
    _words("description_en"),
    _words("purposes"),
    _words("licence"),
    _words("source"),
    _words("asked"),
    _words("scope"),
    _words("depositor_id"),
    _words("supervisor_id"),
    Column("requester_id", Words),
    Column("opened_at", Moment, nullable=False),
    _words("state"),
    Column("raw", Canonical),
    _amount("row_count"),
    Column("findings", Canonical, nullable=False),
    Column("choices", Canonical, nullable=False),
    Column("confirmed_by", Words),
    Column("preliminary", Canonical),
    Column("treatment", Canonical),
    Column("final", Canonical),
    Column("policy", Canonical),
    Column("signature", Canonical),
    Column("publish_asked_at", Moment),
    Column("published_version", Amount),
    Column("published_at", Moment),
    Column("next_review_at", Moment),
    Column("reviews", Canonical),
    Column("destruction", Canonical),
    _words("reason"),
    _amount("version"),
    Index(None, "opened_at", "id"),
    Index(None, "agency_id", "opened_at", "id"),
    Index(None, "dataset_id"),
    Index(None, "state", "opened_at", "id"),
)

intake_runs = Table(
    "intake_runs",
    metadata,
    _key("id"),
    _part_of("intake_id", "intakes.id"),
    _words("step"),
    _words("asked_by"),
    Column("asked_at", Moment, nullable=False),
    Column("parameters", Canonical, nullable=False),
    _words("state"),
    Column("progress", Canonical, nullable=False),
    Column("started_at", Moment),
    Column("seen_at", Moment),
    Column("ended_at", Moment),
    Column("cancel_asked_at", Moment),
    _words("error_code"),
    _words("error_fr"),
    _words("error_en"),
    _amount("version"),
    Index(None, "intake_id", "asked_at", "id"),
    Index(None, "state", "asked_at"),
)

# Without a foreign key: what was spent stays spent, whatever becomes of the dossier.
epsilon_spends = Table(
    "epsilon_spends",
    metadata,
    _key("run_id"),
    _words("dataset_id"),
    _words("sha256"),
    # Decimal numbers as text: neither database adds them up exactly.
    _words("epsilon"),
    _words("delta"),
    Column("at", Moment, nullable=False),
    Index(None, "dataset_id"),
    Index(None, "sha256"),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("seq", Amount, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    _words("actor"),
    _words("action"),
    _words("resource"),
    _words("resource_id"),
    _words("agency_id"),
    _words("outcome"),
    Column("facts", Canonical, nullable=False),
    _words("previous_hash"),
    _words("hash"),
    Index(None, "agency_id", "seq"),
    Index(None, "action", "seq"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _words("owner"),
    _words("key"),
    _words("fingerprint"),
    _words("resource_id"),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("owner", "key"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _words("kind"),
    _words("subject"),
    Column("at", Moment, nullable=False),
    # Numbers are never used again, so that their order is the order of writing.
    sqlite_autoincrement=True,
)

# Without foreign keys: a grant or a report may outlive its sandbox's row by a sweep, and is then
# found by the name of whom it belongs to.
grants = Table(
    "grants",
    metadata,
    _words("sandbox_id"),
    _words("name"),
    _words("sealed"),
    # Random at each write: the sum over all rows tells whether anything changed.
    _amount("version"),
    PrimaryKeyConstraint("sandbox_id", "name"),
    Index(None, "name"),
)

proofs = Table(
    "proofs",
    metadata,
    _key("sandbox_id"),
    Column("content", Canonical, nullable=False),
    Column("at", Moment, nullable=False),
)

probe_reports = Table(
    "probe_reports",
    metadata,
    _words("sandbox_id"),
    _words("run"),
    Column("content", Canonical, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("sandbox_id", "run"),
)
