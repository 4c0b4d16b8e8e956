"""The doors of a sandbox on a cluster, and the proof that there is no other way out."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lab import grants as keeping
from lab.domain.errors import ProviderError, StoreError
from lab.domain.proofs import Judge, seen_shut, sign
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.domain.waits import Waiting, WaitsFor
from lab.providers.kubernetes import proving_hash
from lab.providers.kubernetes.doors import ensure_doors, see_doors, shut_doors, with_doors
from lab.providers.kubernetes.failures import ClusterError, told_by
from lab.providers.kubernetes.proving_words import failures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lab.domain.containment import Proof
    from lab.domain.egress import Door
    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Sandbox
    from lab.grants import Grants
    from lab.ports import Clock
    from lab.ports.shared import Proofs
    from lab.providers.kubernetes.containment_canary import Canary
    from lab.providers.kubernetes.doors import SeenDoors
    from lab.providers.kubernetes.session import Session

_SERVICE = "service of the doors"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What one look brought together."""

    is_running: bool
    seen: SeenDoors
    granted: Mapping[str, Any] | None
    proof: Proof | None
    around: str


class ContainmentProvider:
    """Owns CONTAINMENT on a cluster.

    Args:
        session: What the stages share.
        grants: Where the gateway learns of doors.
        canary: Runs the probes.
        proofs: Where the last proof of each sandbox is kept.
        key: Signs them.
        doors_of: Gives the doors of an egress profile, by its id.
        refresh: From this age on a proof is made anew, while the old one still counts.
        most: From this age on a proof counts no more.
        at_once: How many proofs are made at the same time.
    """

    def __init__(
        self,
        *,
        session: Session,
        grants: Grants,
        canary: Canary,
        proofs: Proofs,
        key: bytes,
        doors_of: Callable[[str], frozenset[Door]],
        clock: Clock,
        refresh: timedelta = timedelta(hours=12),
        most: timedelta = timedelta(hours=24),
        at_once: int = 6,
    ) -> None:
        self._session, self._grants, self._canary = session, grants, canary
        self._proofs, self._key, self._doors_of, self._clock = proofs, key, doors_of, clock
        self._refresh, self._most = refresh, most
        self._running: dict[SandboxId, asyncio.Task[None]] = {}
        self._failed: dict[SandboxId, ProviderError] = {}
        self._room = asyncio.Semaphore(at_once)

    @property
    def stage(self) -> Stage:
        """CONTAINMENT."""
        return Stage.CONTAINMENT

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Look at the doors and at the proof. Writes nothing, asks the API server nothing."""
        try:
            await self._session.ready()
            doors = self._doors_of(sandbox.spec.profile_id)
            known = _Known(
                # First: a run that ends while we look has its proof kept by then.
                is_running=sandbox.id in self._running,
                seen=see_doors(self._session, sandbox, doors),
                granted=await self._grants.read(sandbox.id, keeping.DOORS),
                proof=await self._proofs.get(sandbox.id),
                around=await self._canary.around(),
            )
        except Exception as error:
            return Observation(Seen.UNKNOWN, f"kubernetes: {error}")
        return self._judge(sandbox, known)

    async def ensure(self, sandbox: Sandbox) -> None:
        """Open the doors and begin a proof; ``observe`` tells when it is made.

        Raises:
            TerminalProviderError: The cluster will refuse again.
            ProviderError: There is no place to prove, the cluster failed, or the last proof
                did not hold.
        """
        if sandbox.id in self._running:
            return
        failed = self._failed.pop(sandbox.id, None)
        if failed is not None:
            # Told once, so that it is written down and the next run waits its turn.
            raise failed
        doors = self._doors_of(sandbox.spec.profile_id)
        with self._told():
            opened = (await ensure_doors(self._session, sandbox, doors)).grant(sandbox)
            if await self._grants.read(sandbox.id, keeping.DOORS) != opened:
                await self._grants.write(sandbox.id, keeping.DOORS, opened)
        task = asyncio.create_task(self._prove(sandbox, doors), name=f"proof {sandbox.id}")
        self._running[sandbox.id] = task
        task.add_done_callback(lambda _: self._running.pop(sandbox.id, None))

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Shut the doors: first at the gateway, which drops what goes through them."""
        await self._cancel(sandbox_id)
        await self._close(sandbox_id)

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Shut the doors, forget the proof."""
        await self._cancel(sandbox_id)
        self._failed.pop(sandbox_id, None)
        await self._close(sandbox_id)
        with self._told():
            await self._proofs.drop(sandbox_id)
            await self._canary.forget(sandbox_id)

    async def owned(self) -> frozenset[SandboxId]:
        """Return the sandboxes that have doors."""
        with self._told():
            await self._session.ready()
            return with_doors(self._session) | await self._grants.holders(keeping.DOORS)

    async def aclose(self) -> None:
        """End the proofs that are being made."""
        for sandbox_id in list(self._running):
            await self._cancel(sandbox_id)
        await self._canary.aclose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with told_by(self.stage):
                yield
        except (OSError, StoreError) as error:
            raise ProviderError(self.stage, str(error)) from error

    async def _cancel(self, sandbox_id: SandboxId) -> None:
        task = self._running.pop(sandbox_id, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _close(self, sandbox_id: SandboxId) -> None:
        with self._told():
            await self._grants.remove(sandbox_id, keeping.DOORS)
            await shut_doors(self._session, sandbox_id)

    # What is seen

    def _judge(self, sandbox: Sandbox, known: _Known) -> Observation:
        facts = (
            *known.seen.facts,
            Fact("doors", "doors.json", known.granted is not None),
            Fact("proof", "proof", known.proof is not None),
        )
        is_running = known.is_running or sandbox.id in self._running
        if not any(fact.is_present for fact in facts) and not is_running:
            return Observation(Seen.ABSENT, self._why(sandbox.id), facts)
        against = self._against(sandbox, known)
        may_run = sandbox.may_run(self._clock.now())
        if known.granted is None:
            # While a run that found a hole still shuts the doors, nothing speaks against yet.
            return seen_shut(
                "" if is_running else against,
                self._why(sandbox.id),
                facts,
                is_wanted=may_run,
            )
        wrong = [what for what in known.seen.wrong if what != _SERVICE]
        if wrong and not is_running:
            return Observation(Seen.REVOKED, f"not as it should be: {', '.join(wrong)}", facts)
        if not against and not wrong and known.proof is not None:
            due = self._due(sandbox, known, known.proof)
            return Observation(Seen.DUE if due else Seen.READY, due, facts)
        if is_running:
            return Observation(Seen.CONVERGING, str(Waiting(WaitsFor.PROBES)), facts)
        # Doors that are granted are there to be shut, whatever became of the proof.
        seen = Seen.ABSENT if may_run else Seen.CONVERGING
        return Observation(seen, self._why(sandbox.id) or against, facts)

    def _why(self, sandbox_id: SandboxId) -> str:
        failed = self._failed.get(sandbox_id)
        return failed.message if failed else ""

    def _against(self, sandbox: Sandbox, known: _Known) -> str:
        """Say what speaks against a proof; nothing when it counts."""
        proof = known.proof
        if proof is None:
            return "not proved yet"
        walls = _walls(sandbox, known.seen)
        judge = Judge(
            key=self._key,
            now=self._clock.now(),
            most=self._most,
            is_of_walls=lambda found: proving_hash.walls_of(found.spec_hash) == walls,
            failures=failures,
        )
        return judge.against(proof, sandbox.id)

    def _due(self, sandbox: Sandbox, known: _Known, proof: Proof) -> str:
        """Say why a proof that counts shall be made anew; nothing where it need not."""
        ends = sandbox.spec.expires_at.isoformat()
        if known.granted is not None and known.granted.get("expires_at") != ends:
            return "the grant changed"
        if known.seen.wrong:
            return f"not as it should be: {', '.join(known.seen.wrong)}"
        if proving_hash.around_of(proof.spec_hash) != known.around:
            return "the cluster changed since the proof"
        if self._clock.now() - proof.finished_at > self._refresh:
            return "the proof ages"
        return ""

    # What is done

    async def _prove(self, sandbox: Sandbox, doors: frozenset[Door]) -> None:
        try:
            async with self._room:
                proof = await self._run(sandbox, doors)
            await self._proofs.put(proof)
        except ProviderError as error:
            self._failed[sandbox.id] = error
        except ClusterError as error:
            self._failed[sandbox.id] = ProviderError(self.stage, str(error))
        except Exception as error:
            self._failed[sandbox.id] = ProviderError(self.stage, f"the probes failed: {error}")
        else:
            if proof.holds:
                self._failed.pop(sandbox.id, None)
                return
            self._failed[sandbox.id] = ProviderError(
                self.stage, f"does not hold: {failures(proof)}"
            )
            await self._close(sandbox.id)

    async def _run(self, sandbox: Sandbox, doors: frozenset[Door]) -> Proof:
        grant = await self._grants.read(sandbox.id, keeping.DOORS)
        if grant is None:
            raise ProviderError(self.stage, "the doors were shut meanwhile")
        seen = see_doors(self._session, sandbox, doors)
        if [what for what in seen.wrong if what != _SERVICE]:
            raise ProviderError(self.stage, f"not as it should be: {', '.join(seen.wrong)}")
        proof = await self._canary.prove(
            sandbox.id, grant, doors=doors, walls=_walls(sandbox, seen), now=self._clock.now
        )
        return sign(proof, self._key)


def _walls(sandbox: Sandbox, seen: SeenDoors) -> str:
    return proving_hash.digest({"sandbox": sandbox.id, "walls": seen.walls})
