"""Figures as SVG to put into a page: no script, no font or address from outside, always the same.

Read aloud: a title, and a description with every value. Series differ by pattern, not by colour
alone, and every bar has its value written beside it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from lab.data.measure.plots import Figure, Series, Words

Language = Literal["fr", "en"]

_NBSP: Final = "\u00a0"
_LEFT, _WIDE, _RIGHT = 220, 420, 80
_BAR, _GAP, _TOP = 16, 10, 64
_FILLS: Final = ("#1f4e79", "#b35900", "#3b7a3b")
_TEXT: Final = "#1a1a1a"
_MOST_LETTERS: Final = 30


def draw(figure: Figure, language: Language) -> str:
    """Draw horizontal bars from 0 to 1.

    Args:
        figure: What to draw.
        language: Of all words, and of decimal marks.
    """
    group = len(figure.series) * _BAR + _GAP
    tall = _TOP + group * max(len(figure.labels), 1) + 12
    wide = _LEFT + _WIDE + _RIGHT
    name = f"figure-{figure.key}-{language}"
    title = _said(figure.title, language)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" lang="{language}" '
            f'viewBox="0 0 {wide} {tall}" aria-labelledby="{name}-title {name}-desc" '
            'font-family="sans-serif" font-size="13">'
        ),
        f'<title id="{name}-title">{escape(title)}</title>',
        f'<desc id="{name}-desc">{escape(described(figure, language))}</desc>',
        _patterns(name, len(figure.series)),
        f'<rect width="{wide}" height="{tall}" fill="#ffffff"/>',
        _text(8, 20, title, weight="bold"),
        *_legend(figure, language, name),
        f'<line x1="{_LEFT}" y1="{_TOP - 6}" x2="{_LEFT}" y2="{tall - 8}" stroke="{_TEXT}"/>',
    ]
    for at, label in enumerate(figure.labels):
        top = _TOP + at * group
        said = _said(label, language)
        short = said if len(said) <= _MOST_LETTERS else said[: _MOST_LETTERS - 1] + "…"
        middle = top + len(figure.series) * _BAR / 2 + 5
        parts.append(_text(_LEFT - 8, middle, short, anchor="end"))
        for number, series in enumerate(figure.series):
            parts += _bar(series, at, top + number * _BAR, f"{name}-{number}", language)
    parts += _limit(figure, tall)
    return "".join([*parts, "</svg>"])


def described(figure: Figure, language: Language) -> str:
    """Say every value of a figure in a sentence for each group of bars."""
    sentences = []
    for at, label in enumerate(figure.labels):
        said = ", ".join(
            f"{_said(s.name, language).lower()} {_number(s.values[at], language)}"
            + _bounded(s, at, language)
            for s in figure.series
        )
        colon = f"{_NBSP}: " if language == "fr" else ": "
        sentences.append(f"{_said(label, language)}{colon}{said}.")
    if figure.limit is not None:
        words = "Limite" if language == "fr" else "Limit"
        sentences.append(f"{words} {_number(figure.limit, language)}.")
    if not sentences:
        return "Rien à montrer." if language == "fr" else "Nothing to show."
    return " ".join(sentences)


def _bounded(series: Series, at: int, language: Language) -> str:
    if not series.uppers:
        return ""
    words = "au plus" if language == "fr" else "at most"
    return f" ({words} {_number(series.uppers[at], language)})"


def _bar(series: Series, at: int, top: float, fill: str, language: Language) -> list[str]:
    length = _WIDE * series.values[at]
    end = length
    parts = [
        (
            f'<rect x="{_LEFT}" y="{_point(top + 1)}" width="{_point(length)}" '
            f'height="{_BAR - 3}" fill="url(#{fill})"/>'
        )
    ]
    if series.uppers:
        end = max(length, _WIDE * series.uppers[at])
        middle = _point(top + _BAR / 2 - 0.5)
        parts.append(
            f'<line x1="{_point(_LEFT + length)}" y1="{middle}" x2="{_point(_LEFT + end)}" '
            f'y2="{middle}" stroke="{_TEXT}" stroke-width="2"/>'
        )
    value = _number(series.values[at], language)
    return [*parts, _text(_LEFT + end + 6, top + _BAR - 4, value)]


def _legend(figure: Figure, language: Language, name: str) -> list[str]:
    parts = []
    for number, series in enumerate(figure.series):
        left = _LEFT + number * 160
        parts.append(
            f'<rect x="{left}" y="34" width="14" height="14" fill="url(#{name}-{number})"/>'
        )
        parts.append(_text(left + 20, 46, _said(series.name, language)))
    return parts


def _patterns(name: str, count: int) -> str:
    """Plain, striped and dotted: told apart without colour."""
    marks = (
        "",
        '<path d="M0 6 6 0" stroke="#ffffff"/>',
        '<circle cx="3" cy="3" r="1" fill="#fff"/>',
    )
    found = [
        f'<pattern id="{name}-{i}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect width="6" height="6" fill="{_FILLS[i % 3]}"/>{marks[i % 3]}</pattern>'
        for i in range(count)
    ]
    return f"<defs>{''.join(found)}</defs>"


def _limit(figure: Figure, tall: int) -> list[str]:
    if figure.limit is None:
        return []
    left = _point(_LEFT + _WIDE * figure.limit)
    return [
        (
            f'<line x1="{left}" y1="{_TOP - 6}" x2="{left}" y2="{tall - 8}" stroke="#a00000" '
            'stroke-dasharray="5 3"/>'
        )
    ]


def _text(left: float, top: float, words: str, *, anchor: str = "start", weight: str = "") -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{_point(left)}" y="{_point(top)}" text-anchor="{anchor}" '
        f'fill="{_TEXT}"{bold}>{escape(words)}</text>'
    )


def _said(words: Words, language: Language) -> str:
    return words.fr if language == "fr" else words.en


def _point(value: float) -> str:
    return f"{value:.1f}"


def _number(value: float, language: Language) -> str:
    if language == "fr":
        return f"{100 * value:.1f}".replace(".", ",") + f"{_NBSP}%"
    return f"{100 * value:.1f}%"
