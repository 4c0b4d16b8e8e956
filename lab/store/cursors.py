"""Where a list goes on: an opaque text made of the last row's sort key."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_

from lab.domain.errors import InvalidError, Problem
from lab.store.columns import MOST

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement
    from sqlalchemy.engine import RowMapping

_LONGEST = 400
_MOST_ROWS = 1000


def limit_of(asked: int) -> int:
    """Return how many rows one page may hold."""
    return max(1, min(asked, _MOST_ROWS))


def after_moment(
    cursor: str, moment: Column[datetime], key: Column[str]
) -> ColumnElement[bool] | None:
    """Return the condition for rows older than the cursor's; ``None`` without a cursor.

    Raises:
        InvalidError: It is no cursor of ours.
    """
    if not cursor:
        return None
    try:
        text, row_id = _decoded(cursor)
        written = datetime.fromisoformat(str(text))
        at = written.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise _bad() from None
    if written.tzinfo is None or not isinstance(row_id, str) or "\0" in row_id:
        raise _bad()
    # Written so that an index on (moment, key) serves it.
    return and_(moment <= at, or_(moment < at, key < row_id))


def after_number(cursor: str, number: Column[int]) -> ColumnElement[bool] | None:
    """Return the condition for rows below the cursor's; ``None`` without a cursor.

    Raises:
        InvalidError: It is no cursor of ours.
    """
    if not cursor:
        return None
    parts = _decoded(cursor)
    if len(parts) != 1 or type(parts[0]) is not int or not 0 < parts[0] <= MOST:
        raise _bad()
    return number < parts[0]


def at_moment(row: RowMapping, moment: str) -> str:
    """Return the cursor that goes on after a row."""
    return _encoded([row[moment].isoformat(), row["id"]])


def at_number(number: int) -> str:
    """Return the cursor that goes on after a row."""
    return _encoded([number])


def _encoded(parts: list[str | int]) -> str:
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> list[object]:
    if len(cursor) > _LONGEST:
        raise _bad()
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise _bad() from None
    if not isinstance(parts, list):
        raise _bad()
    return parts


def _bad() -> InvalidError:
    return InvalidError([Problem("after", "bad_cursor")])
