"""Counts what reached this witness, by announced nonce."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NAME = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_MOST_RUNS = 512
_MOST_NAMES = 1024
_MOST_SOURCES = 1024
_KEPT_S = 900.0
SELF = "self-"
"""What the names of our own messages begin with."""


@dataclass(slots=True)
class Run:
    """One announced nonce.

    Attributes:
        began: On the monotonic clock.
        names: How often each probe's message arrived.
        silent: Connections that were made and said nothing of ours, by where they came from.
    """

    began: float
    names: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)


class TooManyRunsError(Exception):
    """More runs are announced than a witness watches at a time."""


class Arrivals:
    """All runs that are being watched."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._runs: dict[str, Run] = {}

    def announce(self, nonce: str) -> None:
        """Begin to count a nonce; announcing it again starts from nothing.

        Raises:
            TooManyRunsError: A run that is watched is never forgotten for a new one.
        """
        now = self._clock()
        for old in [key for key, run in self._runs.items() if now - run.began > _KEPT_S]:
            del self._runs[old]
        if nonce not in self._runs and len(self._runs) >= _MOST_RUNS:
            raise TooManyRunsError
        self._runs[nonce] = Run(now)

    def forget(self, nonce: str) -> None:
        """Stop counting it; an unknown one is fine."""
        self._runs.pop(nonce, None)

    def of(self, nonce: str) -> Run | None:
        """Return what arrived; nothing where it was never announced, or we began anew since."""
        return self._runs.get(nonce)

    def receive(self, data: bytes, source: str, *, is_stream: bool) -> None:
        """Count one message, or one connection that carried none of ours."""
        nonce, _, name = data.decode("ascii", "replace").strip().partition(":")
        run = self._runs.get(nonce)
        if run is not None and _NAME.fullmatch(name):
            if name in run.names or len(run.names) < _MOST_NAMES:
                run.names[name] += 1
        elif is_stream:
            for other in self._runs.values():
                if source in other.silent or len(other.silent) < _MOST_SOURCES:
                    other.silent[source] += 1
