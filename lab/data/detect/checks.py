"""Arithmetic of published numbers, as expressions over whole columns.

Every function takes expressions and gives one: nothing here runs cell by cell.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Final

import polars as pl

LUHN_DIGITS: Final = 19
"""The longest number that ISO/IEC 7812-1 allows, check digit included."""

_CANADA: Final = (
    "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 "
    "450 468 474 506 514 519 548 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 "
    "780 782 807 819 825 867 873 879 902 905 942"
)
CANADA_AREA_CODES: Final = tuple(_CANADA.split())
"""Area codes in use in Canada (Canadian Numbering Administrator, cnac.ca; CRTC)."""


_NAM_LETTERS: Final = {
    letter: (code % 10)
    for letters, first in (("ABCDEFGHI", 193), ("JKLMNOPQR", 209), ("STUVWXYZ", 226))
    for code, letter in enumerate(letters, first)
}
_NAM_WEIGHTS: Final = (1, 3, 7, 9, 1, 7, 1, 3, 4, 5, 7, 6, 9, 1)
_MALE, _FEMALE = 212 % 10, 198 % 10
"""EBCDIC codes of M and F, of which only the units count."""


def is_luhn(digits: pl.Expr, *, count: int = LUHN_DIGITS) -> pl.Expr:
    """Say whether strings of digits pass the Luhn check.

    Source: ISO/IEC 7812-1, annex B. Used by the social insurance number (Canada
    Revenue Agency, *Validating a SIN*) and by payment cards.

    Args:
        digits: Strings of ASCII digits only, at most ``count`` long; null gives null.
        count: Positions to look at; a shorter number is as one with zeros in front.
    """
    number = digits.cast(pl.UInt64, strict=False)
    terms = []
    for place in range(count):
        digit = (number // pl.lit(10**place, dtype=pl.UInt64)) % 10
        if place % 2:
            double = digit * 2
            digit = double - (double > 9).cast(pl.UInt64) * 9  # noqa: PLR2004  # 9: its digits add up
        terms.append(digit)
    # All zeros pass the arithmetic and are nobody's number.
    return (reduce(add, terms) % 10 == 0) & (number > 0)


def is_card(digits: pl.Expr) -> pl.Expr:
    """Say whether the digits begin and end as a payment card's of a known network.

    Source: ISO/IEC 7812-1 (issuer identification numbers, Luhn); ranges published by
    Visa (4), Mastercard (51–55, 2221–2720), American Express (34, 37), Discover (6011,
    644–649, 65), Diners (300–305, 36, 38–39), JCB (3528–3589) and UnionPay (62).
    """
    size = digits.str.len_bytes()
    two = digits.str.slice(0, 2).cast(pl.UInt16, strict=False)
    three = digits.str.slice(0, 3).cast(pl.UInt16, strict=False)
    four = digits.str.slice(0, 4).cast(pl.UInt16, strict=False)
    sixteen = size == 16  # noqa: PLR2004  # the usual length
    known = (
        (digits.str.starts_with("4") & size.is_in([16, 19]))
        | ((two.is_between(51, 55) | four.is_between(2221, 2720)) & sixteen)
        | (two.is_in([34, 37]) & (size == 15))  # noqa: PLR2004  # American Express
        | ((four == 6011) | three.is_between(644, 649) | two.is_in([65, 62]))  # noqa: PLR2004
        & size.is_between(16, 19)
        | (four.is_between(3528, 3589) & size.is_between(16, 19))
        | ((three.is_between(300, 305) | two.is_in([36, 38, 39])) & size.is_between(14, 19))
    )
    return known & is_luhn(digits)


def is_nam_date(digits: pl.Expr) -> pl.Expr:
    """Say whether eight digits hold a birth date as a health insurance number does.

    Source: Régie de l'assurance maladie du Québec, *The Health Insurance Card*: two
    digits of the year, the month (50 is added for women), the day, two of the Régie.
    """
    month, day = _two(digits, 2), _two(digits, 4)
    return (month.is_between(1, 12) | month.is_between(51, 62)) & day.is_between(1, 31)


def is_permanent_code_date(digits: pl.Expr) -> pl.Expr:
    """Say whether eight digits hold a birth date as a permanent code does.

    Source: ministère de l'Éducation du Québec, *Code permanent* (12 characters: three
    letters of the name, one of the first name, the day (62 is added for girls), the
    month, the year, two digits of the ministry). Day and year stand the other way
    round than in a health insurance number, which adds to the month instead.
    """
    day, month = _two(digits, 0), _two(digits, 2)
    return (day.is_between(1, 31) | day.is_between(63, 93)) & month.is_between(1, 12)


def is_nam_checked(letters: pl.Expr, digits: pl.Expr) -> pl.Expr:
    """Say whether the last digit is what the known sum gives, for either century.

    Source: none that is official. The rule (units of the EBCDIC codes of name, full
    year, sex, month, day and rank, with weights) circulates among those who exchange
    files with the Régie; agreement raises confidence, disagreement clears nothing.

    Args:
        letters: Four capital ASCII letters.
        digits: Eight digits.
    """
    month = _two(digits, 2)
    woman = month > 50  # noqa: PLR2004  # added to a woman's month
    plain = month - woman.cast(pl.Int32) * 50
    names = [
        letters.str.slice(at, 1).replace_strict(
            list(_NAM_LETTERS), list(_NAM_LETTERS.values()), default=None, return_dtype=pl.Int32
        )
        for at in range(4)
    ]
    year = [_one(digits, 0), _one(digits, 1)]
    sex = pl.when(woman).then(_FEMALE).otherwise(_MALE)
    rest = [plain // 10, plain % 10, _one(digits, 4), _one(digits, 5), _one(digits, 6)]

    def passes(century: int) -> pl.Expr:
        values = [*names, pl.lit(century // 10), pl.lit(century % 10), *year, sex, *rest]
        total = reduce(add, (v * w for v, w in zip(values, _NAM_WEIGHTS, strict=True)))
        return total % 10 == _one(digits, 7)

    return passes(19) | passes(20)


def is_nanp(area: pl.Expr, exchange: pl.Expr) -> pl.Expr:
    """Say whether area code and exchange may be dialled in North America.

    Source: North American Numbering Plan Administrator: neither begins by 0 or 1,
    neither ends by 11 (those are services).
    """
    return ~area.str.ends_with("11") & ~exchange.str.ends_with("11")


def _two(digits: pl.Expr, at: int) -> pl.Expr:
    return digits.str.slice(at, 2).cast(pl.Int32, strict=False)


def _one(digits: pl.Expr, at: int) -> pl.Expr:
    return digits.str.slice(at, 1).cast(pl.Int32, strict=False)
