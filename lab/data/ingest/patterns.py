"""How Quebec and its neighbours write numbers, dates, yes and no, and nothing at all.

Every test is a polars expression over a text column already stripped of spaces at both ends.
"""

from __future__ import annotations

from enum import StrEnum

import polars as pl

SPACES = " \t\u00a0\u202f\u2009"  # no-break, narrow no-break and thin spaces group digits
_S = "[ \u00a0\u202f\u2009]"
_SIGN = "[+\\-\u2212]?"  # U+2212 is the minus sign that word processors put
_EXP = "(?:[eE][+\\-]?[0-9]{1,3})?"

MISSING = frozenset(
    {
        "n/d", "n.d.", "nd", "s.o.", "s.o", "s/o", "..", "...", "na", "n/a", "#n/a", "-",
        "\u2013", "\u2014", "null", "nan",
    }
)  # fmt: skip
"""Codes for missing values, in lower case: those of the Institut de la statistique du Québec
and Statistics Canada's tables (``..``, ``...``), and of the tools that write CSV. Their ``x``
(confidential) and ``F`` (unreliable) are left out: they are also letters of real lists."""
LONGEST_MISSING = 5  # bytes of the longest code, with room for spaces around it below
TRUTHS = (("oui", "non"), ("vrai", "faux"), ("true", "false"), ("yes", "no"), ("o", "n"))


class Marks(StrEnum):
    """How a column writes numbers: what groups digits, then what marks decimals."""

    FRENCH = "space_comma"
    ENGLISH = "comma_point"
    PLAIN = "space_point"
    GERMAN = "point_comma"


_GROUPED = {
    Marks.FRENCH: (f"[0-9]{{1,3}}(?:{_S}[0-9]{{3}})+", ","),
    Marks.ENGLISH: ("[1-9][0-9]{0,2}(?:,[0-9]{3})+", "\\."),
    Marks.PLAIN: (f"[0-9]{{1,3}}(?:{_S}[0-9]{{3}})+", "\\."),
    Marks.GERMAN: ("[1-9][0-9]{0,2}(?:\\.[0-9]{3})+", ","),
}
NUMBER = {
    marks: f"^{_SIGN}(?:(?:[0-9]+|{grouped})(?:{mark}[0-9]+)?|{mark}[0-9]+){_EXP}$"
    for marks, (grouped, mark) in _GROUPED.items()
}
AMBIGUOUS_COMMA = f"^{_SIGN}[1-9][0-9]{{0,2}},[0-9]{{3}}$"
LEADING_ZERO = f"^{_SIGN}0[0-9]"
BARE_EXPONENT = "^[^.,+\\-\u2212]*[eE][0-9]+$"  # 12E5 is more often a code than a number
_CURRENCY = "CA\\$|\\$|€"
PREFIX = f"^({_SIGN})(?:{_CURRENCY}){_S}*"
SUFFIX = f"{_S}*(?:\\${_S}?CA|{_CURRENCY}|%)$"
UNITS = {"$": "\\$", "€": "€", "%": "%$"}

ISO_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
ISO_SLASH = "^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}$"
ISO_TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?$"
ISO_ZONED = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{1,9})?"
    "(?:Z|[+\\-][0-9]{2}:?[0-9]{2})$"
)
DIGITS_DATE = "^[0-9]{1,2}[/.\\-][0-9]{1,2}[/.\\-][0-9]{4}$"
DIGITS_TIME = "^[0-9]{1,2}[/.\\-][0-9]{1,2}[/.\\-][0-9]{4} [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?$"
SHORT_YEAR = "^[0-9]{1,2}[/.\\-][0-9]{1,2}[/.\\-][0-9]{2}$"
LONG_DATE = (
    "^(?:(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche),?[ \u00a0])?"
    "([0-9]{1,2})(?:er)?[ \u00a0]([a-zéûA-ZÉÛ]+)\\.?[ \u00a0]([0-9]{4})$"
)
_MONTHS = {
    1: "janvier janv jan january",
    2: "février fevrier févr fevr fév fev february feb",
    3: "mars mar march",
    4: "avril avr april apr",
    5: "mai may",
    6: "juin june jun",
    7: "juillet juil july jul",
    8: "août aout august aug",
    9: "septembre sept september sep",
    10: "octobre oct october",
    11: "novembre nov november",
    12: "décembre decembre déc dec december",
}
MONTHS = {name: month for month, names in _MONTHS.items() for name in names.split()}


def without_unit(text: pl.Expr) -> pl.Expr:
    """Take a currency or percent sign off, and the spaces that hold it."""
    return text.str.replace(PREFIX, "$1").str.replace(SUFFIX, "")


def digits_only(core: pl.Expr, marks: Marks, *, is_grouped: bool) -> pl.Expr:
    """Write numbers as machines do: no groups, a point, a hyphen for minus.

    Args:
        core: Stripped, without a unit.
        marks: How they are written.
        is_grouped: Whether some hold spaces or another minus sign than the hyphen.
    """
    plain = core.str.replace("\u2212", "-", literal=True) if is_grouped else core
    if marks in {Marks.FRENCH, Marks.PLAIN}:
        plain = plain.str.replace_all(_S, "") if is_grouped else plain
    elif marks is Marks.ENGLISH:
        plain = plain.str.replace_all(",", "", literal=True)
    else:
        plain = plain.str.replace_all(".", "", literal=True)
    if marks in {Marks.FRENCH, Marks.GERMAN}:
        plain = plain.str.replace(",", ".", literal=True)
    return plain.str.strip_prefix("+")


def digits_date(text: pl.Expr, *, is_day_first: bool, has_time: bool) -> pl.Expr:
    """Read 03/04/2024, with a time or not; null where there is no such day."""
    parts = "([0-9]{1,2})[/.\\-]([0-9]{1,2})[/.\\-]([0-9]{4})"
    year = text.str.extract(parts, 3).cast(pl.Int32)
    one, two = (text.str.extract(parts, i).cast(pl.Int8) for i in (1, 2))
    day, month = (one, two) if is_day_first else (two, one)
    if not has_time:
        return _date(year, month, day)
    hour, minute, second = (
        text.str.extract(" ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?$", i).cast(pl.Int8)
        for i in (1, 2, 3)
    )
    return _moment(_date(year, month, day), hour, minute, second.fill_null(0))


def long_date(text: pl.Expr) -> pl.Expr:
    """Read 3 mars 2024, 1er avril 2024, 3 avr. 2024; null where there is no such day."""
    day = text.str.extract(LONG_DATE, 1).cast(pl.Int8)
    word = text.str.extract(LONG_DATE, 2).str.to_lowercase()
    month = word.replace_strict(MONTHS, default=None, return_dtype=pl.Int8)
    return _date(text.str.extract(LONG_DATE, 3).cast(pl.Int32), month, day)


def iso_moment(text: pl.Expr) -> pl.Expr:
    """Read 2024-03-03T12:30, with seconds or not; null where there is no such time."""
    plain = text.str.replace("T", " ", literal=True).str.replace(",", ".", literal=True)
    whole = pl.when(plain.str.len_bytes() == 16).then(plain + ":00").otherwise(plain)  # noqa: PLR2004  YYYY-MM-DD HH:MM
    return whole.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)


def iso_zoned(text: pl.Expr) -> pl.Expr:
    """Read times with their offset from UTC, as UTC."""
    plain = text.str.replace(" ", "T", literal=True)
    return plain.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)


def _iso_date(text: pl.Expr) -> pl.Expr:
    return text.str.to_date("%Y-%m-%d", strict=False)


def _iso_slash(text: pl.Expr) -> pl.Expr:
    return text.str.to_date("%Y/%m/%d", strict=False)


READERS = {
    "iso_date": _iso_date,
    "iso_slash": _iso_slash,
    "long_date": long_date,
    "iso_time": iso_moment,
    "iso_zoned": iso_zoned,
}
"""Dates that read in one way only; null where there is no such day."""


def _date(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Make dates; null where there is no such day (31 April, 29 February 2023)."""
    joined = pl.concat_str(
        year.cast(pl.String).str.zfill(4),
        month.cast(pl.String).str.zfill(2),
        day.cast(pl.String).str.zfill(2),
        separator="-",
    )
    return joined.str.to_date("%Y-%m-%d", strict=False)


def _moment(date: pl.Expr, hour: pl.Expr, minute: pl.Expr, second: pl.Expr) -> pl.Expr:
    is_real = (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004  of a day
    length = pl.duration(
        hours=hour.cast(pl.Int64), minutes=minute.cast(pl.Int64), seconds=second.cast(pl.Int64)
    )
    return pl.when(is_real).then(date.cast(pl.Datetime("us")) + length)
