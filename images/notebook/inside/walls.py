"""Waits until the network closes what it must close to this pod. Standard library only.

With several networks a new pod reaches everything for a moment, until their agent on the
node has heard of it. One port of the gateway is open to this sandbox, another one to
nobody: the network knows the pod, and holds it, when the first answers and the second
does not.
"""

# run by its path, in the image

from __future__ import annotations

import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLD = Path("/dev/termination-log")
"""What is written there reaches whoever waits for the notebook."""

EXIT_OPEN = 75
"""The walls did not close: no other program of the pod ends so."""

PATIENCE_SECONDS = 60.0
ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 0.2
LOOKS = 2
"""So many closed looks in a row: a network is not closed by one packet that got lost."""

_DOOR_SHUT = (
    "la porte du laboratoire ne répond pas",
    "the lab’s own door does not answer",
)
_WALL_OPEN = (
    "le réseau laisse passer ce qu’il doit fermer",
    "the network lets through what it must close",
)


class WallsError(Exception):
    """The walls did not close in time; the message is for a person."""


@dataclass(frozen=True)
class Gateway:
    """What is tried.

    Attributes:
        host: The sandbox's own address at the gateway.
        open_port: Open to this sandbox.
        shut_port: The gateway listens there too, and no sandbox may get through.
    """

    host: str
    open_port: int
    shut_port: int

    @classmethod
    def told(cls, env: Mapping[str, str]) -> Gateway:
        """Read the environment.

        Raises:
            KeyError: Something is not said.
            ValueError: A port is no number.
        """
        return cls(env["LAB_GATEWAY"], int(env["LAB_OPEN_PORT"]), int(env["LAB_SHUT_PORT"]))

    def wrong(self) -> tuple[str, str] | None:
        """Look once; say what is not as it should be, in French and in English."""
        if not _answers(self.host, self.open_port):
            return _DOOR_SHUT
        return _WALL_OPEN if _answers(self.host, self.shut_port) else None


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=ANSWER_SECONDS):
            return True
    except OSError:
        return False


def wait(gateway: Gateway, patience_seconds: float) -> None:
    """Return once the walls are seen closed, several times in a row.

    Raises:
        WallsError: They were not, for so long.
    """
    deadline, closed = time.monotonic() + patience_seconds, 0
    while True:
        wrong = gateway.wrong()
        closed = 0 if wrong else closed + 1
        if closed >= LOOKS:
            return
        if wrong and time.monotonic() > deadline:
            raise WallsError(
                f"Les murs de ce carnet ne se sont pas fermés : {wrong[0]}. "
                f"The walls of this notebook did not close: {wrong[1]}."
            )
        time.sleep(PAUSE_SECONDS)


def main() -> int:
    """Wait, and say in one line what went wrong."""
    try:
        wait(Gateway.told(os.environ), PATIENCE_SECONDS)
    except WallsError as error:
        message = str(error)
    except (KeyError, ValueError) as error:
        message = (
            f"Rien ne dit où essayer les murs ({error}). Nothing says where to try the walls."
        )
    else:
        return 0
    sys.stderr.write(message + "\n")
    if TOLD.exists():
        TOLD.write_text(message, encoding="utf-8")
    return EXIT_OPEN
