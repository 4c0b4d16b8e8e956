"""What all the values of a column show, gathered batch after batch.

A column begins with every reading possible (each way to write numbers, dates, truths); a reading
that one value does not fit is dropped for good, so that a batch costs only what is still open.
Values that repeat are looked at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from lab.data.ingest import patterns
from lab.data.ingest.patterns import Marks

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
_PURE = "^-?[1-9]\\d{0,17}$|^0$"
_LONG = 16
"""Characters past which a number's digits are counted one by one."""


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
        codes = seen.filter(is_missing_code())
        if codes.height:
            self._count_codes(codes)
            seen = seen.filter(~is_missing_code())
        total = int(seen["n"].sum())
        if total == 0:
            return
        self._count_formulas(seen)
        before = set(self.live)
        fits = self._try_all(seen)
        self.live = {test for test in before if fits.get(test, 0) == total}
        if not self.live:
            best = max(before, key=lambda test: (fits.get(test, 0), test))
            if self.values or fits.get(best, 0) * 2 >= total:
                self.nearest = best
                self.misfit_row = first_row + self._first_misfit(column, best)
        self.values += total

    def _see_text(self, filled: pl.Series) -> None:
        """Look at a column known to be text: only for codes and formulas."""
        short = filled.filter(filled.str.len_bytes() <= patterns.LONGEST_MISSING + 3)
        found = 0
        if not short.is_empty():
            codes = _distinct(short).with_columns(_strip(pl.col("v"))).filter(is_missing_code())
            found = int(codes["n"].sum())
            self._count_codes(codes)
        starts = filled.filter(filled.str.contains("^[=+\\-@\t\r]"))
        if not starts.is_empty():
            seen = _distinct(starts).with_columns(_strip(pl.col("v")))
            self._count_formulas(seen.filter(~is_missing_code()))
        self.values += filled.len() - found

    def _count_codes(self, codes: pl.DataFrame) -> None:
        for code, count in codes.group_by("v").agg(pl.col("n").sum()).iter_rows():
            self.codes[code] += count

    def _count_formulas(self, seen: pl.DataFrame) -> None:
        starts = seen.filter(pl.col("v").str.contains("^[=+\\-@\t\r]"))
        if starts.is_empty():
            return
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
        pure = _sum(seen, pl.col("v").str.contains(_PURE))
        self.facts["unit_none"] += pure
        self.longest = max(self.longest, 18 if pure else 0)
        rest = seen.filter(~pl.col("v").str.contains(_PURE))
        if rest.is_empty():
            return dict.fromkeys(map(str, marks), pure)
        has_unit = {u: _sum(rest, pl.col("v").str.contains(p)) for u, p in patterns.UNITS.items()}
        signed = sum(has_unit.values())
        core = patterns.without_unit(pl.col("v")) if signed else pl.col("v")
        rest = rest.with_columns(core=core)
        c = pl.col("core")
        counts = rest.select(
            **{str(m): (c.str.contains(patterns.NUMBER[m]) * pl.col("n")).sum() for m in marks},
            leading_zero=(c.str.contains(patterns.LEADING_ZERO) * pl.col("n")).sum(),
            comma=(c.str.contains(",", literal=True) * pl.col("n")).sum(),
            point=(c.str.contains(".", literal=True) * pl.col("n")).sum(),
            power=(c.str.contains("[eE]") * pl.col("n")).sum(),
            ambiguous=(c.str.contains(patterns.AMBIGUOUS_COMMA) * pl.col("n")).sum(),
            bare_power=(c.str.contains(patterns.BARE_EXPONENT) * pl.col("n")).sum(),
            length=c.str.len_bytes().max(),
        ).row(0, named=True)
        if counts["length"] > _LONG:
            digits = rest.select(c.str.replace_all("[eE].*|\\D", "").str.len_bytes().max()).item()
            self.longest = max(self.longest, int(digits))
        else:
            self.longest = max(self.longest, int(counts["length"]))
        if any(counts[str(m)] for m in marks):
            for fact in ("leading_zero", "comma", "point", "power", "ambiguous", "bare_power"):
                self.facts[fact] += int(counts[fact])
            self.facts.update({f"unit_{u}": count for u, count in has_unit.items()})
            self.facts["unit_none"] += int(rest["n"].sum()) - signed
        return {str(m): pure + int(counts[str(m)]) for m in marks}

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
