"""Turns text into typed values once the type is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lab.data.ingest import patterns
from lab.data.ingest.model import ColumnType
from lab.data.ingest.patterns import Marks

if TYPE_CHECKING:
    from lab.data.ingest.decide import Spec


def cast(spec: Spec, column: str, name: str) -> pl.Expr:
    """Cast a text column; what the evidence did not foresee raises, and never becomes null.

    Args:
        spec: How.
        column: Name in the batch.
        name: Name that comes out.
    """
    text = pl.col(column)
    if spec.type is ColumnType.TEXT:
        return text.alias(name)
    stripped = text.str.strip_chars(patterns.SPACES)
    if not spec.has_codes:
        return _typed(spec, stripped).alias(name)
    is_code = stripped.str.to_lowercase().is_in(["", *patterns.MISSING])
    return _typed(spec, pl.when(~is_code).then(stripped)).alias(name)


def _typed(spec: Spec, value: pl.Expr) -> pl.Expr:
    how = spec.how
    if how.startswith("truth_"):
        return value.str.to_lowercase().is_in([yes for yes, _ in patterns.TRUTHS])
    if how in patterns.READERS:
        return patterns.READERS[how](value)
    if how in {"digits_date", "digits_time"}:
        return patterns.digits_date(
            value, is_day_first=spec.is_day_first, has_time=how == "digits_time"
        )
    core = patterns.without_unit(value) if spec.unit else value
    plain = patterns.digits_only(core, Marks(how), is_grouped=spec.is_grouped)
    return plain.cast(pl.Int64 if spec.type is ColumnType.INTEGER else pl.Float64)


def dtype(kind: ColumnType) -> pl.DataType:
    """Type in the Parquet file of a column that was text."""
    return {
        ColumnType.TEXT: pl.String(),
        ColumnType.INTEGER: pl.Int64(),
        ColumnType.NUMBER: pl.Float64(),
        ColumnType.DATE: pl.Date(),
        ColumnType.DATETIME: pl.Datetime("us"),
        ColumnType.BOOLEAN: pl.Boolean(),
    }[kind]


def kind_of(data_type: pl.DataType) -> ColumnType:
    """Type of a column that its format types by itself."""
    if data_type.is_integer():
        return ColumnType.INTEGER
    if data_type.is_numeric():
        return ColumnType.NUMBER
    if data_type == pl.Date:
        return ColumnType.DATE
    if data_type == pl.Datetime:
        return ColumnType.DATETIME
    return ColumnType.BOOLEAN if data_type == pl.Boolean else ColumnType.TEXT
