"""Rows that MLflow forgets when it deletes a workspace: links that no foreign key ties."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.secret import Secret

_ENDS = """
    SELECT run_uuid FROM runs
    UNION SELECT dataset_uuid FROM datasets
    UNION SELECT model_id FROM logged_models
    UNION SELECT request_id FROM trace_info
    UNION SELECT dataset_id FROM evaluation_datasets
    UNION SELECT CAST(experiment_id AS TEXT) FROM experiments
"""
_SWEEP = (
    # Both ends gone: nothing that is still there is linked by it.
    f"DELETE FROM inputs WHERE source_id NOT IN ({_ENDS}) AND destination_id NOT IN ({_ENDS})",  # noqa: S608
    "DELETE FROM input_tags WHERE input_uuid NOT IN (SELECT input_uuid FROM inputs)",
    f"""DELETE FROM entity_associations
        WHERE source_id NOT IN ({_ENDS}) AND destination_id NOT IN ({_ENDS})""",  # noqa: S608
)


class LeftoversError(Exception):
    """The database is not there, or busy for too long."""


class SqliteLeftovers:
    """Links in the SQLite file of a server on this machine. Safe beside the running server."""

    def __init__(self, database: Path, *, timeout_seconds: float = 10) -> None:
        self._uri = f"{database.absolute().as_uri()}?mode=rw"
        self._timeout = timeout_seconds

    def sweep(self) -> None:
        """Delete links whose two ends are gone.

        Raises:
            LeftoversError: It could not be done; call again.
        """
        try:
            with (
                closing(sqlite3.connect(self._uri, uri=True, timeout=self._timeout)) as connection,
                connection,
            ):
                for statement in _SWEEP:
                    connection.execute(statement)
        except sqlite3.Error as error:
            raise LeftoversError(f"leftovers: {type(error).__name__}") from error


class PostgresLeftovers:
    """Links in a PostgreSQL database.

    Args:
        url: As SQLAlchemy writes it; it holds a password.
        timeout_seconds: For the connection, and for each statement.
    """

    def __init__(self, url: Secret, *, timeout_seconds: int = 10) -> None:
        self._url, self._timeout = url, timeout_seconds

    def sweep(self) -> None:
        """Delete links whose two ends are gone.

        Raises:
            LeftoversError: It could not be done; call again.
        """
        options = f"-c statement_timeout={self._timeout * 1000} -c lock_timeout=5000"
        try:
            with psycopg.connect(
                libpq_url(self._url.reveal()), connect_timeout=self._timeout, options=options
            ) as connection:
                for statement in _SWEEP:
                    connection.execute(statement.encode())
        except psycopg.Error as error:
            # Its text may hold the address, which holds the password.
            raise LeftoversError(f"leftovers: {type(error).__name__}") from None


def libpq_url(url: str) -> str:
    """Return a database's address without the name of SQLAlchemy's driver."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"
