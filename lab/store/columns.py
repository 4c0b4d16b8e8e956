"""Column types that keep what they are given, the same way on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Text, TypeDecorator

from lab.domain.errors import InvalidError, Problem

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

MOST = 2**63 - 1
"""The largest whole number that either database keeps."""


class Words(TypeDecorator[str]):
    """Text, kept character for character; what PostgreSQL cannot keep, neither keeps."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Refuse NUL and halves of characters."""
        if value is not None and ("\0" in value or not _is_unicode(value)):
            raise InvalidError([Problem("text", "bad_character")])
        return value


class Moment(TypeDecorator[datetime]):
    """An instant. Aware going in, UTC coming out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn it to UTC.

        Raises:
            ValueError: It has no time zone, so it is no instant.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        utc = value.astimezone(UTC)
        # SQLite has no type for it: SQLAlchemy writes sortable text, without a zone.
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> datetime | None:
        """Say that it is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Amount(TypeDecorator[int]):
    """A whole number that fits in 64 bits."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuse what neither database keeps."""
        if value is not None and not -MOST <= value <= MOST:
            raise InvalidError([Problem("amount", "too_large")])
        return value


class Canonical(TypeDecorator[Any]):
    """Lists and mappings, as JSON text that is always written the same way."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write it."""
        if value is None:
            return None
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if not _is_unicode(text):
            raise InvalidError([Problem("text", "bad_character")])
        return text

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Read it."""
        return None if value is None else json.loads(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def key_column(name: str) -> Column[str]:
    """Return a column that is its table's key."""
    return Column(name, Words, primary_key=True)


def word_column(name: str) -> Column[str]:
    """Return a column of words that are always there."""
    return Column(name, Words, nullable=False)


def amount_column(name: str) -> Column[int]:
    """Return a column of a number that is always there."""
    return Column(name, Amount, nullable=False)


def part_of(name: str, parent: str) -> Column[str]:
    """Return a column that names a row of another table."""
    return Column(name, Words, ForeignKey(parent), nullable=False)
