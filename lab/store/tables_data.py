"""The tables of data: sets, versions, documents; dossiers, their runs, what they spent."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
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
from lab.store.tables import metadata

datasets = Table(
    "datasets",
    metadata,
    key_column("id"),
    word_column("title_fr"),
    word_column("title_en"),
    word_column("description_fr"),
    word_column("description_en"),
    word_column("data_class"),
    word_column("licence"),
    word_column("source"),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    part_of("dataset_id", "datasets.id"),
    amount_column("version"),
    amount_column("row_count"),
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
    part_of("dataset_id", "datasets.id"),
    amount_column("version"),
    word_column("name"),
    word_column("content"),
    PrimaryKeyConstraint("dataset_id", "version", "name"),
)

intakes = Table(
    "intakes",
    metadata,
    key_column("id"),
    word_column("dataset_id"),
    part_of("agency_id", "agencies.id"),
    word_column("title_fr"),
    word_column("title_en"),
    word_column("description_fr"),
    word_column("description_en"),
    word_column("purposes"),
    word_column("licence"),
    word_column("source"),
    word_column("asked"),
    word_column("scope"),
    word_column("depositor_id"),
    word_column("supervisor_id"),
    Column("requester_id", Words),
    Column("opened_at", Moment, nullable=False),
    word_column("state"),
    Column("raw", Canonical),
    amount_column("row_count"),
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
    word_column("reason"),
    amount_column("version"),
    Index(None, "opened_at", "id"),
    Index(None, "agency_id", "opened_at", "id"),
    Index(None, "dataset_id"),
    Index(None, "state", "opened_at", "id"),
)

intake_runs = Table(
    "intake_runs",
    metadata,
    key_column("id"),
    part_of("intake_id", "intakes.id"),
    word_column("step"),
    word_column("asked_by"),
    Column("asked_at", Moment, nullable=False),
    Column("parameters", Canonical, nullable=False),
    word_column("state"),
    Column("progress", Canonical, nullable=False),
    Column("started_at", Moment),
    Column("seen_at", Moment),
    Column("ended_at", Moment),
    Column("cancel_asked_at", Moment),
    word_column("error_code"),
    word_column("error_fr"),
    word_column("error_en"),
    amount_column("version"),
    Index(None, "intake_id", "asked_at", "id"),
    Index(None, "state", "asked_at"),
)

# Without a foreign key: what was spent stays spent, whatever becomes of the dossier.
epsilon_spends = Table(
    "epsilon_spends",
    metadata,
    key_column("run_id"),
    word_column("dataset_id"),
    word_column("sha256"),
    # Decimal numbers as text: neither database adds them up exactly.
    word_column("epsilon"),
    word_column("delta"),
    Column("at", Moment, nullable=False),
    Index(None, "dataset_id"),
    Index(None, "sha256"),
)
