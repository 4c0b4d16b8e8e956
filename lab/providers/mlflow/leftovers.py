"""Rows that MLflow forgets when it deletes a workspace: links that no foreign key ties."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

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


def sweep(database: Path, *, timeout_seconds: float) -> None:
    """Delete links whose two ends are gone. Safe beside a running server.

    Raises:
        sqlite3.Error: The database is not there, or busy for too long.
    """
    uri = f"{database.absolute().as_uri()}?mode=rw"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=timeout_seconds)) as connection,
        connection,
    ):
        for statement in _SWEEP:
            connection.execute(statement)
