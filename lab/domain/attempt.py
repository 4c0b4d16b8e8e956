"""Attempts that a wall or a door refused, as far as they can be observed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.ids import MemberId, SandboxId


class Rule(Enum):
    """Which rule refused it. Each has a sentence in French and in English."""

    NO_NETWORK = "no_network"
    """An address outside the sandbox: there is no route."""
    NO_NAMES = "no_names"
    """A name was looked up: no sandbox resolves names."""
    NO_RAW = "no_raw_socket"
    """Raw, packet or ICMP sockets."""
    DOOR_TRACKING = "door_tracking"
    """The tracking door does not pass this method and path."""
    DOOR_STORAGE = "door_storage"
    """The storage door does not pass this operation, bucket or prefix."""
    DOOR_HUB = "door_hub"
    """The hub door does not pass this method and path."""
    DOOR_REPORT = "door_report"
    """The door for the probes' reports does not pass this method, path or size."""


@dataclass(frozen=True, slots=True)
class BlockedAttempt:
    """One refused attempt, or several alike that came close together.

    Attributes:
        target: Address and port, or method and path. Never data.
        count: How many alike since ``first_at``.
    """

    sandbox_id: SandboxId
    member_id: MemberId | None
    rule: Rule
    target: str
    first_at: datetime
    last_at: datetime
    count: int = 1
