"""Opens the store, where it is and when it is there."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from lab.domain.errors import StoreUnavailableError
from lab.store import open_store

if TYPE_CHECKING:
    from lab.settings import Settings
    from lab.store import SqlStore

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 90.0
"""On a cluster everything starts at once, and the network of a pod a little later than its
processes: to end and be started again takes longer than to wait."""
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0


async def opened(settings: Settings, *, patience_seconds: float = PATIENCE_SECONDS) -> SqlStore:
    """Return the store that the settings name.

    Raises:
        StoreUnavailableError: It does not answer; on a cluster, for a while.
        StoreError: It cannot be used.
    """
    if settings.runtime == "machine":
        return await open_store(settings.database_url)
    deadline = asyncio.get_running_loop().time() + patience_seconds
    wait = _FIRST_WAIT
    while True:
        try:
            return await open_store(settings.database_url)
        except StoreUnavailableError as error:
            if asyncio.get_running_loop().time() + wait > deadline:
                raise
            log.info("waiting for the database: %s", error)
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)
