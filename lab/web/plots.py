"""Bars as inline SVG: no script, no style sheet, no request; they print as they are shown.

Hollow bars are what was, full ones what is: nothing is told by a colour alone. Every bar
carries its figure in words, and the whole picture has a name for those who do not see it;
a table of the same figures belongs beneath.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, LEFT, RIGHT = 640, 8, 150
ROW, TOP, FOOT = 46, 14, 40
_BAR, _TEXT = 16, 15
_DARK, _FULL, _GRID, _LIMIT = "#0b0c0c", "#0d5c63", "#b9d0d0", "#942514"
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Liberation Sans, sans-serif"
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        label: What it is, in the reader's language.
        value: 0 or more.
        shown: The value as people read it.
        lower: Of its confidence interval, where it has one.
        upper: The same.
        is_before: Of the table before its treatment; drawn hollow.
    """

    label: str
    value: float
    shown: str
    lower: float | None = None
    upper: float | None = None
    is_before: bool = False


def bars(
    title: str,
    rows: Sequence[Bar],
    *,
    limit: float | None = None,
    limit_label: str = "",
    decimal: str = ",",
) -> str:
    """Return a picture of horizontal bars on one scale from zero.

    Args:
        title: Its name.
        rows: From top to bottom.
        limit: A line that bars shall not cross, on the same scale.
        limit_label: What the line is.
        decimal: Mark between whole and part, for the scale.
    """
    most = _scale(rows, limit)
    span = WIDTH - LEFT - RIGHT
    bottom = TOP + ROW * len(rows)

    def x(value: float) -> float:
        if not math.isfinite(value):
            return LEFT
        return round(LEFT + span * min(max(value, 0.0), most) / most, 1)

    name = escape(_said(title, rows), quote=True)
    parts = [
        f'<svg class="vc-plot" viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img"',
        f' xmlns="http://www.w3.org/2000/svg" font-family="{FONT}" font-size="{_TEXT}"',
        f' aria-label="{name}">',
        f'<rect width="{WIDTH}" height="{bottom + FOOT}" fill="#ffffff"/>',
    ]
    for tick in range(_TICKS + 1):
        value = most * tick / _TICKS
        parts += [
            f'<line x1="{x(value)}" y1="{TOP}" x2="{x(value)}" y2="{bottom}" stroke="{_GRID}"/>',
            _text(_anchored(x(value), tick), bottom + 18, _percent(value, decimal), size=13),
        ]
    texts = []
    for place, bar in enumerate(rows):
        drawn, said = _bar(bar, TOP + ROW * place, x)
        parts += drawn
        texts += said
    if limit is not None:
        parts += [
            f'<line x1="{x(limit)}" y1="{TOP - 6}" x2="{x(limit)}" y2="{bottom}"',
            f' stroke="{_LIMIT}" stroke-width="3" stroke-dasharray="7 4"/>',
        ]
        texts.append(_text((x(limit), "start"), bottom + 35, limit_label, fill=_LIMIT, size=14))
    # Words stand above every line, on a rim of the paper's colour.
    return "".join([*parts, *texts, "</svg>"])


def _bar(bar: Bar, y: int, x: Callable[[float], float]) -> tuple[list[str], list[str]]:
    """Return what is drawn of a bar, and what is written to it."""
    start, end, top = x(0), x(bar.value), y + 22
    middle = top + _BAR / 2
    look = (
        f'fill="#ffffff" stroke="{_DARK}" stroke-width="2"'
        if bar.is_before
        else f'fill="{_FULL}" stroke="{_FULL}" stroke-width="2"'
    )
    parts = [
        f'<rect x="{start}" y="{top}" width="{max(end - start, 1):.1f}" height="{_BAR}" {look}/>',
    ]
    furthest = end
    if bar.lower is not None and bar.upper is not None:
        low, high = x(bar.lower), x(bar.upper)
        furthest = max(end, high)
        # White beneath black, so that it is seen on the bar and beside it.
        for colour, width in (("#ffffff", 5), (_DARK, 2)):
            parts.append(
                f'<path d="M{low} {middle}H{high}M{low} {middle - 6}V{middle + 6}'
                f'M{high} {middle - 6}V{middle + 6}" stroke="{colour}" stroke-width="{width}" '
                'fill="none"/>'
            )
    label = _text((LEFT, "start"), y + 16, bar.label)
    return parts, [label, _text((furthest + 8, "start"), middle + 5, bar.shown)]


def _text(
    at: tuple[float, str], y: float, text: str, *, fill: str = _DARK, size: int = _TEXT
) -> str:
    place, anchor = at
    return (
        f'<text x="{place}" y="{y}" text-anchor="{anchor}" fill="{fill}" font-size="{size}" '
        'stroke="#ffffff" stroke-width="4" stroke-linejoin="round" paint-order="stroke">'
        f"{escape(text)}</text>"
    )


def _anchored(place: float, tick: int) -> tuple[float, str]:
    return place, "start" if tick == 0 else "middle"


def _said(title: str, rows: Sequence[Bar]) -> str:
    return ". ".join([title, *(f"{bar.label} {bar.shown}" for bar in rows)])


def _scale(rows: Sequence[Bar], limit: float | None) -> float:
    return scale_end(max([limit or 0.0, *(max(bar.value, bar.upper or 0.0) for bar in rows)]))


def scale_end(wanted: float) -> float:
    """Return a round end of a scale: 1, 2 or 5 times a power of ten."""
    if not math.isfinite(wanted) or wanted <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= wanted * 0.999)


def _percent(value: float, decimal: str) -> str:
    return f"{100 * value:.3g}".replace(".", decimal) + "\u00a0%"
