"""What monitoring is told: read from the rows, at most every few seconds."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.agency import NO_BUDGET
from lab.domain.figures import Figures
from lab.domain.sandbox import USABLE, Phase, Seen, Stage, phase
from lab.services.budgets import account_of
from lab.services.sandboxes import seen_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from lab.domain.sandbox import Sandbox
    from lab.ports import Clock, ProofSource, Store

KEPT = timedelta(seconds=5)
"""Two who ask at the same time make one look."""


class FigureService:
    """Counts what there is.

    Args:
        zone: Where the lab's months begin and end.
    """

    def __init__(self, *, store: Store, clock: Clock, proofs: ProofSource, zone: ZoneInfo) -> None:
        self._store, self._clock, self._proofs, self._zone = store, clock, proofs, zone
        self._last: tuple[datetime, Figures] | None = None
        self._turn = asyncio.Lock()

    async def look(self) -> Figures:
        """Return the lab's figures, five seconds old at most."""
        async with self._turn:
            now = self._clock.now()
            if self._last is None or not timedelta() <= now - self._last[0] < KEPT:
                self._last = (now, await self._counted(now))
            return self._last[1]

    async def _counted(self, now: datetime) -> Figures:
        phases = dict.fromkeys((Phase.PENDING, Phase.READY, Phase.DELETING), 0)
        took: defaultdict[Stage, list[float]] = defaultdict(list)
        failing: Counter[tuple[Stage, str]] = Counter()
        uncontained, ready = 0, []
        async with self._store.read() as tx:
            live = await tx.sandboxes.live()
            stages = await tx.sandboxes.live_stages()
            oldest = await tx.outbox.oldest()
            quotas = [
                (agency, await tx.agencies.held(agency.id)) for agency in await tx.agencies.all()
            ]
            accounts = [
                await account_of(tx, agency, self._zone, now)
                for agency, _ in quotas
                if agency.budget != NO_BUDGET
            ]
        for sandbox in live:
            states = stages.get(sandbox.id, {})
            seen = seen_of(states)
            found = phase(sandbox, seen, now)
            phases[found] = phases.get(found, 0) + 1
            if found is Phase.READY:
                ready.append(sandbox)
            may_run = seen[Stage.WORKSPACE] in USABLE | {Seen.CONVERGING}
            uncontained += may_run and seen[Stage.CONTAINMENT] not in USABLE
            for state in states.values():
                if state.took is not None:
                    took[state.stage].append(state.took.total_seconds())
                if state.error_code:
                    failing[state.stage, state.error_code] += 1
        return Figures(
            phases=phases,
            took_seconds=took,
            failing=failing,
            uncontained=uncontained,
            oldest_proof_seconds=await self._oldest_proof(ready, now),
            unread_seconds=0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()),
            quotas=quotas,
            accounts=accounts,
        )

    async def _oldest_proof(self, ready: Sequence[Sandbox], now: datetime) -> float:
        ages = [0.0]
        for sandbox in ready:
            proof = await self._proofs.proof(sandbox.id)
            if proof is not None:
                ages.append((now - proof.finished_at).total_seconds())
        return max(ages)
