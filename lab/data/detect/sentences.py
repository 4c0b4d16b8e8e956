"""Why a column is what it is said to be: one sentence, in French and in English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.numbers import format_decimal

from lab.data.detect.kinds import TRAITS, Action

if TYPE_CHECKING:
    from lab.data.detect.finding import Hit

_THIN = "\u00a0"
_DONE_FR = {
    Action.DROP: "Proposé\u00a0: la retirer.",
    Action.GENERALISE: "Proposé\u00a0: la généraliser.",
    Action.KEEP: "Proposé\u00a0: la garder.",
}
_DONE_EN = {
    Action.DROP: "Proposed: drop it.",
    Action.GENERALISE: "Proposed: generalise it.",
    Action.KEEP: "Proposed: keep it.",
}


def why(hits: tuple[Hit, ...], *, rows: int, distinct: int, action: Action) -> tuple[str, str]:
    """Write what was seen, then what is proposed; French, then English.

    Args:
        hits: The weightiest first.
        rows: Rows that hold a value.
        distinct: Distinct values among them.
        action: What is proposed.
    """
    if not hits:
        return _plain(rows, distinct)
    fr = "; ".join(_fact_fr(hit, rows) for hit in hits)
    en = "; ".join(_fact_en(hit, rows) for hit in hits)
    return f"{fr[:1].upper()}{fr[1:]}. {_DONE_FR[action]}", (
        f"{en[:1].upper()}{en[1:]}. {_DONE_EN[action]}"
    )


def _plain(rows: int, distinct: int) -> tuple[str, str]:
    if not rows:
        return "Colonne vide.", "Empty column."
    if distinct == rows and rows > 1:
        return (
            "Rien de reconnu, mais chaque valeur est unique\u00a0: à regarder.",
            "Nothing recognised, yet every value is unique: have a look.",
        )
    return "Rien de reconnu.", "Nothing recognised."


def _fact_fr(hit: Hit, rows: int) -> str:
    kind = TRAITS[hit.kind].fr
    if hit.rate > 0:
        head = "; l’en-tête le dit aussi" if hit.by_header else ""
        text = f"{_percent_fr(hit.rate)} des {_count_fr(rows)} valeurs\u00a0: {kind}{head}"
    else:
        text = f"l’en-tête annonce\u00a0: {kind}"
    return f"{text} ({hit.note_fr})" if hit.note_fr else text


def _fact_en(hit: Hit, rows: int) -> str:
    kind = TRAITS[hit.kind].en
    if hit.rate > 0:
        head = "; the header says so too" if hit.by_header else ""
        text = f"{_percent_en(hit.rate)} of {rows:,} values: {kind}{head}"
    else:
        text = f"the header announces: {kind}"
    return f"{text} ({hit.note_en})" if hit.note_en else text


def _percent_fr(rate: float) -> str:
    return _percent_en(rate).replace(".", ",").replace("%", f"{_THIN}%").replace("<", f"<{_THIN}")


def _percent_en(rate: float) -> str:
    if rate < 0.001:  # noqa: PLR2004  # a rate that rounds to nothing is not nothing
        return "<0.1%"
    return f"{min(rate, 1.0):.1%}".replace(".0%", "%")


def _count_fr(rows: int) -> str:
    return format_decimal(rows, locale="fr_CA").replace("\u202f", _THIN)
