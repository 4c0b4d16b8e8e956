"""What the bench prints: figures on standard output, how far it is on the other."""

from __future__ import annotations

import sys
import time

_BEGAN = time.monotonic()


def say(what: str, figure: str) -> None:
    """Print one line of the table."""
    sys.stdout.write(f"{what:<66} {figure}\n")
    sys.stdout.flush()


def progress(what: str) -> None:
    """Say what is being done, and how long it has all taken."""
    sys.stderr.write(f"[{time.monotonic() - _BEGAN:4.0f} s] {what}\n")
    sys.stderr.flush()
