"""What drivers raise, as errors of the lab. No driver's exception leaves the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lab.domain.errors import (
    InvalidError,
    LabError,
    Problem,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError

# https://www.sqlite.org/rescode.html; the low byte is the class, the rest the detail.
_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_READONLY, _SQLITE_IOERR = 5, 6, 8, 10
_SQLITE_CORRUPT, _SQLITE_FULL, _SQLITE_CANTOPEN, _SQLITE_NOTADB = 11, 13, 14, 26
# Growing the shared index of the write-ahead log: on Linux only a full disk refuses it.
_SQLITE_IOERR_SHMSIZE = _SQLITE_IOERR | 19 << 8

_BUSY = "other transactions hold what this one needs"
_FULL = "the database has no room left"
_GONE = "the database does not answer"
_READ_ONLY = "this transaction only reads"


def translated(error: SQLAlchemyError) -> Exception:
    """Return the lab's error for a failure of the driver or of SQLAlchemy."""
    if isinstance(error, PoolTimeoutError):
        return StoreBusyError("every connection to the database is in use")
    if not isinstance(error, StatementError):
        return StoreError(f"the database failed: {type(error).__name__}")
    if isinstance(error.orig, (LabError, ValueError, TypeError)):
        return error.orig  # a column type refused the value before the driver saw it
    if not isinstance(error, DBAPIError):
        return StoreError(f"the database failed: {type(error).__name__}")
    sqlite_code = getattr(error.orig, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return _from_sqlite(error, sqlite_code)
    return _from_postgresql(error, getattr(error.orig, "sqlstate", None))


def _from_sqlite(error: DBAPIError, code: int) -> Exception:
    family = code & 0xFF
    if family in {_SQLITE_BUSY, _SQLITE_LOCKED}:
        return StoreBusyError(_BUSY)
    if family == _SQLITE_FULL or code == _SQLITE_IOERR_SHMSIZE:
        return StoreFullError(_FULL)
    if family == _SQLITE_READONLY:
        return StoreError(_READ_ONLY)
    if family in {_SQLITE_IOERR, _SQLITE_CANTOPEN}:
        return StoreUnavailableError(_GONE)
    if family in {_SQLITE_CORRUPT, _SQLITE_NOTADB}:
        return StoreError("the database's file is damaged")
    return _refused(error)


def _from_postgresql(error: DBAPIError, state: str | None) -> Exception:
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    if state in {"40001", "40P01", "55P03"}:
        return StoreBusyError(_BUSY)
    if state == "53100":
        return StoreFullError(_FULL)
    if state == "25006":
        return StoreError(_READ_ONLY)
    if state is not None and state[:2] == "54":
        return InvalidError([Problem("text", "too_long")])
    no_server = state is None and type(error.orig).__name__ == "OperationalError"
    if no_server or error.connection_invalidated or (state or "")[:2] in {"08", "53", "57"}:
        return StoreUnavailableError(_GONE)
    return _refused(error)


def _refused(error: DBAPIError) -> StoreError:
    # Not the driver's text: it may quote the row, and the row may be personal.
    return StoreError(f"the database refused the statement: {type(error.orig).__name__}")
