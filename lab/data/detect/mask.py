"""Examples that show a value's shape and not the value."""

from __future__ import annotations

from typing import Final

_COVERS: Final = "•·∙*░▒▓#"
_SHORT = 4
_LONGEST = 12


def mask(value: str) -> str:
    """Give the first letter and the last digit of a value, with dots between.

    A value of fewer than four characters shows none of them. At most twelve characters
    come out, so that the length of a long value is not told either; never two
    characters of the value side by side.
    """
    raw = value.strip()
    cover = next((c for c in _COVERS if c not in raw), "")
    size = min(len(raw), _LONGEST)
    if size < _SHORT:
        return cover * size
    first = raw[0] if raw[0].isalpha() else cover
    last = raw[-1] if raw[-1].isdigit() else cover
    return f"{first}{cover * (size - 2)}{last}" if cover else ""
