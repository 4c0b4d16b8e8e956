"""A sentence for an operator, in English, with its facts apart so that it can be translated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence.

    Attributes:
        text: English, with ``{names}`` of facts; the key of its translation.
        french: The translation, where whoever says it gives it along.
    """

    text: str
    facts: Mapping[str, object] = field(default_factory=dict)
    french: str = ""

    def __str__(self) -> str:
        """Write it in English."""
        return self.text.format_map(dict(self.facts))


def message(text: str, **facts: object) -> Message:
    """Return a message; the facts by name."""
    return Message(text, facts)


class MachineError(Exception):
    """The lab cannot be started, stopped or looked at as things are here.

    Attributes:
        what: What is wrong, and why.
        remedy: What to do about it.
        detail: Lines of a log, or nothing.
        exit_code: 2 where nothing was changed, 3 where a part failed.
    """

    def __init__(
        self, what: Message, remedy: Message | None = None, *, detail: str = "", exit_code: int = 2
    ) -> None:
        super().__init__(str(what))
        self.what, self.remedy = what, remedy
        self.detail, self.exit_code = detail, exit_code
