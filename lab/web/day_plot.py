"""Columns by day as inline SVG, in the manner of ``plots``: no script, no style, no request.

The table beneath says every figure; the picture's name says the total and the highest day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from lab.web.plots import FONT, scale_end

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, LEFT, RIGHT = 640, 56, 8
TOP, HEIGHT, FOOT = 14, 180, 34
_DARK, _FULL, _GRID = "#0b0c0c", "#0d5c63", "#b9d0d0"
_TICKS = 4
_EVERY = 5


@dataclass(frozen=True, slots=True)
class Day:
    """One column.

    Attributes:
        number: Of the day in its month.
        value: Hours, 0 or more.
    """

    number: int
    value: float


def columns(title: str, said: str, days: Sequence[Day], *, decimal: str = ",") -> str:
    """Return a picture of one column a day, on a scale from zero.

    Args:
        title: Its name.
        said: What it shows, for those who do not see it.
        days: In order.
        decimal: Mark between whole and part, for the scale.
    """
    most = scale_end(max((day.value for day in days), default=0.0))
    bottom, pitch = TOP + HEIGHT, (WIDTH - LEFT - RIGHT) / max(len(days), 1)
    name = escape(f"{title}. {said}", quote=True)
    parts = [
        f'<svg class="vc-plot" viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img"',
        f' xmlns="http://www.w3.org/2000/svg" font-family="{FONT}" font-size="13"',
        f' aria-label="{name}">',
        f'<rect width="{WIDTH}" height="{bottom + FOOT}" fill="#ffffff"/>',
    ]
    for tick in range(_TICKS + 1):
        value, y = most * tick / _TICKS, bottom - HEIGHT * tick / _TICKS
        number = f"{value:.4g}".replace(".", decimal)
        parts += [
            f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="{_GRID}"/>',
            _text(LEFT - 6, y + 4, f"{number}\u00a0h", "end"),
        ]
    for place, day in enumerate(days):
        x, height = LEFT + pitch * place, HEIGHT * min(max(day.value, 0.0), most) / most
        if day.value > 0 and math.isfinite(height):
            tall = max(height, 1.0)
            parts.append(
                f'<rect x="{x + 2:.1f}" y="{bottom - tall:.1f}" width="{pitch - 4:.1f}" '
                f'height="{tall:.1f}" fill="{_FULL}"/>'
            )
        if day.number == 1 or day.number % _EVERY == 0:
            parts.append(_text(x + pitch / 2, bottom + 20, str(day.number), "middle"))
    parts.append(
        f'<line x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}" stroke="{_DARK}"/>'
    )
    return "".join([*parts, "</svg>"])


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" fill="{_DARK}">{escape(text)}</text>'
