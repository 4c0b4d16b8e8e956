"""What operators read: English, or French where the environment says so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lab.cli.french import FRENCH
from lab.parts.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def is_french(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether the operator reads French."""
    variables = os.environ if environment is None else environment
    chosen = next((variables[name] for name in _VARIABLES if variables.get(name)), "")
    return chosen.lower().startswith("fr")


def tr(text: str, **facts: object) -> str:
    """Return a sentence in the operator's language, with its facts.

    Args:
        text: English, with ``{names}`` of facts; the key of its translation.
        facts: Messages among them are translated too.
    """
    found = FRENCH.get(text, text) if is_french() else text
    shown = {
        name: tell(fact) if isinstance(fact, Message) else fact for name, fact in facts.items()
    }
    return found.format_map(shown)


def tell(sentence: Message) -> str:
    """Return a part's sentence in the operator's language."""
    if sentence.french and is_french():
        return sentence.french
    return tr(sentence.text, **sentence.facts)
