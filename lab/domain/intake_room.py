"""How much memory treating and measuring a table takes, so that what cannot fit is not begun.

Reading and looking for identifiers stream, whatever the size. Treating and measuring hold the
whole table, several times over; a process that asks for more than it may have is ended in the
middle, and nobody is told why. The figures are those of `tests/data/pipeline/bench_pipeline.py`,
rounded up.
"""

from __future__ import annotations

from typing import Final

from lab.domain.errors import InvalidError, Problem
from lab.domain.quantity import MIB

BASE_BYTES: Final = 512 * MIB
"""Of the libraries and of what does not grow with the table."""
CELL_BYTES: Final = 256
"""Of each kept cell, at the worst step: about three times what the first analysis was seen to take
(452 MiB in all for 200,000 rows of 12 columns), for what has been seen of small tables only."""


def needed_bytes(row_count: int, column_count: int) -> int:
    """Return the most memory that a step may take of a table of this size."""
    return BASE_BYTES + row_count * column_count * CELL_BYTES


def rows_that_fit(limit_bytes: int, column_count: int) -> int:
    """Return how many rows of so many columns fit; zero where none do."""
    return max(0, (limit_bytes - BASE_BYTES) // (CELL_BYTES * max(column_count, 1)))


def check_room(row_count: int, column_count: int, limit_bytes: int | None) -> None:
    """Refuse a table that would not fit, before anything of it is loaded.

    Args:
        row_count: Of the table.
        column_count: Those that are kept.
        limit_bytes: What the process that does it may use; ``None`` where nobody here knows.

    Raises:
        InvalidError: It would not fit.
    """
    needed = needed_bytes(row_count, column_count)
    if limit_bytes is not None and needed > limit_bytes:
        facts = (
            ("needed", str(-(-needed // MIB))),
            ("limit", str(limit_bytes // MIB)),
            ("rows", str(rows_that_fit(limit_bytes, column_count))),
            ("columns", str(column_count)),
        )
        raise InvalidError([Problem("table", "over_memory", facts)])
