"""Slow down whoever guesses: longer and longer waits for a name, and for an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from lab.web.problems import WebError

if TYPE_CHECKING:
    from datetime import datetime

    from lab.ports import Clock

FREE_FOR_A_NAME = 5
FREE_FOR_AN_ADDRESS = 50
"""An address may be that of a whole public body."""
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=5)
FORGET = timedelta(minutes=30)
MOST_KEYS = 10_000


@dataclass(slots=True)
class _Tries:
    failures: int
    last_at: datetime
    until: datetime


class Throttle:
    """Remembers failed sign-ins in memory; a restart forgives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: dict[tuple[str, str], _Tries] = {}

    def wait(self, login: str, address: str) -> timedelta:
        """Return how long this name from this address must wait; 0 to go ahead."""
        now = self._clock.now()
        until = [t.until for key in _keys(login, address) if (t := self._tries.get(key))]
        return max([u - now for u in until], default=timedelta()) if until else timedelta()

    def check(self, login: str, address: str) -> None:
        """Refuse who must still wait.

        Raises:
            WebError: ``too_many_attempts``, with how long.
        """
        left = self.wait(login, address)
        if left > timedelta():
            seconds = max(1, round(left.total_seconds() + 0.5))
            raise WebError(
                "too_many_attempts",
                HTTPStatus.TOO_MANY_REQUESTS,
                facts={"wait": f"{seconds} s"},
                headers={"Retry-After": str(seconds)},
            )

    def failed(self, login: str, address: str) -> None:
        """Note a failure."""
        now = self._clock.now()
        self._forget(now)
        for key in _keys(login, address):
            tries = self._tries.setdefault(key, _Tries(0, now, now))
            tries.failures, tries.last_at = tries.failures + 1, now
            free = FREE_FOR_A_NAME if key[0] == "login" else FREE_FOR_AN_ADDRESS
            over = tries.failures - free
            if over >= 0:
                tries.until = now + min(FIRST_WAIT * 2 ** min(over, 10), LONGEST_WAIT)

    def succeeded(self, login: str) -> None:
        """Forgive a name whose password was right."""
        self._tries.pop(("login", login.strip().lower()[:200]), None)

    def _forget(self, now: datetime) -> None:
        old = [key for key, tries in self._tries.items() if now - tries.last_at > FORGET]
        for key in old:
            del self._tries[key]
        while len(self._tries) >= MOST_KEYS:
            del self._tries[next(iter(self._tries))]


def _keys(login: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("login", login.strip().lower()[:200]), ("address", address)
