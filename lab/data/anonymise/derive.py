"""Hierarchies made from what a column is: numbers, dates, Canadian postal codes, regions."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

import polars as pl

from lab.data.anonymise.hierarchy import ROOT, Hierarchy, Label, Words, examples
from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ALL = Words(fr="tout", en="everything")
_RAW = Words(fr="valeur", en="value")
_MAX_LEVELS = 40

# Canada Post: D, F, I, O, Q and U are never used; W and Z never come first.
_POSTAL = re.compile(
    r"([ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z])(?:[ -]?([0-9][ABCEGHJ-NPRSTV-Z][0-9]))?"
)


def _texts(column: pl.Series) -> list[tuple[str, object]]:
    """Each distinct value that is not missing, with the text that stands for it."""
    values = column.drop_nulls().unique(maintain_order=True)
    return list(zip(values.cast(pl.String).to_list(), values.to_list(), strict=True))


def _wrong_kind(column: pl.Series, *, fr: str, en: str) -> DataError:
    return DataError(
        "wrong_column_type",
        fr=f"La colonne « {column.name} » ne contient pas {fr}.",
        en=f"The column “{column.name}” does not hold {en}.",
    )


def flat(column: pl.Series) -> Hierarchy:
    """Two levels: the value, then nothing."""
    rows: dict[Label, tuple[Label, ...]] = {text: (ROOT,) for text, _ in _texts(column)}
    return Hierarchy(name=column.name, labels=rows or {None: (ROOT,)}, levels=(_RAW, _ALL))


def numbers(column: pl.Series, *, width: float, branching: int = 2) -> Hierarchy:
    """Nested half-open intervals, ``width`` wide, then ``branching`` times wider at each level.

    The bounds are multiples of the width counted from zero, never the least or greatest value
    of the column: they tell nothing about anybody.

    Args:
        column: Integers or floats.
        width: Of the narrowest intervals, in the column's unit; more than 0.
        branching: How many intervals make one of the next level; 2 or more.

    Raises:
        DataError: ``wrong_column_type``, ``wrong_interval``, ``not_a_number``.
    """
    if not column.dtype.is_numeric():
        raise _wrong_kind(column, fr="de nombres", en="numbers")
    step = Decimal(str(width))
    if branching < 2 or not step.is_finite() or step <= 0:  # noqa: PLR2004 - a branch splits
        raise DataError(
            "wrong_interval",
            fr="La largeur des intervalles doit être positive et le regroupement d’au moins 2.",
            en="Intervals must have a positive width and be grouped at least by 2.",
        )
    exact = {text: Decimal(text) for text, _ in _texts(column)}
    if not all(value.is_finite() for value in exact.values()):
        raise DataError(
            "not_a_number",
            fr=f"La colonne « {column.name} » contient un infini ou une valeur non numérique.",
            en=f"The column “{column.name}” holds an infinity or a value that is no number.",
        )
    places = {t: int((v / step).to_integral_value(ROUND_FLOOR)) for t, v in exact.items()}
    levels: list[dict[str, str]] = []
    names = [_RAW]
    while len(levels) < _MAX_LEVELS:
        wide = step * branching ** len(levels)
        levels.append({text: _interval(place * wide, wide) for text, place in places.items()})
        names.append(Words(fr=f"intervalles de {wide:f}", en=f"intervals of {wide:f}"))
        # Intervals count from zero, so the two that touch it never merge: nothing is next.
        if len(set(places.values())) <= 1 or set(places.values()) == {-1, 0}:
            break
        places = {text: place // branching for text, place in places.items()}
    rows: dict[Label, tuple[Label, ...]] = {
        text: (*(level[text] for level in levels), ROOT) for text in exact
    }
    if not rows:
        return Hierarchy(name=column.name, labels={None: (ROOT,)}, levels=(_RAW, _ALL))
    return Hierarchy(name=column.name, labels=rows, levels=(*names, _ALL))


def dates(column: pl.Series) -> Hierarchy:
    """Day, month, quarter, year, decade, nothing; an instant starts one level lower.

    Raises:
        DataError: ``wrong_column_type``.
    """
    if column.dtype != pl.Date and not isinstance(column.dtype, pl.Datetime):
        raise _wrong_kind(column, fr="de dates", en="dates")
    instants = column.dtype != pl.Date
    names = [
        Words(fr="jour", en="day"),
        Words(fr="mois", en="month"),
        Words(fr="trimestre", en="quarter"),
        Words(fr="année", en="year"),
        Words(fr="décennie", en="decade"),
        _ALL,
    ]
    rows: dict[Label, tuple[Label, ...]] = {}
    for text, value in _texts(column):
        if isinstance(value, date | datetime):
            day = (value.strftime("%Y-%m-%d"),) if instants else ()
            rows[text] = (*day, *_calendar(value), ROOT)
    if not rows:
        rows = {None: (None,) * (len(names) - 2 + instants) + (ROOT,)}
    first = [Words(fr="instant", en="instant")] if instants else []
    return Hierarchy(name=column.name, labels=rows, levels=(*first, *names))


def postal_codes(column: pl.Series) -> Hierarchy:
    """Six characters, three (sorting area), one (district), nothing.

    Raises:
        DataError: ``wrong_column_type``, ``not_a_postal_code``.
    """
    if column.dtype != pl.String:
        raise _wrong_kind(column, fr="de textes", en="texts")
    rows: dict[Label, tuple[Label, ...]] = {}
    wrong: list[Label] = []
    for text, _ in _texts(column):
        code = _POSTAL.fullmatch(text.strip().upper())
        if code is None:
            wrong.append(text)
        else:
            rows[text] = (code[1], code[1][0], ROOT)
    if wrong:
        raise DataError(
            "not_a_postal_code",
            fr=f"Colonne « {column.name} » : {len(wrong)} valeurs distinctes ne sont pas des "
            f"codes postaux canadiens (masquées : {examples(wrong)}).",
            en=f"Column “{column.name}”: {len(wrong)} distinct values are not Canadian postal "
            f"codes (masked: {examples(wrong)}).",
        )
    names = (
        Words(fr="code postal", en="postal code"),
        Words(fr="région de tri d’acheminement", en="forward sortation area"),
        Words(fr="district postal", en="postal district"),
        _ALL,
    )
    nothing: dict[Label, tuple[Label, ...]] = {None: (None, None, ROOT)}
    return Hierarchy(name=column.name, labels=rows or nothing, levels=names)


def regions(name: str, mapping: Mapping[str, str | Sequence[str]]) -> Hierarchy:
    """A place, what it lies in (one or several levels, given), nothing.

    Raises:
        DataError: Those of ``Hierarchy``.
    """
    rows: dict[Label, tuple[Label, ...]] = {
        place: (*((within,) if isinstance(within, str) else within), ROOT)
        for place, within in mapping.items()
    }
    return Hierarchy(name=name, labels=rows or {None: (ROOT,)})


def _interval(start: Decimal, wide: Decimal) -> str:
    return f"[{start.normalize():f}, {(start + wide).normalize():f}["


def _calendar(day: date) -> tuple[str, ...]:
    quarter = (day.month - 1) // 3 + 1
    decade = day.year // 10 * 10
    return (
        f"{day.year:04d}-{day.month:02d}",
        f"{day.year:04d}-T{quarter}",
        f"{day.year:04d}",
        f"{decade:04d}-{decade + 9:04d}",
    )
