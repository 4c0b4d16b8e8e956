"""What is drawn, as data: the size of classes, risks before and after, what columns lost."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Final

from lab.data.measure.trials import Method

if TYPE_CHECKING:
    from lab.data.measure.counting import Counts
    from lab.data.measure.report import RiskReport, UtilityReport
    from lab.data.measure.trials import Attack

_MOST_COLUMNS: Final = 30


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Series:
    """Bars of one kind.

    Attributes:
        name: Of the series.
        values: One for each label, 0 to 1.
        uppers: Upper bounds of the values; empty when they are exact.
    """

    name: Words
    values: tuple[float, ...]
    uppers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """Bars side by side.

    Attributes:
        key: Stable word, safe as part of an identifier.
        title: What it shows.
        labels: What each group of bars is.
        series: One or several.
        limit: A line not to cross, 0 to 1; None without.
    """

    key: str
    title: Words
    labels: tuple[Words, ...]
    series: tuple[Series, ...]
    limit: float | None = None


_BEFORE: Final = Words("Avant", "Before")
_AFTER: Final = Words("Après", "After")

_ATTACKS: Final = {
    Method.UNIVARIATE: Words("Isoler (une colonne)", "Single out (one column)"),
    Method.MULTIVARIATE: Words("Isoler (plusieurs)", "Single out (several)"),
    Method.LINKING: Words("Relier", "Link"),
    Method.INFERENCE: Words("Deviner", "Infer"),
}


def class_sizes(report: RiskReport) -> Figure:
    """Share of the rows by size of their class, before and after, in doubling ranges."""
    last = max(
        (_range(size) for counts in (report.before, report.after) for size, _ in counts.sizes),
        default=0,
    )
    labels = tuple(_span(i) for i in range(last + 1))
    return Figure(
        "class-sizes",
        Words("Lignes selon la taille de leur classe", "Rows by size of their class"),
        labels,
        (
            Series(_BEFORE, _shares(report.before, last)),
            Series(_AFTER, _shares(report.after, last)),
        ),
    )


def attack_risks(report: RiskReport, limit: float | None = None) -> Figure:
    """Risk of each attack on the unprotected table and on the release."""
    attacks = tuple(a for a in report.attacks if a.has_object)
    return Figure(
        "attack-risks",
        Words("Risque de chaque attaque", "Risk of each attack"),
        tuple(_attack(a) for a in attacks),
        (
            Series(
                _BEFORE,
                tuple(_within(a.positive.excess.estimate) for a in attacks),
                tuple(_within(a.positive.excess.upper) for a in attacks),
            ),
            Series(
                _AFTER,
                tuple(_within(a.released.excess.estimate) for a in attacks),
                tuple(_within(a.released.excess.upper) for a in attacks),
            ),
        ),
        limit,
    )


def column_shifts(report: UtilityReport) -> Figure:
    """How far each column's shares moved, the furthest first; thirty at most."""
    furthest = sorted(report.shifts, key=lambda s: (-s.distance, s.column))[:_MOST_COLUMNS]
    return Figure(
        "column-shifts",
        Words("Écart des distributions par colonne", "Shift of each column's shares"),
        tuple(Words(s.column, s.column) for s in furthest),
        (Series(Words("Écart", "Shift"), tuple(_within(s.distance) for s in furthest)),),
    )


def utility_bars(report: UtilityReport) -> Figure:
    """Mean and largest distances of one, two and three columns."""
    found = tuple(m for m in report.marginals if m.compared)
    names = {
        1: Words("Colonnes", "Columns"),
        2: Words("Paires", "Pairs"),
        3: Words("Triplets", "Triples"),
    }
    return Figure(
        "marginals",
        Words("Écart des distributions conjointes", "Shift of joint shares"),
        tuple(names[m.order] for m in found),
        (
            Series(Words("Moyen", "Mean"), tuple(m.mean for m in found)),
            Series(Words("Le plus grand", "Largest"), tuple(m.maximum for m in found)),
        ),
    )


def _attack(attack: Attack) -> Words:
    words = _ATTACKS[attack.method]
    if attack.column is None:
        return words
    return Words(f"{words.fr} {attack.column}", f"{words.en} {attack.column}")


def _within(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _range(size: int) -> int:
    return int(log2(size))


def _span(number: int) -> Words:
    low, high = 2**number, 2 ** (number + 1) - 1
    text = f"{low}" if low == high else f"{low}–{high}"
    return Words(text, text)


def _shares(counts: Counts, last: int) -> tuple[float, ...]:
    rows = [0] * (last + 1)
    for size, classes in counts.sizes:
        rows[_range(size)] += size * classes
    return tuple(r / counts.rows if counts.rows else 0.0 for r in rows)
