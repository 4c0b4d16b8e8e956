"""What a person may ask of a reading, and what the reading tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Format(StrEnum):
    """What a file is, told by its first bytes and never by its name alone."""

    DELIMITED = "delimited"
    EXCEL = "excel"
    PARQUET = "parquet"
    JSON_LINES = "json_lines"


class ColumnType(StrEnum):
    """Type of a column of the Parquet file that comes out."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"


class DateOrder(StrEnum):
    """Order of day and month in dates written with digits."""

    DMY = "dmy"
    MDY = "mdy"


class Step(StrEnum):
    """What a reading is doing; each step counts the bytes of the raw file from 0 again."""

    HASH = "hash"
    ENCODING = "encoding"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is. A callback that raises cancels the reading; nothing is left behind."""

    step: Step
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused for its size.

    Attributes:
        max_bytes: Of the raw file.
        max_unpacked_bytes: Of what a .zip or .gz holds.
        max_unpacked_ratio: Unpacked bytes for one packed byte, once past 16 MiB.
        max_sheet_bytes: Of an Excel file's unpacked parts, which are held in memory.
        max_columns: Of the table.
        max_cell_bytes: Of one cell, in UTF-8, with its quotes.
    """

    max_bytes: int = 10 * 10**9
    max_unpacked_bytes: int = 10 * 10**9
    max_unpacked_ratio: int = 200
    max_sheet_bytes: int = 512 * 2**20
    max_columns: int = 2_000
    max_cell_bytes: int = 2**20


@dataclass(frozen=True, slots=True)
class ColumnOptions:
    """What a person decides for one column.

    Attributes:
        type: Imposed type; None lets the values decide.
        date_order: Says how 03/04/2024 reads.
        decimal: ``,`` or ``.``: says how 1,234 reads.
        missing: Exact values (spaces around ignored) that are read as missing.
    """

    type: ColumnType | None = None
    date_order: DateOrder | None = None
    decimal: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What a person decides for a file; None lets the file decide.

    Attributes:
        format: Kind of file.
        delimiter: One ASCII character.
        encoding: A Python codec name; also admits text that looks encoded twice.
        quote: Quoting character, or the empty string where quotes mean nothing.
        sheet: Name of the Excel sheet; None takes the first one.
        has_header: Whether the first row holds the names.
        columns: By name as given in the file, or by safe name.
        limits: What is refused for its size.
    """

    format: Format | None = None
    delimiter: str | None = None
    encoding: str | None = None
    quote: str = '"'
    sheet: str | None = None
    has_header: bool = True
    columns: Mapping[str, ColumnOptions] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same thing said in French and in English."""

    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should look at.

    Attributes:
        reason: Stable word, snake_case.
        column: Safe name of the column, or None for the whole file.
        says: The sentence.
    """

    reason: str
    column: str | None
    says: Sentence


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value that looks like a code for a missing one, kept as it is until options say so."""

    value: str
    count: int
    says: Sentence


@dataclass(frozen=True, slots=True)
class ColumnReading:
    """What became of one column.

    Attributes:
        given: Name as in the file.
        name: Name in the Parquet file: a-z, 0-9 and _, at most 63 characters, unique.
        type: Type in the Parquet file.
        why: Why that type.
        missing: Cells read as missing, by code; the empty string stands for empty cells.
        suggestions: Codes to confirm through ``ColumnOptions.missing``.
        unit: ``$``, ``€``, ``%`` taken off every value, or empty.
    """

    given: str
    name: str
    type: ColumnType
    why: Sentence
    missing: Mapping[str, int]
    suggestions: tuple[Suggestion, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, with what it takes to read it again in the same way.

    Attributes:
        sha256: Of the raw bytes, lower-case hexadecimal.
        bytes: Of the raw file.
        format: What the file is.
        encoding: Python codec name, or None where the format has its own.
        delimiter: Of a delimited file, else None.
        sheet: Of an Excel file, else None.
        rows: Without the header.
        columns: In the order of the file.
        warnings: What a person should look at.
    """

    sha256: str
    bytes: int
    format: Format
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    rows: int
    columns: tuple[ColumnReading, ...]
    warnings: tuple[Warned, ...]
