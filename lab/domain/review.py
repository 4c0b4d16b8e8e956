"""What happened to a request between its filing and its decision, turn by turn."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.ids import MemberId

    Content = Mapping[str, Mapping[str, Sequence[str]]]

LONGEST_LINE = 1000
"""Of one question or one answer, in characters, inclusive."""

MOST_QUESTIONS = 10


class TurnKind(Enum):
    """What somebody did to a request."""

    RETURNED = "returned"
    ANSWERED = "answered"
    APPROVED_ONCE = "approved_once"
    """The first of two approvals."""
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Change:
    """One answer of a request that is not what it was.

    Attributes:
        step: Of the guided request, for example ``resources``.
        field: Of that step, for example ``size``.
    """

    step: str
    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that somebody did to a request.

    Attributes:
        version: Of the request, once it was done.
        lines: The questions, or the answers to them in their order.
        changes: What was changed before it was sent again.
        writers: Who wrote what was sent again. They ask for it, so none of them decides.
    """

    kind: TurnKind
    by: MemberId
    at: datetime
    version: int
    lines: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    writers: tuple[MemberId, ...] = ()


def changes_between(before: Content, after: Content) -> tuple[Change, ...]:
    """Return what is answered otherwise, or only in one of the two, in the order of ``after``."""
    names = dict.fromkeys(
        (step, field) for content in (after, before) for step in content for field in content[step]
    )
    pairs = (
        Change(step, field, _at(before, step, field), _at(after, step, field))
        for step, field in names
    )
    return tuple(change for change in pairs if change.before != change.after)


def last_of(turns: Sequence[Turn], kind: TurnKind) -> Turn | None:
    """Return the last turn of a kind, or nothing."""
    return next((turn for turn in reversed(turns) if turn.kind is kind), None)


def since(turns: Sequence[Turn], version: int) -> tuple[Turn, ...]:
    """Return what was done after a version was read."""
    return tuple(turn for turn in turns if turn.version > version)


def _at(content: Content, step: str, field: str) -> tuple[str, ...]:
    return tuple(content.get(step, {}).get(field, ()))
