"""What is counted in a batch of distinct values, by whole-column expressions.

A frame of distinct values has the columns ``v`` (the value, trimmed, with plain spaces
and dashes), ``f`` (folded: lower case, no accents), ``size`` (characters), ``digits``
(how many) and ``n`` (how many rows hold it).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from lab.data.detect import checks, patterns
from lab.data.detect.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_V, _F = pl.col("v"), pl.col("f")
_NO_END: Final = 2**32 - 1
_X, _Y, _Z = pl.col("x"), pl.col("y"), pl.col("z")


@dataclass(frozen=True, slots=True)
class Probe:
    """How one kind is looked for.

    Attributes:
        kind: What it finds.
        gate: Cheap expression without which nothing can be found; keeps most values out.
        counts: Expressions that are counted, by name; ``hit`` is there always.
        parts: Columns that are made first, in order, for ``counts``.
    """

    kind: Kind
    gate: pl.Expr
    counts: Mapping[str, pl.Expr]
    parts: Mapping[str, pl.Expr] = field(default_factory=dict[str, pl.Expr])


def _match(pattern: str, column: pl.Expr = _V) -> pl.Expr:
    return column.str.contains(pattern)


def _digits(least: int, most: int = _NO_END) -> pl.Expr:
    return pl.col("digits").is_between(least, most)


def _size(least: int, most: int = _NO_END) -> pl.Expr:
    return pl.col("size").is_between(least, most)


def _count(pattern: str) -> pl.Expr:
    return _V.str.count_matches(pattern)


def _only_digits(pattern: str) -> pl.Expr:
    return _V.str.extract(pattern, 1).str.replace_all(r"[^0-9]", "")


def _holds(text: str) -> pl.Expr:
    return _V.str.contains(text, literal=True)


def _number(pattern: str) -> pl.Expr:
    return (
        _V.str
        .extract(pattern, 1)
        .str.replace(",", ".", literal=True)
        .cast(pl.Float64, strict=False)
    )


def is_latitude(number: pl.Expr) -> pl.Expr:
    """Say whether a number may be a latitude in Canada (41.6 to 83.2 degrees north)."""
    return number.is_between(41.6, 83.2)


def is_longitude(number: pl.Expr) -> pl.Expr:
    """Say whether a number may be a longitude in Canada (52.6 to 141.1 degrees west)."""
    return number.is_between(-141.1, -52.6)


_SHAPED_9 = _X.is_not_null()
_NAM, _CODE = checks.is_nam_date(_Y), checks.is_permanent_code_date(_Y)
_LETTERS_8 = {
    "x": _V.str.extract(patterns.LETTERS_8, 1).str.to_uppercase(),
    "y": _only_digits(patterns.DIGITS_8),
}
_TYPED_NAME = _match(patterns.NAME)
_NOT_A_PLACE = ~_match(patterns.SAINT, _F) & ~_match(patterns.ORGANISATION, _F)

PROBES: tuple[Probe, ...] = (
    # Canada Revenue Agency: nine digits, Luhn; a first digit 9 is of a temporary resident,
    # 0 is no SIN (tax numbers begin so), 8 is not given out.
    Probe(
        Kind.NAS,
        _digits(9) & _size(9),
        {
            "shaped": _SHAPED_9,
            "hit": (luhn := checks.is_luhn(_X, count=9)),
            "temporary": luhn & _X.str.starts_with("9"),
            "unassigned": luhn & _X.str.contains("^[08]"),
        },
        {"x": _only_digits(patterns.NINE)},
    ),
    Probe(
        Kind.CARD,
        _digits(14),
        {"shaped": _SHAPED_9, "hit": checks.is_card(_X)},
        {"x": _only_digits(patterns.CARD)},
    ),
    Probe(
        Kind.NEQ,
        _digits(10),
        {"shaped": _size(10, 20), "hit": _X.is_not_null()},
        {"x": _only_digits(patterns.NEQ)},
    ),
    Probe(
        Kind.PHONE,
        _digits(7, 40),
        {
            "shaped": _digits(10),
            "hit": (dialled := checks.is_nanp(_X, _Y)),
            "canada": dialled & _X.is_in(checks.CANADA_AREA_CODES),
            "parted": dialled & _match(patterns.PHONE_PARTED),
            "local": _match(patterns.PHONE_LOCAL),
        },
        {
            "x": _V.str.extract(patterns.PHONE, 1),
            "y": _V.str.extract(patterns.PHONE, 2),
        },
    ),
    Probe(
        Kind.NAM,
        _digits(8) & _size(12),
        {
            "shaped": _Y.is_not_null(),
            "hit": _NAM,
            "both": _NAM & _CODE,
            "checked": _NAM & checks.is_nam_checked(_X, _Y),
        },
        _LETTERS_8,
    ),
    Probe(
        Kind.PERMANENT_CODE,
        _digits(8) & _size(12),
        {"shaped": _Y.is_not_null(), "hit": _CODE, "both": _NAM & _CODE},
        _LETTERS_8,
    ),
    # The middle six digits are the birth date (day, month, year) on the licences one sees;
    # the SAAQ does not publish it, so it raises the confidence only.
    Probe(
        Kind.LICENCE,
        _digits(12),
        {
            "hit": _X.is_not_null(),
            "dated": _X.str.slice(4, 2).cast(pl.Int32, strict=False).is_between(1, 31)
            & _X.str.slice(6, 2).cast(pl.Int32, strict=False).is_between(1, 12),
        },
        {"x": _only_digits(patterns.LICENCE)},
    ),
    Probe(
        Kind.POSTAL_CODE,
        _digits(3) & _size(6),
        {"hit": (postal := _match(patterns.POSTAL_CODE)), "whole": postal & _size(0, 9)},
    ),
    Probe(
        Kind.POSTAL_PREFIX,
        _size(3, 3) & _digits(1, 1),
        {"hit": _match(patterns.POSTAL_PREFIX), "quebec": _match("^[GHJghj]")},
    ),
    Probe(Kind.EMAIL, _holds("@"), {"hit": _match(patterns.EMAIL)}),
    Probe(Kind.URL, _holds("://") | _holds("."), {"hit": _match(patterns.URL)}),
    Probe(
        Kind.IP,
        _digits(4) & _holds("."),
        {
            "hit": _X.is_not_null(),
            "high": _match(patterns.OCTET_OVER_31, _X),
            "v4": _X.is_not_null(),
        },
        {"x": _V.str.extract(patterns.IPV4, 1)},
    ),
    Probe(
        Kind.IP,
        _holds(":") & _size(0, 50),
        {"hit": (v6 := _match(patterns.IPV6)), "high": v6},
    ),
    Probe(
        Kind.PLATE,
        _digits(1, 6) & _size(0, 9),
        {
            "hit": _match(patterns.PLATE),
            "old": _match(patterns.PLATE_OLD),
            "short": _size(2) & _match(r"^[A-Za-z0-9 \-]+$"),
        },
    ),
    Probe(
        Kind.GPS,
        _digits(6) & _size(6) & (_holds(".") | _holds(",") | _holds("°")),
        {
            "hit": (is_latitude(_X) & is_longitude(_Y))
            | (is_latitude(_Y) & is_longitude(_X))
            | _match(patterns.DEGREES),
            "latitude": is_latitude(_Z),
            "longitude": is_longitude(_Z),
        },
        {
            "x": _number(patterns.PAIR),
            "y": _number(patterns.PAIR_SECOND),
            "z": _number(patterns.DECIMAL_4),
        },
    ),
    Probe(
        Kind.DATE,
        _digits(3, 20) & _size(4, 36),
        {
            "hit": _match(patterns.DATE, _F),
            "year": _match(patterns.YEAR),
        },
    ),
    Probe(
        Kind.ADDRESS,
        _digits(1) & _size(6),
        {
            "hit": _match(patterns.ADDRESS, _F) | _match(patterns.ADDRESS_BOX, _F),
            "loose": _match(patterns.ADDRESS_LOOSE, _F),
        },
    ),
    Probe(
        Kind.NAME,
        _digits(0, 0) & _size(2, 60),
        {
            "hit": (typed := _TYPED_NAME & _NOT_A_PLACE)
            & (
                (first := _match(patterns.FIRST_NAME, _F)) | (last := _match(patterns.SURNAME, _F))
            ),
            "full": typed & first & last,
            "shaped": typed,
        },
    ),
    Probe(
        Kind.FREE_TEXT,
        _size(12),
        {
            "hit": _size(40) & (_count(r"\S+").is_between(8, _NO_END)),
            "worded": _count(r"\p{L}{2,}").is_between(3, _NO_END),
        },
    ),
    Probe(
        Kind.FILE_NUMBER,
        _digits(1),
        {"hit": _match(patterns.FILE_CODE, _F) & _size(0, 40), "uuid": _match(patterns.UUID)},
    ),
)
