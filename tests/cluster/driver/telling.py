"""What the driver tells people, and how it ends when something cannot be done."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class CannotDoError(Exception):
    """Something a person must know, in one line; never shown with a traceback."""


def say(*words: object) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def until(what: str, test: Callable[[], bool], *, seconds: float = 60, logs: object = "") -> None:
    """Wait for something to hold.

    Raises:
        CannotDoError: It did not hold in time.
    """
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            where = f"; see {logs}" if logs else ""
            raise CannotDoError(f"{what}: not within {seconds:.0f} s{where}")
        time.sleep(0.2)
