"""Reads from a namespace that is being deleted what it still waits for."""

from __future__ import annotations

import re

from lab.domain.waits import Waiting, WaitsFor

_COUNT = re.compile(r"([a-z0-9.-]+?)\.? has (\d+) resource instances")
_LONGEST = 400
_FINALIZER = re.compile(r"([A-Za-z0-9./-]+) in (\d+) resource instances")


def going(told: str) -> str:
    """Return it as the detail of an observation.

    Args:
        told: The messages of the namespace's conditions, as the server wrote them.
    """
    left = tuple((kind, int(number)) for kind, number in _COUNT.findall(told))
    held = tuple((name, int(number)) for name, number in _FINALIZER.findall(told))
    if told and not left:
        return f"being deleted; {told[:_LONGEST]}"
    return str(Waiting(WaitsFor.PLACE_GONE, left, held))
