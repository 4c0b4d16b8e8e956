"""CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins like this is one that a spreadsheet may calculate."""


def cell(value: object) -> str:
    """Write a cell that a spreadsheet shows and does not run."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text


class CsvLines:
    """Writes lines as they come: semicolons, as a spreadsheet in French reads them."""

    def __init__(self) -> None:
        self._out = io.StringIO()
        self._writer = csv.writer(self._out, delimiter=";", lineterminator="\r\n")

    def of(self, rows: Iterable[Sequence[object]]) -> bytes:
        """Return these rows as UTF-8."""
        self._writer.writerows([cell(value) for value in row] for row in rows)
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return text.encode()
