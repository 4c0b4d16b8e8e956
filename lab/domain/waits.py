"""What a stage waits for, when it waits for something that people can be told of.

A provider writes it as the detail of its observation; screens read it back and say it in
their language. Anything else in a detail is for operators, and passes as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_LINE = re.compile(r"([a-z-]+)(?:: ([^;]+))?(?:; held by ([^;]+))?", re.ASCII)
_COUNTED = re.compile(r"([^ =,]+)=(\d{1,9})", re.ASCII)


class WaitsFor(Enum):
    """What it waits for. Each has a sentence in French and in English."""

    PLACE_GONE = "place-gone"
    """The cluster deletes what was in the place; ``left`` counts it, by kind."""
    QUOTA = "quota-counted"
    """The cluster has not counted the quota yet: nothing can start before."""
    PROBES = "probes"
    """The walls are being proved."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wait.

    Attributes:
        left: Kinds of what is left, in the outside system's own words, and how many.
        held_by: What keeps it from ending, and how many times.
    """

    reason: WaitsFor
    left: tuple[tuple[str, int], ...] = ()
    held_by: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        """Write it as the detail of an observation."""
        text = self.reason.value
        if self.left:
            text += f": {_listed(self.left)}"
        return text + (f"; held by {_listed(self.held_by)}" if self.held_by else "")


def read(detail: str) -> Waiting | None:
    """Return what a detail says is waited for; None where it says something else."""
    found = _LINE.fullmatch(detail)
    if found is None or found[1] not in {reason.value for reason in WaitsFor}:
        return None
    return Waiting(WaitsFor(found[1]), _counts(found[2]), _counts(found[3]))


def _listed(counted: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{kind}={number}" for kind, number in counted)


def _counts(text: str | None) -> tuple[tuple[str, int], ...]:
    return tuple((kind, int(number)) for kind, number in _COUNTED.findall(text or ""))
