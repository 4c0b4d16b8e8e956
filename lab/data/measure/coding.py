"""Tables as numbers: the unprotected table, people who are not in it, and the released one.

Each column gets a ``Scale`` that all three share. A value of the released table may be a whole set
of values (an interval, a mask, a level of a hierarchy): it becomes a label, and the scale says
which values each label covers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lab.data.measure.labels import covered_words, date_span, levels_of, number_span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Bits = NDArray[np.bool_]
Values = NDArray[Any]
"""Of one column: float64 (a number, NaN when missing) or int64 (code of a word or of a label)."""

MISSING: Final = 0
"""Code of a missing word."""


class Kind(StrEnum):
    """How values of one column are compared."""

    NUMBER = "number"
    WORD = "word"


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """How one column's values are compared.

    Attributes:
        name: The column's.
        kind: Numbers (dates are days since 1970) or words.
        words: For words, what each code stands for; code 0 is a missing value.
        low: For numbers, smallest value.
        high: For numbers, largest value.
        spans: Generalised numbers: for each label its smallest and largest value; else None.
        covers: Generalised words: for each label the words it covers, labels by words; else None.
        understood: Share of the released rows whose value in this column was understood.
    """

    name: str
    kind: Kind
    words: tuple[str | None, ...] = ()
    low: float = 0.0
    high: float = 0.0
    spans: Floats | None = None
    covers: Bits | None = None
    understood: float = 1.0

    @property
    def is_exact(self) -> bool:
        """Whether the released values are values of the unprotected table's kind."""
        return self.spans is None and self.covers is None

    @property
    def width(self) -> float:
        """Largest difference between two numbers; 1 where all are equal."""
        return (self.high - self.low) or 1.0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Three tables over the same columns.

    Attributes:
        scales: One per column.
        source: The unprotected table's columns.
        control: The columns of people who are not in it; None when there are none.
        released: The released table's columns: labels where the scale is not exact.
        rows: Rows of source, control and released.
    """

    scales: tuple[Scale, ...]
    source: tuple[Values, ...]
    control: tuple[Values, ...] | None
    released: tuple[Values, ...]
    rows: tuple[int, int, int]
    blind: tuple[str, ...] = field(default=())
    """Columns whose released values are mostly not understood."""

    def only(self, names: Sequence[str]) -> View:
        """The same tables with some of the columns, in the order of ``names``."""
        at = {s.name: i for i, s in enumerate(self.scales)}
        chosen = [at[n] for n in names if n in at]
        return View(
            tuple(self.scales[i] for i in chosen),
            tuple(self.source[i] for i in chosen),
            None if self.control is None else tuple(self.control[i] for i in chosen),
            tuple(self.released[i] for i in chosen),
            self.rows,
            tuple(n for n in self.blind if n in names),
        )


def view(
    source: pl.DataFrame,
    control: pl.DataFrame | None,
    released: pl.DataFrame,
    *,
    columns: Sequence[str],
    hierarchies: Mapping[str, Sequence[Sequence[str]]],
) -> View:
    """Code the columns that the unprotected and the released table both have.

    Args:
        source: Unprotected table.
        control: People who are not in it, with the same columns; None without.
        released: What would be published; fewer rows, columns or other types are fine.
        columns: Which columns.
        hierarchies: For some columns, rows ``value, level 1, level 2, ...``.
    """
    coded = []
    for name in columns:
        if name in source.columns and name in released.columns:
            other = None if control is None else control[name]
            coded.append(_column(source[name], other, released[name], hierarchies.get(name, ())))
    return View(
        tuple(c[0] for c in coded),
        tuple(c[1] for c in coded),
        None if control is None else tuple(c[2] for c in coded if c[2] is not None),
        tuple(c[3] for c in coded),
        (source.height, 0 if control is None else control.height, released.height),
        tuple(c[0].name for c in coded if c[0].understood < 0.5),  # noqa: PLR2004  # most
    )


def _column(
    source: pl.Series,
    control: pl.Series | None,
    released: pl.Series,
    hierarchy: Sequence[Sequence[str]],
) -> tuple[Scale, Values, Values | None, Values]:
    if _is_number(source.dtype):
        return _numbers(source, control, released, hierarchy)
    return _words(source, control, released, hierarchy)


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype.is_temporal()


def as_floats(values: pl.Series) -> Floats:
    """Numbers as they are, dates as days since 1970, missing as NaN."""
    if isinstance(values.dtype, pl.Datetime):
        days = values.dt.epoch("us").cast(pl.Float64) / 86_400e6
    elif isinstance(values.dtype, pl.Time | pl.Duration):
        days = values.to_physical().cast(pl.Float64)
    else:
        days = values.to_physical().cast(pl.Float64)
    found = days.fill_null(float("nan")).to_numpy().astype(np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _numbers(
    source: pl.Series,
    control: pl.Series | None,
    released: pl.Series,
    hierarchy: Sequence[Sequence[str]],
) -> tuple[Scale, Values, Values | None, Values]:
    ours = as_floats(source)
    others = None if control is None else as_floats(control)
    known = np.concatenate([ours, others]) if others is not None else ours
    known = known[np.isfinite(known)]
    whole = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    hides = bool(released.null_count()) and not bool(np.isnan(ours).any())
    if _is_number(released.dtype) and not hides:
        low, high = whole
        scale = Scale(source.name, Kind.NUMBER, low=low, high=high)
        return scale, ours, others, as_floats(released)
    texts, codes = _factorise(released)
    spans, understood = _spans(texts, whole, hierarchy, dates=source.dtype.is_temporal())
    share = float(understood[codes].mean()) if len(codes) else 1.0
    exact = (spans[:, 0] == spans[:, 1]) & understood
    if exact.all() and not hides:
        scale = Scale(source.name, Kind.NUMBER, low=whole[0], high=whole[1])
        return scale, ours, others, spans[codes, 0]
    scale = Scale(
        source.name, Kind.NUMBER, low=whole[0], high=whole[1], spans=spans, understood=share
    )
    return scale, ours, others, codes


def _spans(
    texts: Sequence[str | None],
    whole: tuple[float, float],
    hierarchy: Sequence[Sequence[str]],
    *,
    dates: bool,
) -> tuple[Floats, Bits]:
    """Span of each label and whether it was understood; what was not says nothing."""
    parse = date_span if dates else number_span
    spans = np.tile(np.array(whole), (len(texts), 1))
    understood = np.ones(len(texts), np.bool_)
    levels = levels_of(hierarchy)
    for i, text in enumerate(texts):
        if text is None:
            continue
        leaves = [s for v in levels.get(text, ()) if (s := parse(v, whole))]
        if leaves:
            spans[i] = min(s[0] for s in leaves), max(s[1] for s in leaves)
        elif found := parse(text, whole):
            spans[i] = found
        else:
            understood[i] = False
    return spans, understood


def _factorise(values: pl.Series) -> tuple[list[str | None], Codes]:
    texts = values.cast(pl.String)
    distinct = texts.unique(maintain_order=True).sort(nulls_last=False)
    places = pl.DataFrame({"v": distinct, "i": np.arange(len(distinct), dtype=np.int64)})
    joined = pl.DataFrame({"v": texts}).join(
        places, on="v", how="left", nulls_equal=True, maintain_order="left"
    )
    return distinct.to_list(), joined["i"].to_numpy().astype(np.int64)


def _words(
    source: pl.Series,
    control: pl.Series | None,
    released: pl.Series,
    hierarchy: Sequence[Sequence[str]],
) -> tuple[Scale, Values, Values | None, Values]:
    ours, our_codes = _factorise(source)
    others, other_codes = ([], None) if control is None else _factorise(control)
    labels, label_codes = _factorise(released)
    atoms: dict[str, int] = {}
    for text in [*ours, *others]:
        if text is not None:
            atoms.setdefault(text, len(atoms) + 1)
    covered, understood = _covered(labels, atoms, levels_of(hierarchy), hides=None not in ours)
    words: tuple[str | None, ...] = (None, *atoms)
    share = float(understood[label_codes].mean()) if len(label_codes) else 1.0

    def coded(texts: Sequence[str | None], codes: Codes) -> Values:
        found = np.array([MISSING if t is None else atoms[t] for t in texts], np.int64)
        return found[codes]

    source_coded = coded(ours, our_codes) if len(our_codes) else our_codes
    control_coded = None if other_codes is None else coded(others, other_codes)
    if all(len(c) == 1 for c in covered):
        released_coded = np.array([c[0] for c in covered], np.int64)[label_codes]
        scale = Scale(source.name, Kind.WORD, words, understood=share)
        return scale, source_coded, control_coded, released_coded
    covers = np.zeros((len(labels), len(words)), np.bool_)
    for i, codes in enumerate(covered):
        covers[i, codes] = True
    scale = Scale(source.name, Kind.WORD, words, covers=covers, understood=share)
    return scale, source_coded, control_coded, label_codes


def _covered(
    labels: Sequence[str | None],
    atoms: dict[str, int],
    levels: Mapping[str, frozenset[str]],
    *,
    hides: bool,
) -> tuple[list[list[int]], Bits]:
    """Codes of the words that each label covers; a label that is not understood is a new word."""
    raw = dict(atoms)
    used = levels if any(v is not None and v in levels and v not in raw for v in labels) else {}
    covered: list[list[int]] = []
    understood = np.ones(len(labels), np.bool_)
    for i, label in enumerate(labels):
        if label is None:
            covered.append(list(raw.values()) or [MISSING] if hides else [MISSING])
            continue
        found = covered_words(label, raw, used)
        if not found:
            understood[i] = False
            found = [atoms.setdefault(label, len(atoms) + 1)]
        covered.append(found)
    return covered, understood
