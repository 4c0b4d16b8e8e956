"""The slot of a sandbox: which of the gateway's ports are its own.

The namespace's annotation is where it is kept; there is no other book. One leader
chooses, under one lock, from what the API server has. Two leaders could choose the same
for a moment: the sandbox whose id sorts last then gets another, and is proved anew.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lab.providers.kubernetes.failures import FullError
from lab.providers.kubernetes.names import SLOTS
from lab.providers.kubernetes.resources import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.domain.ids import SandboxId
    from lab.providers.kubernetes.session import Session


def slot_of(session: Session, sandbox_id: SandboxId) -> int | None:
    """Return the slot that a sandbox has for itself; None where it has none.

    Two with one slot: the first by name keeps it. Any rule will do that always gives
    the same answer.
    """
    entry = session.place(sandbox_id)
    slot = _number(entry.note) if entry is not None else None
    if entry is None or slot is None or str(slot) != entry.note:
        return None
    holders = session.shelves[NAMESPACE].with_note(str(slot))
    return slot if min(holders) == sandbox_id else None


@asynccontextmanager
async def held(session: Session, sandbox_id: SandboxId) -> AsyncIterator[int]:
    """Give the slot of a sandbox, its own or a new one, kept free until the block ends.

    Raises:
        FullError: All are taken.
    """
    async with session.choosing:
        slot = slot_of(session, sandbox_id)
        if slot is None:
            slot = _lowest_free(session)
        session.promised[sandbox_id] = slot
    try:
        yield slot
    finally:
        session.promised.pop(sandbox_id, None)


def _lowest_free(session: Session) -> int:
    promised, shelf = set(session.promised.values()), session.shelves[NAMESPACE]
    for slot in range(SLOTS):
        if slot not in promised and not shelf.with_note(str(slot)):
            return slot
    raise FullError(f"all {SLOTS} slots of the gateway are taken")


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) < SLOTS else None
