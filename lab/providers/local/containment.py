"""The doors of a sandbox, and the proof that there is no other way out."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lab import grants
from lab.domain.egress import Door
from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.proofs import Judge, seen_shut
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.domain.waits import Waiting, WaitsFor
from lab.providers.local import canary, launch, proofs
from lab.providers.local.place import read_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.containment import Proof
    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Sandbox
    from lab.ports import Clock
    from lab.providers.local.where import Where

_SOCKETS_TIMEOUT_S = 60.0
_POLL_S = 0.05


class ContainmentProvider:
    """Owns CONTAINMENT on one machine.

    Args:
        where: The lab's folders.
        doors_of: Gives the doors of an egress profile, by its id.
        refresh: From this age on a proof is made anew, while the old one still counts.
        most: From this age on a proof counts no more.
    """

    def __init__(
        self,
        *,
        where: Where,
        doors_of: Callable[[str], frozenset[Door]],
        clock: Clock,
        refresh: timedelta = timedelta(hours=12),
        most: timedelta = timedelta(hours=24),
    ) -> None:
        self._where = where
        self._doors_of = doors_of
        self._clock = clock
        self._refresh, self._most = refresh, most
        self._running: dict[SandboxId, asyncio.Task[None]] = {}
        self._failed: dict[SandboxId, ProviderError] = {}
        self._one_at_a_time = asyncio.Semaphore(1)

    @property
    def stage(self) -> Stage:
        """CONTAINMENT."""
        return Stage.CONTAINMENT

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Look at the doors and at the proof."""
        try:
            return await asyncio.to_thread(self._observe, sandbox)
        except Exception as error:
            return Observation(Seen.UNKNOWN, f"{type(error).__name__}: {error}")

    async def ensure(self, sandbox: Sandbox) -> None:
        """Open the doors and begin a proof; ``observe`` tells when it is made.

        Raises:
            TerminalProviderError: This machine cannot build the walls.
            ProviderError: There is no place to prove, or the disk refused.
        """
        if sandbox.id in self._running:
            return
        failed = self._failed.pop(sandbox.id, None)
        if failed is not None:
            # Told once, so that it is written down and the next run waits its turn.
            raise failed
        await self._in_thread(lambda: self._open(sandbox))
        task = asyncio.create_task(self._prove(sandbox), name=f"canary {sandbox.id}")
        self._running[sandbox.id] = task
        task.add_done_callback(lambda _: self._running.pop(sandbox.id, None))

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Shut the doors; the gateway then drops what goes through them."""
        await self._cancel(sandbox_id)
        await self._in_thread(lambda: self._close(sandbox_id))

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Shut the doors, forget the proof."""
        await self._cancel(sandbox_id)
        self._failed.pop(sandbox_id, None)
        await self._in_thread(lambda: self._forget(sandbox_id))

    async def owned(self) -> frozenset[SandboxId]:
        """Return the sandboxes that have doors or a proof."""
        return await asyncio.to_thread(self._where.owned)

    async def aclose(self) -> None:
        """Wait for the proofs that are being made."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _in_thread(self, action: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(action)
        except OSError as error:
            raise ProviderError(self.stage, str(error)) from error

    async def _cancel(self, sandbox_id: SandboxId) -> None:
        task = self._running.get(sandbox_id)
        if task is not None:
            # A run is short and cleans up after itself; cut off it would not.
            await asyncio.gather(task, return_exceptions=True)

    # What is seen

    def _observe(self, sandbox: Sandbox) -> Observation:
        doors = self._doors_of(sandbox.spec.profile_id)
        granted = grants.read(self._where.grants, sandbox.id, grants.DOORS)
        listening = self._where.sockets(sandbox.id)
        proof = proofs.read(self._where.proof(sandbox.id))
        facts = (
            Fact("doors", "doors.json", granted is not None),
            *(Fact("socket", door.value, door.value in listening) for door in Door),
            Fact("proof", "proof.json", proof is not None),
        )
        return self._judge(sandbox, facts, granted, {d.value for d in doors} - listening, proof)

    def _judge(
        self,
        sandbox: Sandbox,
        facts: tuple[Fact, ...],
        granted: dict[str, Any] | None,
        shut: set[str],
        proof: Proof | None,
    ) -> Observation:
        if not any(fact.is_present for fact in facts) and sandbox.id not in self._running:
            return Observation(Seen.ABSENT, self._why(sandbox.id), facts)
        against = self._against(sandbox, proof)
        waits = f"the gateway has not opened: {', '.join(sorted(shut))}" if shut else ""
        may_run = sandbox.may_run(self._clock.now())
        if granted is None:
            return seen_shut(against, self._why(sandbox.id), facts, is_wanted=may_run)
        if not against and proof is not None:
            if shut:  # shut doors let nothing out: no reason to tear anything down
                return Observation(Seen.UNKNOWN, waits, facts)
            is_new = granted != self._grant(sandbox)
            is_due = is_new or self._clock.now() - proof.finished_at > self._refresh
            said = "the grant changed" if is_new else ""
            return Observation(Seen.DUE if is_due else Seen.READY, said, facts)
        if sandbox.id in self._running:
            return Observation(Seen.CONVERGING, waits or str(Waiting(WaitsFor.PROBES)), facts)
        # Doors that are granted are there to be shut, whatever became of the proof.
        seen = Seen.ABSENT if may_run else Seen.CONVERGING
        return Observation(seen, self._why(sandbox.id) or against, facts)

    def _why(self, sandbox_id: SandboxId) -> str:
        failed = self._failed.get(sandbox_id)
        return failed.message if failed else ""

    def _against(self, sandbox: Sandbox, proof: Proof | None) -> str:
        """Say what speaks against a proof; nothing when it counts."""
        if proof is None:
            return "not proved yet"
        doors = self._doors_of(sandbox.spec.profile_id)
        judge = Judge(
            key=self._key(),
            now=self._clock.now(),
            most=self._most,
            is_of_walls=lambda found: found.spec_hash == canary.spec_hash(sandbox, doors),
            failures=canary.failures,
        )
        return judge.against(proof, sandbox.id)

    def _key(self) -> bytes:
        return proofs.key(self._where.state_dir / "secrets" / "proof-key")

    # What is done

    def _open(self, sandbox: Sandbox) -> None:
        if shutil.which("bwrap") is None:
            raise TerminalProviderError(
                self.stage, "bubblewrap is missing: install the package bubblewrap"
            )
        if read_place(self._where.state_dir, sandbox.id) is None:
            raise ProviderError(self.stage, "there is no place yet")
        folder = self._where.doors(sandbox.id)
        folder.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # whatever our umask is: the sandbox's uid goes through it
        wanted = self._grant(sandbox)
        if grants.read(self._where.grants, sandbox.id, grants.DOORS) != wanted:
            grants.write(self._where.grants, sandbox.id, grants.DOORS, wanted)

    def _grant(self, sandbox: Sandbox) -> dict[str, Any]:
        return {
            "sandbox_id": sandbox.id,
            "doors": sorted(door.value for door in self._doors_of(sandbox.spec.profile_id)),
            "expires_at": sandbox.spec.expires_at.isoformat(),
        }

    async def _prove(self, sandbox: Sandbox) -> None:
        try:
            await self._await_sockets(sandbox)
            async with self._one_at_a_time:
                proof = await asyncio.to_thread(self._run, sandbox)
            await asyncio.to_thread(self._keep, proof)
        except ProviderError as error:
            self._failed[sandbox.id] = error
        except Exception as error:
            self._failed[sandbox.id] = ProviderError(self.stage, f"the canary failed: {error}")
        else:
            if proof.holds:
                self._failed.pop(sandbox.id, None)
                return
            self._failed[sandbox.id] = ProviderError(
                self.stage, f"does not hold: {canary.failures(proof)}"
            )
            await asyncio.to_thread(self._close, sandbox.id)

    async def _await_sockets(self, sandbox: Sandbox) -> None:
        wanted = {door.value for door in self._doors_of(sandbox.spec.profile_id)}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SOCKETS_TIMEOUT_S
        while not wanted <= self._where.sockets(sandbox.id):
            if loop.time() > deadline:
                raise ProviderError(self.stage, "the gateway did not open the doors in time")
            await asyncio.sleep(_POLL_S)

    def _run(self, sandbox: Sandbox) -> Proof:
        return canary.prove(self._canary(sandbox), self._clock.now)

    def _canary(self, sandbox: Sandbox) -> canary.Canary:
        where, spec = self._where, sandbox.spec
        place = read_place(where.state_dir, sandbox.id)
        if place is None:
            raise ProviderError(self.stage, "there is no place any more")
        doors = self._doors_of(spec.profile_id)
        versions = (
            (
                str(ref.dataset_id),
                where.state_dir / "datasets" / ref.dataset_id / f"v{ref.version}",
            )
            for ref in spec.datasets
        )
        others = [k for k in launch.running(where.run_dir / "keepers") if k.port]
        sockets = list((where.run_dir / "doors").glob("*/*.sock"))
        sockets += [keeper.run_dir / "ingress.sock" for keeper in others]
        return canary.Canary(
            sandbox_id=sandbox.id,
            spec_hash=canary.spec_hash(sandbox, doors),
            uid=place.uid,
            resources=spec.resources,
            folder=where.run_dir / "canary" / sandbox.id,
            runtime_env=where.runtime_env,
            doors_dir=where.doors(sandbox.id),
            doors=doors,
            datasets=tuple((name, path) for name, path in versions if path.is_dir()),
            secret_files=(where.state_dir, where.state_dir / "secrets", where.grants),
            neighbours=tuple(keeper.port for keeper in others[:4]),
            host_sockets=tuple(str(path) for path in sockets[:6]),
        )

    def _keep(self, proof: Proof) -> None:
        proofs.write(self._where.proof(proof.sandbox_id), proofs.sign(proof, self._key()))

    def _close(self, sandbox_id: SandboxId) -> None:
        grants.remove(self._where.grants, sandbox_id, grants.DOORS)

    def _forget(self, sandbox_id: SandboxId) -> None:
        self._close(sandbox_id)
        self._where.proof(sandbox_id).unlink(missing_ok=True)
        self._where.sweep_doors(sandbox_id)
