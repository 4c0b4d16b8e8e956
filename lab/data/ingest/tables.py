"""What every kind of file becomes before its types are decided: batches of columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from lab.data.ingest.model import Limits, Warned


@dataclass(slots=True)
class Told:
    """What a source tells beside its batches, complete once they are exhausted.

    Attributes:
        names: Of the columns, as given, in order.
        may_grow: Whether later batches may add columns (JSON lines).
        counted: Rows, counted by another means than the one that reads the values.
        encoding: Of a text.
        delimiter: Of a delimited file.
        sheet: Of an Excel file.
        warnings: What a person should look at.
        declared_text: Places of the columns that the format itself declares to be text, whose
            digits are then no numbers.
        declared_numbers: Places of those that it declares to be numbers.
    """

    names: list[str] = field(default_factory=list)
    may_grow: bool = False
    counted: int = 0
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    warnings: list[Warned] = field(default_factory=list)
    declared_text: set[int] = field(default_factory=set)
    declared_numbers: set[int] = field(default_factory=set)


class Source(Protocol):
    """A table in batches. Column i of a batch is called str(i), whatever its name."""

    @property
    def told(self) -> Told:
        """What is told beside the batches."""

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in order."""


def check_columns(count: int, limits: Limits) -> None:
    """Refuse a table that is too wide.

    Raises:
        DataError: ``too_many_columns``.
    """
    if count > limits.max_columns:
        raise DataError(
            "too_many_columns",
            fr=f"La table a {count} colonnes; la limite est de {limits.max_columns}.",
            en=f"The table has {count} columns; the limit is {limits.max_columns}.",
        )


def check_count(counted: int, read: int) -> None:
    """Refuse to lose a row in silence.

    Raises:
        DataError: ``row_count_mismatch``.
    """
    if counted != read:
        raise DataError(
            "row_count_mismatch",
            fr=f"Le fichier compte {counted} enregistrements et {read} ont été lus.",
            en=f"The file holds {counted} records and {read} were read.",
        )
