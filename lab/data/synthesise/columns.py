"""What one column may hold, said by a person and never learnt from the data.

Each kind of column turns values into small whole codes and codes back into
values. A value outside what was declared is moved inside (the nearest bound, or
the declared "autre"), and how many were moved is told to nobody: that figure
would itself be an answer about the people in the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lab.data.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """A closed list of words, whole numbers or booleans.

    Attributes:
        values: What may appear, all of one Python type, without repetition.
        other: Word for whatever is not listed, for columns of text; None sends
            it to missing (or, where missing is not allowed, to the first value).
        nullable: Whether missing is one more category.
    """

    values: tuple[str, ...] | tuple[int, ...] | tuple[bool, ...]
    other: str | None = "autre"
    nullable: bool = True

    @property
    def _words(self) -> list[Any]:
        words: list[Any] = list(self.values)
        if self.other is not None and self.is_text and self.other not in words:
            words.append(self.other)
        return words

    @property
    def is_text(self) -> bool:
        """Whether the values are words."""
        return isinstance(self.values[0], str)

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self._words) + self.nullable

    def problem(self) -> str | None:
        """Why this cannot be a declaration, or None."""
        if not self.values:
            return "no_values"
        if len({type(value) for value in self.values}) > 1:
            return "mixed_types"
        return "repeated_values" if len(set(self.values)) < len(self.values) else None

    def fits(self, dtype: pl.DataType) -> bool:
        """Whether a column of this type can be read so."""
        if self.is_text:
            if isinstance(dtype, pl.Enum):
                return set(self._words) <= set(dtype.categories)
            return dtype == pl.String or isinstance(dtype, pl.Categorical)
        if isinstance(self.values[0], bool):
            return dtype == pl.Boolean
        return dtype.is_integer() and _holds(dtype, min(self.values), max(self.values))

    def encode(self, column: pl.Series) -> NDArray[np.int64]:
        """Codes, one per row."""
        words = self._words
        text = column.cast(pl.String)
        keys = [str(word).lower() if isinstance(word, bool) else str(word) for word in words]
        null = len(words) if self.nullable else self._outside
        codes = text.replace_strict(
            keys, list(range(len(keys))), default=self._outside, return_dtype=pl.Int64
        )
        return np.where(column.is_null().to_numpy(), null, codes.fill_null(0).to_numpy())

    @property
    def _outside(self) -> int:
        words = self._words
        if self.other is not None and self.is_text:
            return words.index(self.other)
        return len(words) if self.nullable else 0

    def decode(
        self, codes: NDArray[np.int64], dtype: pl.DataType, random: np.random.Generator
    ) -> pl.Series:
        """Values, one per row; no choice is left to chance here."""
        del random
        words: list[Any] = [*self._words, None]
        kind = pl.String if self.is_text else dtype
        return pl.Series(words, dtype=kind).gather(codes.astype(np.uint32)).cast(dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Numbers between two bounds, seen through bins.

    Attributes:
        lower: Least value, included; lower ones are moved to it.
        upper: Greatest value, included; greater ones are moved to it.
        bins: How many bins of equal width, or the inner edges, increasing.
        nullable: Whether missing is one more category (not a number counts as missing).
            Where it is not, a missing value becomes the least one.
    """

    lower: float
    upper: float
    bins: int | tuple[float, ...] = 20
    nullable: bool = True

    @property
    def edges(self) -> NDArray[np.float64]:
        """Bounds of the bins, one more than there are bins."""
        if isinstance(self.bins, int):
            return np.linspace(self.lower, self.upper, self.bins + 1)
        return np.array([self.lower, *self.bins, self.upper], dtype=np.float64)

    @property
    def size(self) -> int:
        """How many codes there are."""
        count = self.bins if isinstance(self.bins, int) else len(self.bins) + 1
        return count + self.nullable

    def problem(self) -> str | None:
        """Why this cannot be a declaration, or None."""
        if not (np.isfinite(self.lower) and np.isfinite(self.upper)):
            return "bounds_not_finite"
        if isinstance(self.bins, int) and self.bins < 1:
            return "no_bins"
        edges = self.edges
        if self.lower == self.upper and len(edges) == 2:  # noqa: PLR2004  # one bin, one value
            return None
        return None if bool(np.all(np.diff(edges) > 0)) else "edges_not_increasing"

    def fits(self, dtype: pl.DataType) -> bool:
        """Whether a column of this type can be read so."""
        if dtype.is_integer():
            first, last = math.ceil(self.lower), math.floor(self.upper)
            return first <= last and _holds(dtype, first, last)
        return dtype.is_float()

    def encode(self, column: pl.Series) -> NDArray[np.int64]:
        """Codes, one per row."""
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
        edges = self.edges
        missing = np.isnan(values)
        held = np.clip(np.where(missing, self.lower, values), self.lower, self.upper)
        codes = np.searchsorted(edges[1:-1], held, side="right")
        return np.where(missing & self.nullable, len(edges) - 1, codes).astype(np.int64)

    def decode(
        self, codes: NDArray[np.int64], dtype: pl.DataType, random: np.random.Generator
    ) -> pl.Series:
        """Values, one per row, spread evenly in each bin; whole where the type is whole."""
        edges = self.edges
        missing = codes >= len(edges) - 1
        at = np.where(missing, 0, codes)
        low, high, share = edges[at], edges[at + 1], random.random(len(codes))
        if not dtype.is_integer():
            return _with_missing(np.minimum(low + share * (high - low), high), missing, dtype)
        # Whole numbers of [low, high), and of [low, high] in the last bin. A bin without any
        # takes the next whole number that is within the bounds.
        first = np.ceil(low)
        last = np.where(at == len(edges) - 2, np.floor(high), np.ceil(high) - 1)
        span = np.maximum(last - first + 1, 1)
        whole = np.clip(
            first + np.floor(share * span), np.ceil(self.lower), np.floor(self.upper)
        ).astype(np.int64)
        return _with_missing(whole, missing, dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """Days between two days, seen through bins of equal length.

    Attributes:
        first: First day, included; earlier ones are moved to it.
        last: Last day, included; later ones are moved to it.
        bins: How many bins.
        nullable: Whether missing is one more category.
    """

    first: date
    last: date
    bins: int = 20
    nullable: bool = True

    @property
    def _days(self) -> Numbers:
        start, end = (self.first - EPOCH).days, (self.last - EPOCH).days
        return Numbers(lower=start, upper=end, bins=self.bins, nullable=self.nullable)

    @property
    def size(self) -> int:
        """How many codes there are."""
        return self.bins + self.nullable

    def problem(self) -> str | None:
        """Why this cannot be a declaration, or None."""
        if isinstance(self.first, datetime) or isinstance(self.last, datetime):
            return "not_days"
        return self._days.problem()

    def fits(self, dtype: pl.DataType) -> bool:
        """Whether a column of this type can be read so."""
        return dtype == pl.Date or isinstance(dtype, pl.Datetime)

    def encode(self, column: pl.Series) -> NDArray[np.int64]:
        """Codes, one per row."""
        return self._days.encode(column.cast(pl.Date).to_physical())

    def decode(
        self, codes: NDArray[np.int64], dtype: pl.DataType, random: np.random.Generator
    ) -> pl.Series:
        """Days, one per row, spread evenly in each bin; times of day are midnight."""
        days = self._days.decode(codes, pl.Int32(), random)
        return days.cast(pl.Date).cast(dtype)


def _holds(dtype: pl.DataType, *values: float | str) -> bool:
    """Whether a type of whole numbers can hold these."""
    if "128" in str(dtype):  # numpy has no such numbers
        return False
    bounds = np.iinfo(str(dtype).lower())
    return all(bounds.min <= int(value) <= bounds.max for value in values)


def _with_missing(
    values: NDArray[Any], missing: NDArray[np.bool_], dtype: pl.DataType
) -> pl.Series:
    series = pl.Series(values)
    if missing.any():
        series = pl.select(pl.when(pl.Series(~missing)).then(series)).to_series()
    return series.cast(dtype)


Column = Categories | Numbers | Dates
"""What one column may hold."""


def refuse_unfit(name: str, column: Column, dtype: pl.DataType) -> None:
    """Stop when a declared column cannot be read so.

    Raises:
        DataError: ``domain_invalid`` or ``domain_type``.
    """
    if (why := column.problem()) is not None:
        raise DataError(
            "domain_invalid",
            fr=f"Colonne « {name} » : la déclaration du domaine n’est pas valable ({why}).",
            en=f'Column "{name}": the declared domain is not valid ({why}).',
        )
    if not column.fits(dtype):
        raise DataError(
            "domain_type",
            fr=f"Colonne « {name} » : son type ({dtype}) ne va pas avec le domaine déclaré.",
            en=f'Column "{name}": its type ({dtype}) does not go with the declared domain.',
        )
