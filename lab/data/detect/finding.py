"""What was found in a column, as the person who confirms it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.data.detect.kinds import Action, Kind
    from lab.domain.privacy import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One kind that a column was found to hold.

    Attributes:
        kind: What it is.
        rate: Share of the values that are there, 0 to 1; 0 when the header alone says it.
        confidence: 0 to 1.
        by_header: Whether the header says it too.
        note_fr: What else is worth knowing, empty when nothing is.
        note_en: The same in English.
    """

    kind: Kind
    rate: float
    confidence: float
    by_header: bool
    note_fr: str = ""
    note_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one column holds, and what is proposed.

    Attributes:
        column: Its header, as it is in the table.
        role: What is proposed.
        hits: The kinds found, the weightiest first; empty for an ordinary column.
        confidence: Of the first hit; 0 when there is none.
        examples: Up to three, masked: never two characters of a value side by side.
        rows: Rows that hold a value.
        distinct: Distinct values; above 16,383 an estimate (standard error 0.8 %).
        is_distinct_exact: Whether ``distinct`` is no estimate.
        uniqueness: Distinct values by rows that hold one, 0 to 1.
        why_fr: One sentence.
        why_en: The same in English.
        action: What is done unless a person decides otherwise.
        needs_confirmation: Whether a person must decide: any hit at all.
    """

    column: str
    role: Role
    hits: tuple[Hit, ...]
    confidence: float
    examples: tuple[str, ...]
    rows: int
    distinct: int
    is_distinct_exact: bool
    uniqueness: float
    why_fr: str
    why_en: str
    action: Action
    needs_confirmation: bool
