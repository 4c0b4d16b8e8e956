"""Says in few words what a namespace that is being deleted still waits for."""

from __future__ import annotations

import re

_COUNT = re.compile(r"([a-z0-9.-]+?)\.? has (\d+) resource instances")
_FINALIZER = re.compile(r"([A-Za-z0-9./-]+) in (\d+) resource instances")


def going(told: str) -> str:
    """Return one line for an operator.

    Args:
        told: The messages of the namespace's conditions, as the server wrote them.
    """
    left = [f"{kind} ({number})" for kind, number in _COUNT.findall(told)]
    held = [f"{name} ({number})" for name, number in _FINALIZER.findall(told)]
    if left and held:
        return f"being deleted; waits for {', '.join(left)}; held by {', '.join(held)}"
    if left:
        return f"being deleted; waits for {', '.join(left)}"
    return f"being deleted; {told}" if told else "being deleted"
