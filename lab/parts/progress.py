"""How far a part, or a stage of a sandbox, is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one of them is.

    Attributes:
        state: ``starting``, ``ready``, or the supervisor's word for what is wrong.
        seconds: Since we began to wait.
    """

    name: str
    state: str
    seconds: float

    @property
    def is_ready(self) -> bool:
        """Tell whether it takes requests."""
        return self.state == "ready"


def progress_of(stage: Mapping[str, Any], elapsed: float) -> Progress:
    """Return how far one stage is, from what the API says of it."""
    state = str(stage["seen"])
    if state in {"ready", "due"}:
        took = stage["took_seconds"]
        return Progress(stage["stage"], "ready", elapsed if took is None else float(took))
    if stage["failures"]:
        state = f"{state}, {stage['error_code']}"
    return Progress(stage["stage"], state, elapsed)
