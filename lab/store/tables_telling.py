"""The tables of notices and messages: what people are told, and tell each other."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from lab.store.columns import Amount, Moment, Words
from lab.store.tables import metadata

notices = Table(
    "notices",
    metadata,
    Column("id", Words, primary_key=True),
    Column("member_id", Words, ForeignKey("members.id"), nullable=False),
    Column("kind", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("key", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("read_at", Moment),
    Column("mail", Words, nullable=False),
    Column("tries", Amount, nullable=False),
    Column("next_try_at", Moment),
    Column("version", Amount, nullable=False),
    UniqueConstraint("member_id", "key"),
    Index(None, "member_id", "at", "id"),
    Index(None, "mail", "next_try_at"),
    Index(None, "read_at"),
)

notice_addresses = Table(
    "notice_addresses",
    metadata,
    Column("member_id", Words, ForeignKey("members.id"), primary_key=True),
    Column("address", Words, nullable=False),
)

request_messages = Table(
    "request_messages",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", Words, nullable=False),
    Column("request_id", Words, ForeignKey("requests.id"), nullable=False),
    Column("author_id", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("text", Words, nullable=False),
    UniqueConstraint("id"),
    Index(None, "request_id", "seq"),
    sqlite_autoincrement=True,
)
