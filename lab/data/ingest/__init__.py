"""Ingest: any of CSV, Excel, Parquet and JSON lines to one typed Parquet, without guessing."""

from __future__ import annotations

from lab.data.ingest.model import (
    ColumnOptions,
    ColumnReading,
    ColumnType,
    DateOrder,
    Format,
    Limits,
    Options,
    Progress,
    Reading,
    Sentence,
    Step,
    Suggestion,
    Warned,
)
from lab.data.ingest.reading import read

__all__ = [
    "ColumnOptions",
    "ColumnReading",
    "ColumnType",
    "DateOrder",
    "Format",
    "Limits",
    "Options",
    "Progress",
    "Reading",
    "Sentence",
    "Step",
    "Suggestion",
    "Warned",
    "read",
]
