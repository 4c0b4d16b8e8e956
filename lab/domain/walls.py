"""What an egress profile opens, in one list that both runtimes build their walls from.

Everything that is not in the list is closed. On one machine a way out is a socket
that is bound into the sandbox; on a cluster it is a line of a NetworkPolicy. Neither
runtime decides anything: both translate this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lab.domain.egress import DOOR_PORTS, Door

if TYPE_CHECKING:
    from collections.abc import Iterable

REPORT = "report"
"""The way by which a probe says what it found. It carries nothing of a person's work."""

REPORT_PORT = 9001

WALL = "mur"
"""A port of a sandbox's own address at the gateway that no policy opens, on a cluster.

The gateway listens behind it and says nothing: whoever gets through has no walls (yet).
"""
WALL_PORT = 9002
WALL_PORT_AT_GATEWAY = 32_765
"""One for all sandboxes: nobody is known by it. Beyond the last slot, below 32768."""

NOTEBOOK_PORT = 8888
"""Where a notebook server listens inside its sandbox."""


class Direction(Enum):
    """Seen from the sandbox."""

    OUT = "out"
    IN = "in"


class Peer(Enum):
    """Who is at the other end. There is no other."""

    GATEWAY = "gateway"
    """Knows the sandbox by the way it came, checks each request, adds the real credential."""
    HUB = "hub"
    FRONT = "front"
    """What browsers speak to."""


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that may be spoken to, or that may speak. Always TCP.

    Attributes:
        name: A door's name, ``report`` or ``notebook``.
        port: The port inside the sandbox that leads to it, or that is spoken to.
    """

    name: str
    direction: Direction
    peer: Peer
    port: int


def ways(doors: Iterable[Door]) -> tuple[Way, ...]:
    """Return all that a profile with these doors opens, always in the same order.

    Notebooks are spoken to by the front and by the hub, whatever the profile; the way of
    the report is always there, because walls that cannot be proved do not count.
    """
    granted = frozenset(doors)
    opened = [
        Way(
            door.value,
            Direction.OUT,
            Peer.HUB if door is Door.HUB else Peer.GATEWAY,
            DOOR_PORTS[door],
        )
        for door in Door
        if door in granted
    ]
    return (
        *opened,
        Way(REPORT, Direction.OUT, Peer.GATEWAY, REPORT_PORT),
        Way("notebook", Direction.IN, Peer.FRONT, NOTEBOOK_PORT),
        Way("notebook", Direction.IN, Peer.HUB, NOTEBOOK_PORT),
    )


def sockets(doors: Iterable[Door]) -> tuple[tuple[int, str], ...]:
    """Return the doors of a sandbox on one machine: loopback port inside, and socket's name.

    A proof needs no way of its own there: what a probe prints is read by who started it.
    """
    return tuple(
        (way.port, way.name)
        for way in ways(doors)
        if way.direction is Direction.OUT and way.name != REPORT
    )
