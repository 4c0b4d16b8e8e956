"""What was counted in a column, batch after batch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from lab.data.detect.cardinality import Sketch
from lab.data.detect.kinds import Kind
from lab.data.detect.probes import PROBES, Probe, is_latitude, is_longitude

if TYPE_CHECKING:
    from collections.abc import Mapping


MISSING: Final = (
    "", "-", "--", ".", "..", "...", "?", "n/d", "n.d.", "nd", "s.o.", "s/o", "so", "n/a", "na",
    "nan", "null", "none", "nul", "inconnu", "inconnue", "unknown", "non disponible", "vide",
    "manquant", "missing", "(vide)", "#n/a", "aucun", "aucune", "x",
)  # fmt: skip
"""Words that stand for nothing, folded; ingestion takes most of them out before."""

EXAMPLES: Final = 3
_MOST_VALUES: Final = 64
_SMALL: Final = 10**6
"""Whole numbers below have too few digits to be looked at: a local telephone has seven."""
_PRECISE: Final = 1e-6
"""Four decimals or more: three decimals times 1,000 are not whole within this."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often a probe's expression was true.

    Attributes:
        rows: Over all rows.
        distinct: Over the distinct values of the batch that held most of them; equal
            values are one proof of a check digit, not many.
    """

    rows: int = 0
    distinct: int = 0


NONE: Final = Count()


@dataclass(frozen=True, slots=True)
class Tally:
    """All that is known of one column.

    Attributes:
        rows: Rows that hold a value.
        counts: Per kind and name of a count.
        examples: Raw values that hit, by kind; they leave this package masked only.
        values: Distinct folded values while there are few, None once there are many.
        low: Smallest number, None for what is no number.
        high: Largest number.
        is_number: Whether the column holds numbers.
    """

    rows: int = 0
    counts: Mapping[tuple[Kind, str], Count] = field(default_factory=dict)
    examples: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    samples: tuple[str, ...] = ()
    values: frozenset[str] | None = frozenset()
    sketch: Sketch = field(default_factory=Sketch.empty)
    low: float | None = None
    high: float | None = None
    is_number: bool = False
    is_date: bool = False

    def count(self, kind: Kind, name: str = "hit") -> Count:
        """Give a count, zero when nothing was counted."""
        return self.counts.get((kind, name), NONE)

    def rate(self, kind: Kind, name: str = "hit") -> float:
        """Give a count as a share of the rows that hold a value, 0 to 1."""
        return self.count(kind, name).rows / self.rows if self.rows else 0.0

    def share(self, kind: Kind, name: str, among: str = "hit") -> float:
        """Give a count as a share of another of the same kind, 0 when there is none."""
        whole = self.count(kind, among).rows
        return self.count(kind, name).rows / whole if whole else 0.0


def add_batch(tally: Tally, values: pl.Series) -> Tally:
    """Give the tally after one more batch of a column."""
    held = values.drop_nulls()
    if held.dtype.is_float():
        held = held.filter(held.is_finite())
    if held.is_empty():
        return tally
    if held.dtype in {pl.String, pl.Categorical} or isinstance(held.dtype, pl.Enum):
        return _add_text(tally, held.cast(pl.String))
    if held.dtype.is_integer():
        return _add_numbers(tally, held)
    if held.dtype.is_float() or held.dtype.is_decimal():
        return _add_floats(tally, held.cast(pl.Float64))
    counted = replace(tally, rows=tally.rows + len(held), sketch=tally.sketch.with_values(held))
    if isinstance(held.dtype, pl.Date | pl.Datetime):
        return replace(
            _merged(counted, {(Kind.DATE, "hit"): Count(len(held), len(held))}), is_date=True
        )
    return counted


def _add_text(tally: Tally, held: pl.Series) -> Tally:
    frame = _frame(held)
    rows = int(frame["n"].sum())
    if not rows:
        return tally
    distinct = frame["v"]
    values = tally.values
    if values is not None:
        few = frame["f"].head(_MOST_VALUES + 1).to_list()
        values = values | frozenset(few)
        values = values if len(values) <= _MOST_VALUES else None
    counted = replace(
        tally, rows=tally.rows + rows, values=values, sketch=tally.sketch.with_values(distinct),
        samples=tally.samples or tuple(distinct.head(EXAMPLES).to_list()),
    )  # fmt: skip
    return _probed(counted, frame)


def _add_numbers(tally: Tally, held: pl.Series) -> Tally:
    low, high = _bounds(held)
    counted = replace(
        _with_bounds(tally, low, high),
        rows=tally.rows + len(held),
        sketch=tally.sketch.with_values(held),
        samples=tally.samples or tuple(held.head(EXAMPLES).cast(pl.String).to_list()),
        is_number=True,
    )
    if high < _SMALL or low < 0:
        return counted
    return _probed(counted, _frame(held.cast(pl.String)))


def _add_floats(tally: Tally, held: pl.Series) -> Tally:
    low, high = _bounds(held)
    if (held == held.round(0)).all() and low >= 0 and high < 2**53:
        return _add_numbers(tally, held.cast(pl.Int64))
    counted = replace(
        _with_bounds(tally, low, high),
        rows=tally.rows + len(held), sketch=tally.sketch.with_values(held), is_number=True,
        samples=tally.samples or tuple(held.head(EXAMPLES).cast(pl.String).to_list()),
    )  # fmt: skip
    thousands = pl.col("x") * 1000
    precise = (thousands - thousands.round(0)).abs() > _PRECISE * 1000
    found = pl.DataFrame({"x": held}).select(
        (precise & is_latitude(pl.col("x"))).sum().alias("latitude"),
        (precise & is_longitude(pl.col("x"))).sum().alias("longitude"),
    )
    return _merged(
        counted,
        {(Kind.GPS, name): Count(found[name][0], found[name][0]) for name in found.columns},
    )


def _frame(held: pl.Series) -> pl.DataFrame:
    """Make the frame of distinct values that the probes read."""
    frame = held.rename("v").value_counts(name="n")
    v = pl.col("v")
    if (frame["v"].str.len_bytes() != frame["v"].str.len_chars()).any():
        plain = (
            v.str
            .replace_all("[\u00a0\u2000-\u200a\u202f\u3000]", " ")
            .str.replace_all("[\u2010-\u2015\u2212]", "-")
            .str.replace_all("[\u2018\u2019\u02bc]", "'")
        )
        frame = frame.with_columns(plain.str.strip_chars())
        folded = v.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    else:
        frame = frame.with_columns(v.str.strip_chars())
        folded = v.str.to_lowercase()
    frame = frame.with_columns(
        folded.alias("f"),
        v.str.len_chars().alias("size"),
        v.str.count_matches(r"[0-9]").alias("digits"),
        pl.col("n").cast(pl.Int64),
    )
    return frame.filter(~pl.col("f").is_in(MISSING))


def _probed(tally: Tally, frame: pl.DataFrame) -> Tally:
    found: dict[tuple[Kind, str], Count] = {}
    examples = dict(tally.examples)
    # All gates at once: an expression costs as much as a thousand values.
    gates = frame.select(probe.gate.alias(str(at)) for at, probe in enumerate(PROBES))
    for probe, gate in zip(PROBES, gates, strict=True):
        near = frame.filter(gate) if gate.any() else None
        if near is None:
            continue
        counts, shown = _run(probe, near, EXAMPLES - len(examples.get(probe.kind, ())))
        for name, count in counts.items():
            before = found.get((probe.kind, name), NONE)
            found[probe.kind, name] = Count(
                before.rows + count.rows, before.distinct + count.distinct
            )
        if shown:
            examples[probe.kind] = (*examples.get(probe.kind, ()), *shown)
    return _merged(replace(tally, examples=examples), found)


def _run(probe: Probe, near: pl.DataFrame, wanted: int) -> tuple[dict[str, Count], list[str]]:
    if probe.parts:
        near = near.with_columns(**probe.parts)
    marks = near.select(e.fill_null(value=False).alias(name) for name, e in probe.counts.items())
    rows = near["n"].to_numpy()
    counts = {
        mark.name: Count(int(rows[is_so := mark.to_numpy()].sum()), int(is_so.sum()))
        for mark in marks
    }
    shown: list[str] = []
    if wanted > 0 and counts["hit"].rows:
        # In order: value_counts gives another order each time.
        shown = near["v"].filter(marks["hit"]).bottom_k(wanted).sort().to_list()
    return counts, shown


def _merged(tally: Tally, found: Mapping[tuple[Kind, str], Count]) -> Tally:
    counts = dict(tally.counts)
    for key, count in found.items():
        before = counts.get(key, NONE)
        counts[key] = Count(before.rows + count.rows, max(before.distinct, count.distinct))
    return replace(tally, counts=counts)


def _with_bounds(tally: Tally, low: float, high: float) -> Tally:
    return replace(
        tally,
        low=low if tally.low is None else min(tally.low, low),
        high=high if tally.high is None else max(tally.high, high),
    )


def _bounds(held: pl.Series) -> tuple[float, float]:
    low, high = held.min(), held.max()
    return float(low), float(high)  # type: ignore[arg-type]  # a column of numbers
