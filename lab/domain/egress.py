"""Egress profiles: which doors a sandbox has. No profile opens the internet on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.ids import ProfileId


class Door(Enum):
    """A service of the lab that a sandbox may speak to."""

    HUB = "hub"
    TRACKING = "tracking"
    STORAGE = "storage"


DOOR_PORTS: dict[Door, int] = {Door.HUB: 8081, Door.TRACKING: 5000, Door.STORAGE: 9000}
"""The loopback port, inside the sandbox, that leads to each door."""


@dataclass(frozen=True, slots=True)
class EgressProfile:
    """A named set of doors.

    Attributes:
        doors: What may be reached; everything else is refused.
    """

    id: ProfileId
    label_fr: str
    label_en: str
    description_fr: str
    description_en: str
    doors: frozenset[Door]
