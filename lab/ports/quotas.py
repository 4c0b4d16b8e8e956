"""What is kept of hours used, of budgets, and of people's own quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.agency import PersonQuota, Usage
    from lab.domain.hours import Metered, Month, Span
    from lab.domain.ids import AgencyId, MemberId, SandboxId


class SpanBook(Protocol):
    """Since when and until when sandboxes held their compute, and what was told of budgets."""

    async def since(self, sandbox_id: SandboxId) -> datetime | None:
        """Return when the stretch that goes on began; nothing where none does."""
        ...

    async def begin(self, span: Span) -> None:
        """Write that it begins; where one goes on already, nothing is written."""
        ...

    async def end(self, sandbox_ids: Sequence[SandboxId], at: datetime) -> None:
        """Write when the stretches that go on ended; none is fine."""
        ...

    async def spans(
        self, begins: datetime, ends: datetime, agency_id: AgencyId | None = None
    ) -> Sequence[Span]:
        """Return what falls between two moments, wholly or in part.

        A stretch that goes on ends where its sandbox stops, also before the loop wrote it down.
        """
        ...

    async def mark(
        self, agency_id: AgencyId, month: Month, threshold: tuple[Metered, int], at: datetime
    ) -> bool:
        """Write that a threshold was reached; ``False`` where it was before in that month."""
        ...

    async def marks(
        self, agency_id: AgencyId, month: Month
    ) -> Mapping[tuple[Metered, int], datetime]:
        """Return the thresholds reached in a month, and when."""
        ...


class PersonQuotas(Protocol):
    """What single people may hold, and what they do."""

    async def get(self, agency_id: AgencyId, member_id: MemberId) -> PersonQuota:
        """Return it; without limits, at version 0, where none was ever set."""
        ...

    async def put(self, quota: PersonQuota) -> PersonQuota:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read.
        """
        ...

    async def of(self, agency_id: AgencyId) -> Sequence[PersonQuota]:
        """Return those of an agency's people, limits or none, by member."""
        ...

    async def held(self, agency_id: AgencyId, member_id: MemberId) -> Usage:
        """Sum the reservations of what the person asked for, for that agency."""
        ...
