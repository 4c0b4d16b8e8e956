"""Finds 9, 99, 999… that stand for missing values: suggested, never replaced."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from lab.data.ingest.model import Sentence, Suggestion

_NINES = (9.0, 99.0, 999.0, 9999.0, 99999.0)
_FARTHER = 1.2
"""A code stands at least this many times above the largest other value: 9 over 1 to 7."""
_LEAST = 2
"""A value seen once is no code."""


@dataclass(slots=True)
class Nines:
    """Counts of the codes, and the bounds of all other values, of one numeric column."""

    counts: Counter[float] = field(default_factory=Counter)
    least: float | None = None
    most: float | None = None

    def see(self, column: pl.Series, *, low: float | None, high: float | None) -> None:
        """Look at the next rows, whose bounds are known."""
        if low is None or high is None:
            return
        if low > -_NINES[0] and high < _NINES[0]:
            self._widen(low, high)
            return
        is_code = column.abs().is_in(
            [int(n) for n in _NINES] if column.dtype.is_integer() else _NINES
        )
        codes = column.filter(is_code)
        for value, count in codes.value_counts().iter_rows():
            self.counts[float(value)] += count
        others = column.filter(~is_code) if codes.len() else column
        least, most = others.min(), others.max()
        if isinstance(least, int | float) and isinstance(most, int | float):
            self._widen(float(least), float(most))

    def _widen(self, low: float, high: float) -> None:
        self.least = low if self.least is None else min(self.least, low)
        self.most = high if self.most is None else max(self.most, high)

    def suggestions(self) -> tuple[Suggestion, ...]:
        """Codes far from all other values."""
        if self.least is None or self.most is None:
            return ()
        found: list[Suggestion] = []
        for code, count in sorted(self.counts.items()):
            is_above = code > 0 and code >= _FARTHER * self.most and self.most > 0
            is_below = code < 0 <= self.least
            if count >= _LEAST and (is_above or is_below):
                found.append(_suggest(code, count, self.least, self.most))
        return tuple(found)


def see_all(frame: pl.DataFrame, seen: dict[int, Nines]) -> None:
    """Look at all numeric columns; bounds in one go, for most columns hold no code at all."""
    numeric = [i for i, kind in enumerate(frame.dtypes) if kind.is_numeric()]
    if not numeric:
        return
    part = frame.select(frame.columns[i] for i in numeric)
    lows, highs = part.select(pl.all().min()).row(0), part.select(pl.all().max()).row(0)
    for place, column, low, high in zip(numeric, part.get_columns(), lows, highs, strict=True):
        seen.setdefault(place, Nines()).see(column, low=low, high=high)


def _suggest(code: float, count: int, least: float, most: float) -> Suggestion:
    return Suggestion(
        f"{code:.0f}",
        count,
        Sentence(
            f"{code:.0f} revient {count} fois, loin des autres valeurs ({least:g} à {most:g}) : "
            "est-ce un code pour une valeur manquante?",
            f"{code:.0f} comes {count} times, far from the other values ({least:g} to {most:g}): "
            "is it a code for a missing value?",
        ),
    )
