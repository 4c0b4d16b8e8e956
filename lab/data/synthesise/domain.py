"""The declared domain of a table: every column, in the table's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lab.data.errors import DataError
from lab.data.synthesise.columns import Column, refuse_unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

CELLS_AT_MOST = 50_000
"""Codes that one column may have: beyond, the noise drowns everything anyway."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What each column may hold, declared by a person.

    Nothing here may be computed from the table: bounds and lists that were read
    off the data give away whoever is at the edge.

    Attributes:
        columns: Declaration of each column by name.
    """

    columns: Mapping[str, Column]

    def sizes(self, names: list[str]) -> tuple[int, ...]:
        """How many codes each of these columns has."""
        return tuple(self.columns[name].size for name in names)

    def refuse_unfit(self, table: pl.DataFrame) -> None:
        """Stop when the table's columns are not those declared.

        Only names and types are looked at, never a value.

        Raises:
            DataError: ``domain_columns``, ``domain_invalid``, ``domain_type`` or
                ``domain_too_large``.
        """
        missing = [name for name in table.columns if name not in self.columns]
        absent = [name for name in self.columns if name not in table.columns]
        if missing or absent:
            names = ", ".join([*missing, *absent])
            raise DataError(
                "domain_columns",
                fr=f"Le domaine déclaré et la table n’ont pas les mêmes colonnes : {names}.",
                en=f"The declared domain and the table have different columns: {names}.",
            )
        for name, dtype in table.schema.items():
            column = self.columns[name]
            refuse_unfit(name, column, dtype)
            if column.size > CELLS_AT_MOST:
                raise DataError(
                    "domain_too_large",
                    fr=f"Colonne « {name} » : plus de {CELLS_AT_MOST} valeurs déclarées.",
                    en=f'Column "{name}": more than {CELLS_AT_MOST} declared values.',
                )

    def encode(self, table: pl.DataFrame) -> NDArray[np.int64]:
        """Codes of the whole table, shape (columns, rows)."""
        coded = [self.columns[name].encode(table[name]) for name in table.columns]
        return np.array(coded, dtype=np.int64).reshape(table.width, table.height)

    def decode(
        self, codes: NDArray[np.int64], schema: pl.Schema, random: np.random.Generator
    ) -> pl.DataFrame:
        """Values of the whole table, in the order and types of the schema."""
        return pl.DataFrame([
            self.columns[name].decode(codes[at], dtype, random).alias(name)
            for at, (name, dtype) in enumerate(schema.items())
        ])
