"""What may stand in a text that a person typed. Nothing is changed silently but outer blanks."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from lab.domain.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT_CONTROLS = frozenset("\n\t")


def checked(
    field: str, text: str, *, longest: int, report: Callable[[Problem], None], lines: bool = False
) -> str:
    """Return the text without outer blanks, reporting what is wrong with it.

    Markup and emoji are kept as they are: they are harmless where they are
    escaped, and a purpose may well speak of ``a < b``.

    Args:
        field: Its name on the wire.
        text: As typed.
        longest: In characters, inclusive.
        report: Told of each problem; ``required``, ``too_long``, ``control_characters``.
        lines: Whether line breaks and tabs are fine.
    """
    stripped = text.replace("\r\n", "\n").strip()
    kept = _KEPT_CONTROLS if lines else frozenset()
    if not stripped:
        report(Problem(field, "required"))
    elif len(stripped) > longest:
        report(Problem(field, "too_long", (("longest", str(longest)),)))
    # Cc controls and NUL, Cs lone surrogates (no UTF-8), Co private use: none is language.
    if any(unicodedata.category(c) in {"Cc", "Cs", "Co"} and c not in kept for c in stripped):
        report(Problem(field, "control_characters"))
    return stripped
