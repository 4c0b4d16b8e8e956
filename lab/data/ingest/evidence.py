"""What all the values of a column show, gathered batch after batch.

A column begins with every reading possible (each way to write numbers, dates, truths); a reading
that one value does not fit is dropped for good, so that a batch costs only what is still open.
Values that repeat are looked at once.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from lab.data.ingest import patterns
from lab.data.ingest.patterns import Marks

if TYPE_CHECKING:
    from collections.abc import Callable

_DATES = {
    "iso_date": patterns.ISO_DATE,
    "iso_slash": patterns.ISO_SLASH,
    "iso_time": patterns.ISO_TIME,
    "iso_zoned": patterns.ISO_ZONED,
    "digits_date": patterns.DIGITS_DATE,
    "digits_time": patterns.DIGITS_TIME,
    "long_date": patterns.LONG_DATE,
}
_TRUTHS = {f"truth_{yes}": (yes, no) for yes, no in patterns.TRUTHS}
_ALL = (*(str(m) for m in Marks), *_DATES, *_TRUTHS)
_SAMPLE = 2_000
_GLANCE = 20
PLAIN_INTEGER = "^-?[1-9][0-9]{0,17}$|^0$"
_LONG = 16
"""Characters past which a number's digits are counted one by one."""


def _number_shape(marks: Marks) -> Callable[[str], object]:
    shape = re.compile(patterns.NUMBER[marks])
    return lambda value: shape.match(
        re.sub(patterns.SUFFIX, "", re.sub(patterns.PREFIX, r"\1", value, count=1), count=1)
    )


_SHAPES: dict[str, Callable[[str], object]] = {
    **{str(marks): _number_shape(marks) for marks in Marks},
    **{test: re.compile(shape).match for test, shape in _DATES.items()},
    **{
        test: (lambda value, pair=pair: value.lower() in pair)  # type: ignore[misc]
        for test, pair in _TRUTHS.items()
    },
}


@dataclass(slots=True)
class Evidence:
    """What was seen of one text column.

    Attributes:
        nulls: Empty cells.
        codes: Codes for missing values, as written, with their counts.
        values: Cells that are neither.
        formulas: Values beginning with = + - @ that are no numbers.
        live: Readings that every value fits so far.
        facts: Counts by fact: ``leading_zero``, ``comma``, ``day_first``, …
        longest: Digits of the longest number.
        truths: Truth values seen, in lower case.
        nearest: Reading that most values fit when the last one was dropped.
        misfit_row: First data row, from 1, that did not fit it.
    """

    nulls: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    values: int = 0
    formulas: int = 0
    live: set[str] = field(default_factory=lambda: set(_ALL))
    facts: Counter[str] = field(default_factory=Counter)
    longest: int = 0
    truths: set[str] = field(default_factory=set)
    nearest: str | None = None
    misfit_row: int | None = None

    def see(self, column: pl.Series, *, first_row: int) -> None:
        """Look at the next rows; ``first_row`` is the number of the first, from 1."""
        self.nulls += column.null_count()
        filled = column.drop_nulls()
        if filled.is_empty():
            return
        if not self.live:
            self._see_text(filled)
            return
        seen = _distinct(filled).with_columns(_strip(pl.col("v")))
        codes = _codes_in(seen)
        if codes.height:
            self._count_codes(codes)
            seen = seen.filter(~is_missing_code())
        total = int(seen["n"].sum())
        if total == 0:
            return
        if not self.values:
            self.live = _still_open(seen["v"].head(_GLANCE).to_list())
        before = set(self.live)
        fits = self._try_all(seen)
        self.live = {test for test in before if fits.get(test, 0) == total}
        if not self.live:
            self._count_formulas(seen)  # no number and no date looks like one
            best = max(before, key=lambda test: (fits.get(test, 0), test))
            if self.values or fits.get(best, 0) * 2 >= total:
                self.nearest = best
                self.misfit_row = first_row + self._first_misfit(column, best)
        self.values += total

    @property
    def may_be_integers(self) -> bool:
        """Whether nothing but plain integers was seen so far."""
        return Marks.PLAIN in self.live and not self.facts["rest"]

    def take_integers(self, *, values: int, nulls: int) -> None:
        """Count rows known to hold plain integers only."""
        self.nulls += nulls
        if values:
            self.live &= {str(marks) for marks in Marks}
            self.values += values
            self.facts["unit_none"] += values
            self.longest = max(self.longest, 18)

    def _see_text(self, filled: pl.Series) -> None:
        """Look at a column known to be text: only for codes and formulas."""
        seen = _distinct(filled)
        codes = _codes_in(seen.with_columns(_strip(pl.col("v"))))
        found = int(codes["n"].sum())
        self._count_codes(codes)
        self._count_formulas(seen)
        self.values += filled.len() - found

    def _count_codes(self, codes: pl.DataFrame) -> None:
        for code, count in codes.group_by("v").agg(pl.col("n").sum()).iter_rows():
            self.codes[code] += count

    def _count_formulas(self, seen: pl.DataFrame) -> None:
        starts = seen.filter(pl.col("v").str.contains("^[=+\\-@\t\r]"))
        if starts.is_empty():
            return
        starts = starts.with_columns(_strip(pl.col("v"))).filter(~is_missing_code())
        core = patterns.without_unit(pl.col("v"))
        is_number = pl.any_horizontal(core.str.contains(p) for p in patterns.NUMBER.values())
        self.formulas += int(starts.filter(~is_number)["n"].sum())

    def _try_all(self, seen: pl.DataFrame) -> dict[str, int]:
        marks = [m for m in Marks if m in self.live]
        fits: dict[str, int] = self._try_numbers(seen, marks) if marks else {}
        others = [t for t in self.live if t in _DATES or t in _TRUTHS]
        if others:
            row = seen.select(
                **{t: (fit_mask(t) * pl.col("n")).sum() for t in others},
            ).row(0, named=True)
            fits |= {test: int(count or 0) for test, count in row.items()}
        for test in ("digits_date", "digits_time"):
            if fits.get(test):
                self._weigh_days(seen, test)
        if any(fits.get(t) for t in _TRUTHS):
            self.truths |= set(seen["v"].str.to_lowercase().head(10).to_list())
        if self.live & {"digits_date", "iso_date", "iso_slash"} and not self.values:
            self.facts["short_year"] += _sum(seen, pl.col("v").str.contains(patterns.SHORT_YEAR))
        return fits

    def _try_numbers(self, seen: pl.DataFrame, marks: list[Marks]) -> dict[str, int]:
        """Count what fits each way to write numbers; plain integers fit them all."""
        is_pure = seen["v"].str.contains(PLAIN_INTEGER)
        pure = int(seen["n"].filter(is_pure).sum())
        self.facts["unit_none"] += pure
        self.longest = max(self.longest, 18 if pure else 0)
        rest = seen.filter(~is_pure)
        if rest.is_empty():
            return dict.fromkeys(map(str, marks), pure)
        self.facts["rest"] += 1
        units = self._see_units(rest)
        signed = sum(units.values())
        if signed:
            rest = rest.with_columns(patterns.without_unit(pl.col("v")))
        v, n = pl.col("v"), pl.col("n")
        masks = {str(m): (v.str.contains(patterns.NUMBER[m]) * n).sum() for m in marks}
        fits = rest.select(**masks).row(0, named=True)
        if any(fits.values()):
            self._see_facts(rest, marks)
            self.facts.update({f"unit_{u}": count for u, count in units.items()})
            self.facts["unit_none"] += int(rest["n"].sum()) - signed
        return {str(m): pure + int(fits[str(m)]) for m in marks}

    def _see_units(self, rest: pl.DataFrame) -> dict[str, int]:
        signs = rest.filter(pl.col("v").str.contains("[$€%]"))
        if signs.is_empty():
            return {}
        return {u: _sum(signs, pl.col("v").str.contains(p)) for u, p in patterns.UNITS.items()}

    def _see_facts(self, rest: pl.DataFrame, marks: list[Marks]) -> None:
        """Count what tells one way to write numbers from another, and only while it matters."""
        v = pl.col("v")
        wanted = {"leading_zero": v.str.contains(patterns.LEADING_ZERO)}
        if not self.facts["power"]:
            wanted["power"] = v.str.contains("[eE]")
        if not self.facts["comma"] and marks != [Marks.PLAIN]:
            wanted["comma"] = v.str.contains(",", literal=True)
        if not self.facts["point"] and marks != [Marks.FRENCH]:
            wanted["point"] = v.str.contains(".", literal=True)
        if not self.facts["grouped"]:
            wanted["grouped"] = v.str.contains("[^0-9.,eE+\\-]")
        if Marks.ENGLISH in marks and {Marks.FRENCH, Marks.GERMAN} & set(marks):
            wanted["ambiguous"] = v.str.contains(patterns.AMBIGUOUS_COMMA)
        row = rest.select(
            length=v.str.len_bytes().max(),
            **{fact: (mask * pl.col("n")).sum() for fact, mask in wanted.items()},
        ).row(0, named=True)
        length = int(row.pop("length"))
        self.facts.update({fact: int(count) for fact, count in row.items()})
        if self.facts["power"]:
            self.facts["bare_power"] += _sum(rest, v.str.contains(patterns.BARE_EXPONENT))
        if length > _LONG:
            digits = rest.select(v.str.replace_all("[eE].*|[^0-9]", "").str.len_bytes().max())
            length = int(digits.item())
        self.longest = max(self.longest, length)

    def _weigh_days(self, seen: pl.DataFrame, test: str) -> None:
        """Count the dates that exist with the day first, with the month first, and differ."""
        has_time = test == "digits_time"
        fit = seen.filter(pl.col("v").str.contains(_DATES[test])).select(
            "n",
            dmy=patterns.digits_date(pl.col("v"), is_day_first=True, has_time=has_time),
            mdy=patterns.digits_date(pl.col("v"), is_day_first=False, has_time=has_time),
        )
        is_dmy, is_mdy = pl.col("dmy").is_not_null(), pl.col("mdy").is_not_null()
        self.facts["dates"] += int(fit["n"].sum())
        self.facts["day_first"] += _sum(fit, is_dmy)
        self.facts["month_first"] += _sum(fit, is_mdy)
        self.facts["either"] += _sum(fit, is_dmy & is_mdy & (pl.col("dmy") != pl.col("mdy")))

    def _first_misfit(self, column: pl.Series, test: str) -> int:
        """Offset of the first value that does not fit a reading."""
        rows = pl.DataFrame({"v": column}).with_row_index("row").with_columns(_strip(pl.col("v")))
        wrong = rows.filter(pl.col("v").is_not_null() & ~is_missing_code() & ~fit_mask(test))
        return int(wrong["row"][0]) if wrong.height else 0


def _still_open(values: list[str]) -> set[str]:
    """Readings that a few values fit by their shape; the nearest one where none does.

    Spares most columns most tests: a reading that one value does not fit is dropped anyway.
    """
    fits = {test: sum(bool(fit(value)) for value in values) for test, fit in _SHAPES.items()}
    most = max(fits.values())
    if most == len(values):
        return {test for test, count in fits.items() if count == most}
    return {max(fits, key=lambda test: fits[test])}


def fit_mask(test: str) -> pl.Expr:
    """Whether column ``v``, stripped, fits a reading."""
    v = pl.col("v")
    if test in _TRUTHS:
        return v.str.to_lowercase().is_in(list(_TRUTHS[test]))
    if test in _DATES:
        shape = v.str.contains(_DATES[test])
        read = patterns.READERS.get(test)
        return shape & read(v).is_not_null() if read else shape
    return patterns.without_unit(v).str.contains(patterns.NUMBER[Marks(test)])


def is_missing_code() -> pl.Expr:
    """Whether column ``v``, stripped, is a code for a missing value, or spaces only."""
    return pl.col("v").str.to_lowercase().is_in(["", *patterns.MISSING])


def _codes_in(seen: pl.DataFrame) -> pl.DataFrame:
    """The codes among stripped values; only short ones are looked at."""
    short = seen.filter(pl.col("v").str.len_bytes() <= patterns.LONGEST_MISSING)
    return short.filter(is_missing_code())


def _strip(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars(patterns.SPACES)


def _sum(frame: pl.DataFrame, mask: pl.Expr) -> int:
    return int(frame.select((mask * pl.col("n")).sum()).item() or 0)


def _distinct(column: pl.Series) -> pl.DataFrame:
    """Values and their counts; not grouped where few repeat, for grouping costs more then."""
    sample = column.head(_SAMPLE)
    if sample.n_unique() * 2 > sample.len():
        return pl.DataFrame({"v": column}).with_columns(n=pl.lit(1, dtype=pl.Int64))
    return column.alias("v").value_counts(name="n").with_columns(pl.col("n").cast(pl.Int64))
