"""The store, as providers and the portal need it on a cluster: each call one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.attempt import BlockedAttempt
    from lab.domain.containment import Proof
    from lab.domain.ids import SandboxId
    from lab.ports import Store


class StoredProofs:
    """Implements ``lab.ports.Proofs`` and ``lab.ports.ProofSource``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def proof(self, sandbox_id: SandboxId) -> Proof | None:
        """Return the last one, or nothing where none was made."""
        return await self.get(sandbox_id)

    async def get(self, sandbox_id: SandboxId) -> Proof | None:
        """Return the last one, or nothing where none was made."""
        async with self._store.read() as tx:
            return await tx.proofs.get(sandbox_id)

    async def put(self, proof: Proof) -> None:
        """Write, or write over, the sandbox's."""
        async with self._store.begin() as tx:
            await tx.proofs.put(proof)

    async def drop(self, sandbox_id: SandboxId) -> None:
        """Delete it; none is fine."""
        async with self._store.begin() as tx:
            await tx.proofs.drop(sandbox_id)


class StoredReports:
    """The reading side of ``lab.ports.Reports``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        """Return a run's report and leave it there."""
        async with self._store.read() as tx:
            return await tx.reports.get(sandbox_id, run)

    async def take(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        """Remove and return a run's report."""
        async with self._store.begin() as tx:
            return await tx.reports.take(sandbox_id, run)

    async def drop_of(self, sandbox_id: SandboxId) -> None:
        """Delete all of a sandbox's; none is fine."""
        async with self._store.begin() as tx:
            await tx.reports.drop_of(sandbox_id)


class ShippedAttempts:
    """Nothing to read: on a cluster the gateway hands attempts over, straight to the store."""

    async def read(self, sandbox_id: SandboxId) -> Sequence[BlockedAttempt]:  # noqa: ARG002
        """Return nothing that is not in the store already."""
        return ()
