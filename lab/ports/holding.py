"""What is kept of suspensions, extensions and the stop of the whole lab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.hours import Metered
    from lab.domain.ids import AgencyId, SandboxId
    from lab.domain.intervention import Intervention, LabStop
    from lab.domain.sandbox import SuspendReason, Suspension


class Holds(Protocol):
    """Acts on sandboxes, and the one stop of the lab. Acts are added, never changed."""

    async def add(self, acts: Sequence[Intervention]) -> None:
        """Write acts."""
        ...

    async def of(self, sandbox_id: SandboxId) -> Sequence[Intervention]:
        """Return what was done to a sandbox, first act first."""
        ...

    async def lab_stop(self) -> LabStop | None:
        """Return the stop that is in force, or nothing."""
        ...

    async def lock(self, *, shared: bool = False) -> LabStop | None:
        """Return the stop that is in force and keep it so until the transaction ends.

        Whoever makes or resumes a sandbox takes it shared, and so sees a stop,
        or is seen by it.
        """
        ...

    async def put(self, stop: LabStop | None) -> None:
        """Put a stop in force, or lift it. Take the lock first."""
        ...

    async def suspend_all(
        self,
        suspension: Suspension,
        agency_id: AgencyId | None = None,
        *,
        holding: Metered | None = None,
    ) -> Sequence[SandboxId]:
        """Suspend every sandbox that may run, in one statement; return which, by id.

        Versions are not asked for: a stop does not wait for somebody to read again.

        Args:
            suspension: Of each.
            agency_id: Only those of this agency.
            holding: Only those that hold some of it.
        """
        ...

    async def resume_all(self, reason: SuspendReason) -> Sequence[SandboxId]:
        """End every suspension of that reason, in one statement; return which, by id."""
        ...
