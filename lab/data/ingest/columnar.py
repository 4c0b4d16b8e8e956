"""Reads Parquet in batches of rows, whatever the size of its row groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from polars.exceptions import PolarsError

from lab.data.errors import DataError
from lab.data.ingest.model import Progress, Sentence, Step, Warned
from lab.data.ingest.tables import Told, check_columns
from lab.data.ingest.unpack import check_unpacked, corrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.data.ingest.model import Options
    from lab.data.ingest.unpack import Origin

_CELLS = 2**20
"""Cells in a batch: 65,536 rows of 16 columns."""


class Columnar:
    """A Parquet file; its own types stay, brought to the few that the pipeline knows."""

    def __init__(
        self, origin: Origin, options: Options, *, watch: Callable[[Progress], None]
    ) -> None:
        self._origin, self._options, self._watch = origin, options, watch
        self._told = Told()

    @property
    def told(self) -> Told:
        """What is told beside the batches."""
        return self._told

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows.

        Raises:
            DataError: ``corrupt_archive``, ``nested_column``, ``binary_column``,
                ``too_many_columns``, ``zip_bomb``, ``integer_too_large``.
        """
        try:
            with pq.ParquetFile(self._origin.path, buffer_size=2**20, pre_buffer=False) as file:
                yield from self._batches(file)
        except (pa.ArrowException, OSError) as error:
            raise corrupt(type(error).__name__) from error

    def _batches(self, file: pq.ParquetFile) -> Iterator[pl.DataFrame]:
        told, about = self._told, file.metadata
        told.names = list(file.schema_arrow.names)
        width = len(told.names)
        check_columns(width, self._options.limits)
        told.counted = about.num_rows
        groups = [about.row_group(i).total_byte_size for i in range(about.num_row_groups)]
        # Runs of one value take no room packed: at least one byte for each cell unpacked.
        unpacked = max(sum(groups), about.num_rows * width)
        if unpacked > self._options.limits.max_unpacked_bytes:
            check_unpacked(unpacked, self._origin.size, self._options.limits)
        types = pl.DataFrame(file.schema_arrow.empty_table()).dtypes
        casts = [
            self._cast(place, field.name, data_type)
            for place, (field, data_type) in enumerate(zip(file.schema_arrow, types, strict=True))
        ]
        rows = 0
        for part in file.iter_batches(batch_size=max(1024, _CELLS // max(width, 1))):
            named = part.rename_columns([str(i) for i in range(width)])
            batch = pl.from_arrow(named)
            if not isinstance(batch, pl.DataFrame):
                raise corrupt("batch")
            try:
                yield batch.select(casts)
            except PolarsError as error:
                raise DataError(
                    "integer_too_large",
                    fr=f"Entre les rangées {rows + 1} et {rows + part.num_rows} : une valeur "
                    "trop grande pour un entier de 64 bits.",
                    en=f"Between rows {rows + 1} and {rows + part.num_rows}: a value too large "
                    "for a 64-bit integer.",
                ) from error
            rows += part.num_rows
            done = self._origin.size * rows // max(about.num_rows, 1)
            self._watch(Progress(Step.READ, done, self._origin.size))

    def _cast(self, place: int, given: str, data_type: pl.DataType) -> pl.Expr:
        column = pl.col(str(place))
        if data_type.is_nested():
            raise DataError(
                "nested_column",
                fr=f"Colonne « {given} » : des listes ou des objets, qui ne sont pas une table.",
                en=f"Column “{given}”: lists or objects, which are no table.",
            )
        if data_type == pl.Binary:
            raise DataError(
                "binary_column",
                fr=f"Colonne « {given} » : des octets, qui ne sont ni texte ni nombre.",
                en=f"Column “{given}”: bytes, which are neither text nor numbers.",
            )
        if data_type.is_integer():
            return column.cast(pl.Int64)
        if data_type.is_decimal():
            self._warn(
                "decimal_to_float",
                f"« {given} » : des décimaux exacts, lus en nombres à 17 chiffres.",
                f"“{given}”: exact decimals, read as numbers of 17 digits.",
            )
        if data_type.is_numeric():
            return column.cast(pl.Float64)
        if data_type == pl.Datetime:
            if data_type.time_unit == "ns":  # type: ignore[attr-defined]
                self._warn(
                    "nanoseconds_cut",
                    f"« {given} » : les heures sont gardées à la microseconde.",
                    f"“{given}”: times are kept to the microsecond.",
                )
            return column.dt.cast_time_unit("us")
        if data_type in {pl.Date, pl.Boolean}:
            return column
        self._told.declared_text.add(place)
        return column.cast(pl.String)

    def _warn(self, reason: str, fr: str, en: str) -> None:
        self._told.warnings.append(Warned(reason, None, Sentence(fr, en)))
