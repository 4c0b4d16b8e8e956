"""What the command says, in French. A test finds every sentence that is missing here."""

from __future__ import annotations

FRENCH: dict[str, str] = {}
