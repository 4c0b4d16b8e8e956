"""What a generalised value says: which numbers an interval holds, which words a mask covers.

An attack that does not understand the released values fails by itself, and would make a bad
release look safe; so intervals, masks, sets and the levels of a hierarchy are understood here, and
what is not is counted (``Scale.understood``).
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime
from math import inf, nextafter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Hierarchy = "Sequence[Sequence[str]]"
"""Rows ``value, level 1, level 2, ...``, as in a hierarchy's CSV file."""

WILDCARDS: Final = frozenset({"", "*", "**", "***", "any", "tous", "toutes", "all"})
"""Labels that say nothing."""

_N: Final = r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
_NUMBER: Final = re.compile(rf"^({_N})$")
_BRACKETS: Final = re.compile(rf"^([\[\](])\s*({_N})?\s*[,;:]\s*({_N})?\s*([\[\])])$")
_RANGE: Final = re.compile(rf"^({_N})\s*(?:-|–|—|à|a|to|\.\.)\s*({_N})$")
_ABOVE: Final = re.compile(rf"^(≥|>=|>)\s*({_N})$")
_BELOW: Final = re.compile(rf"^(≤|<=|<)\s*({_N})$")
_MORE: Final = re.compile(rf"^({_N})\s*(?:\+|et plus|ou plus|and over|or more)$")
_MASK: Final = re.compile(r"^(\d+)(\*+)$")
_ISO: Final = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")
_QUARTER: Final = re.compile(r"^(\d{4})-[tq]([1-4])$")
_YEARS: Final = re.compile(r"^(\d{4})\s*-\s*(\d{4})$")
_DECADE: Final = re.compile(r"^(\d{1,3})(\*+)$")
_DATES: Final = re.compile(
    r"^[\[(]?\s*([\d-]{4,10})\s*(?:–|—|/|,|;|à|to)\s*([\d-]{4,10})\s*[\])\[]?$"
)

Span = tuple[float, float]


def number_span(label: str, whole: Span) -> Span | None:  # noqa: PLR0911  # one per shape
    """Smallest and largest number that ``label`` allows; None when it is not understood.

    Args:
        label: For example ``35``, ``30-39``, ``[30, 40[``, ``≥ 65``, ``3*``, ``*``.
        whole: Smallest and largest value of the column, for open ends.
    """
    text = label.strip().lower()
    if text in WILDCARDS:
        return whole
    if found := _NUMBER.match(text):
        return _float(found[1]), _float(found[1])
    if found := _BRACKETS.match(text):
        low = _float(found[2]) if found[2] else whole[0]
        high = _float(found[3]) if found[3] else whole[1]
        low = nextafter(low, inf) if found[1] in "](" and found[2] else low
        return low, nextafter(high, -inf) if found[4] in "[)" and found[3] else high
    if found := _RANGE.match(text):
        return _float(found[1]), _float(found[2])
    if found := _ABOVE.match(text):
        low = _float(found[2])
        return (nextafter(low, inf) if found[1] == ">" else low), max(low, whole[1])
    if found := _BELOW.match(text):
        high = _float(found[2])
        return min(high, whole[0]), (nextafter(high, -inf) if found[1] == "<" else high)
    if found := _MORE.match(text):
        return _float(found[1]), max(_float(found[1]), whole[1])
    if found := _MASK.match(text):
        width = 10 ** len(found[2])
        return float(int(found[1]) * width), float(int(found[1]) * width + width - 1)
    return None


def date_span(label: str, whole: Span) -> Span | None:
    """The same for dates, in days since 1970: ``1984``, ``1984-T2``, ``198*``, ``1980-1989``."""
    text = label.strip().lower()
    if text in WILDCARDS:
        return whole
    if found := _DECADE.match(text):
        width = 10 ** len(found[2])
        first = int(found[1]) * width
        if first < 1 or first + width > 10_000:  # noqa: PLR2004  # what a calendar holds
            return None
        return _days(first, 1, 1), _days(first + width - 1, 12, 31) + _LAST
    if single := _calendar(text):
        return single
    if found := _QUARTER.match(text):
        last = int(found[2]) * 3
        text = f"{found[1]}-{last - 2:02d}/{found[1]}-{last:02d}"
    elif found := _YEARS.match(text):
        text = f"{found[1]}/{found[2]}"
    if found := _DATES.match(text):
        low, high = _calendar(found[1]), _calendar(found[2])
        return (low[0], high[1]) if low and high else None
    return None


_LAST: Final = 1 - 1e-9
"""A day's last moment, in days."""


def _calendar(text: str) -> Span | None:
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day = int(found[1]), found[2], found[3]
    try:
        last = int(month or 12)
        end = int(day) if day else monthrange(year, last)[1]
        return _days(year, int(month or 1), int(day or 1)), _days(year, last, end) + _LAST
    except ValueError:
        return None


def _days(year: int, month: int, day: int) -> float:
    return datetime(year, month, day, tzinfo=UTC).timestamp() / 86_400


def _float(text: str) -> float:
    return float(text.replace(",", "."))


def covered_words(
    label: str, atoms: Mapping[str, int], levels: Mapping[str, frozenset[str]]
) -> list[int] | None:
    """Codes of the values that ``label`` may stand for; None when it is not understood.

    Args:
        label: A value as released.
        atoms: Codes of the values of the unprotected table.
        levels: For each generalised value of the hierarchy, the values under it.
    """
    text = label.strip()
    if label in levels:
        return [atoms[v] for v in levels[label] if v in atoms]
    if label in atoms:
        return [atoms[label]]
    if text.lower() in WILDCARDS:
        return list(atoms.values())
    if text.startswith("{") and text.endswith("}"):
        parts = [p.strip() for p in re.split(r"[,;|]", text[1:-1])]
        return [atoms[p] for p in parts if p in atoms]
    if "*" in text:
        shape = re.compile("".join("." if c == "*" else re.escape(c) for c in text))
        start = text.rstrip("*")
        fits = [c for v, c in atoms.items() if shape.fullmatch(v)]
        return fits or [c for v, c in atoms.items() if "*" not in start and v.startswith(start)]
    return None


def levels_of(hierarchy: Sequence[Sequence[str]]) -> dict[str, frozenset[str]]:
    """For each generalised value of a hierarchy, the values under it."""
    under: dict[str, set[str]] = {}
    for value, *levels in hierarchy:
        for level in levels:
            if level != value:
                under.setdefault(level, set()).add(value)
    return {level: frozenset(values) for level, values in under.items()}
