"""What the gateway of a cluster hands over: refused attempts, reports of probes, used tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.domain.errors import ConflictError
from lab.domain.sandbox import SANDBOX_CHANGED
from lab.ports import KeyRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.domain.attempt import BlockedAttempt
    from lab.domain.ids import SandboxId
    from lab.ports import Clock, Store


class EvidenceService:
    """Keeps it. Who may bring it is the entry's affair: there is only the gateway.

    Args:
        wake: Told after each commit that wrote to the outbox.
    """

    def __init__(self, *, store: Store, clock: Clock, wake: Callable[[], None]) -> None:
        self._store, self._clock, self._wake = store, clock, wake

    async def attempts(self, found: Sequence[BlockedAttempt]) -> int:
        """Keep refused attempts; return how many. The same ones again change nothing.

        Those of a sandbox that we never had are dropped.
        """
        async with self._store.begin() as tx:
            ids = sorted({attempt.sandbox_id for attempt in found})
            known = {each for each in ids if await tx.sandboxes.get(each) is not None}
            kept = [attempt for attempt in found if attempt.sandbox_id in known]
            await tx.sandboxes.put_attempts(kept)
        return len(kept)

    async def report(self, sandbox_id: SandboxId, run: str, content: Mapping[str, Any]) -> bool:
        """Keep what a run of probes said, and have it judged; ``False`` if it said it before."""
        now = self._clock.now()
        async with self._store.begin() as tx:
            is_new = await tx.reports.put(sandbox_id, run, content, now)
            if is_new:
                await tx.outbox.add(SANDBOX_CHANGED, sandbox_id, now)
        self._wake()
        return is_new

    async def use(self, nonce: str) -> bool:
        """Use a ticket up, whichever replica of the gateway it came to; ``False`` if it was."""
        record = KeyRecord("ticket", nonce, "", "", self._clock.now())
        try:
            async with self._store.begin() as tx:
                await tx.keys.put(record)
        except ConflictError:
            return False
        return True
