"""Wait for a piece of work to its end, also when the waiting task is cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


async def whole(work: Coroutine[object, object, T]) -> T:
    """Return what ``work`` returns; a cancellation waits until it is done.

    A SQLite statement runs in a thread that nothing can stop. To walk away
    from it would leave a connection that is still writing, and still holds
    the lock, while the pool believes that it is free.

    Raises:
        asyncio.CancelledError: The waiting task was cancelled in between.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at, or asyncio reports that nobody did
        raise cancelled
    return task.result()
