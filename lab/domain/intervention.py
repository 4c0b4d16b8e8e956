"""What people, or the lab by itself, do to a sandbox between its making and its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.ids import SandboxId


class Act(Enum):
    """What is done."""

    SUSPEND = "suspend"
    STOP = "stop"
    RESUME = "resume"
    EXTEND = "extend"


@dataclass(frozen=True, slots=True)
class Intervention:
    """One act, with its reason. The audit log names it by its id, so the words stay out of there.

    Attributes:
        id: ``iv-`` and 10 hexadecimal digits.
        at: UTC.
        actor: A member's id, or ``lab`` for the lab itself.
        reason: Stable word: of the suspension, or of what ended it; empty for an extension.
        note: As the person wrote it.
        until: UTC; the new end, of an extension.
    """

    id: str
    sandbox_id: SandboxId
    at: datetime
    actor: str
    act: Act
    reason: str = ""
    note: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LabStop:
    """All of the lab is stopped: nothing runs and nothing new is made.

    Attributes:
        at: UTC; since when.
        actor: A member's id.
        note: Why, as the person wrote it.
    """

    at: datetime
    actor: str
    note: str
