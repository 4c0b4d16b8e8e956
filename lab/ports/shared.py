"""What the processes of one lab share through the store: proofs, reports, grants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.containment import Proof
    from lab.domain.ids import SandboxId


class Proofs(Protocol):
    """The last proof of containment of each sandbox."""

    async def get(self, sandbox_id: SandboxId) -> Proof | None:
        """Return it, or nothing where none was made (or it cannot be understood)."""
        ...

    async def put(self, proof: Proof) -> None:
        """Write, or write over, the sandbox's."""
        ...

    async def drop(self, sandbox_id: SandboxId) -> None:
        """Delete it; none is fine."""
        ...


class Reports(Protocol):
    """What the probes of a run said, until somebody has judged it."""

    async def put(
        self, sandbox_id: SandboxId, run: str, content: Mapping[str, Any], at: datetime
    ) -> bool:
        """Write it; ``False``, and nothing is changed, where that run has reported before.

        A sandbox has few runs under way: of more than a few reports the oldest go.
        """
        ...

    async def get(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        """Return it and leave it there, or nothing where that run has not reported."""
        ...

    async def take(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        """Remove and return it, or nothing where that run has not reported."""
        ...

    async def drop_of(self, sandbox_id: SandboxId) -> None:
        """Delete all of a sandbox's; none is fine."""
        ...


@dataclass(frozen=True, slots=True)
class HeldGrant:
    """One grant, as the gateway is told of it."""

    sandbox_id: SandboxId
    name: str
    values: Mapping[str, Any]


class GrantSnapshots(Protocol):
    """All grants at one moment, for whoever keeps a mirror of them."""

    async def snapshot(self, known: str = "") -> tuple[str, Sequence[HeldGrant] | None]:
        """Return a mark of what there is, and all of it.

        Args:
            known: A mark from before. Where nothing changed since, only the
                mark comes back.
        """
        ...


class Outbox(Protocol):
    """Things to tell others once the transaction that wrote them is through."""

    async def add(self, kind: str, subject: str, at: datetime) -> None:
        """Write one."""
        ...

    async def take(self, limit: int = 100) -> Sequence[tuple[str, str]]:
        """Remove and return the oldest as (kind, subject)."""
        ...

    async def oldest(self) -> datetime | None:
        """Return since when the oldest waits, or nothing."""
        ...
