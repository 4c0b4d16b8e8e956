"""What a person decides for each column, and what no decision may be.

*Règlement sur l'anonymisation* (A-2.1, r. 0.1): a competent person supervises (art. 4)
and removes first what identifies directly (art. 5). Who decided, and when, is recorded
by those who call this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lab.data.detect.kinds import NEVER_KEPT, Action
from lab.data.errors import DataError
from lab.domain.privacy import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.data.detect.finding import Finding

CERTAIN: Final = 0.85
"""From here on a person's word does not make another thing of a number that was checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A person's decision about one column.

    Attributes:
        column: Its header.
        role: What the person says that it is, whatever was proposed.
        action: What is done with it.
    """

    column: str
    role: Role
    action: Action


def check(findings: Sequence[Finding], confirmations: Sequence[Confirmation]) -> None:
    """Let pass decisions that are whole and keep no direct identifier.

    Columns without a hit need no decision. An identifier is only dropped: one that is
    generalised is still there in part, and a person who wants that says which other role
    the column has. Numbers and addresses that were found almost surely cannot be
    given another role.

    Raises:
        DataError: ``column_unknown``, ``column_confirmed_twice``, ``column_unconfirmed`` or
            ``identifier_kept``, naming the columns.
    """
    known = {finding.column: finding for finding in findings}
    given = [c.column for c in confirmations]
    _refuse_any([c for c in given if c not in known], "column_unknown")
    _refuse_any([c for c in given if given.count(c) > 1], "column_confirmed_twice")
    missing = [f.column for f in findings if f.needs_confirmation and f.column not in given]
    _refuse_any(missing, "column_unconfirmed")
    kept = [
        c.column
        for c in confirmations
        if c.action is not Action.DROP and (c.role is Role.IDENTIFIER or must_go(known[c.column]))
    ]
    _refuse_any(kept, "identifier_kept")


def must_go(finding: Finding) -> bool:
    """Tell whether a column was recognised so surely that nobody's word keeps it."""
    return any(hit.kind in NEVER_KEPT and hit.confidence >= CERTAIN for hit in finding.hits)


_SENTENCES: Final = {
    "column_unknown": ("La table n’a pas ces colonnes", "The table has no such columns"),
    "column_confirmed_twice": (
        "Ces colonnes sont confirmées deux fois",
        "These columns are confirmed twice",
    ),
    "column_unconfirmed": (
        "Ces colonnes attendent la décision d’une personne",
        "These columns await a person’s decision",
    ),
    "identifier_kept": (
        "Ces colonnes identifient directement et doivent être retirées",
        "These columns identify directly and must be dropped",
    ),
}


def _refuse_any(columns: Sequence[str], reason: str) -> None:
    if not columns:
        return
    fr, en = _SENTENCES[reason]
    unique = list(dict.fromkeys(columns))
    french = ", ".join(f"«\u00a0{c}\u00a0»" for c in unique)
    english = ", ".join(f"“{c}”" for c in unique)
    raise DataError(reason, fr=f"{fr}\u00a0: {french}.", en=f"{en}: {english}.")
