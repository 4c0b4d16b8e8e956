"""Agencies and what each may hold at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.hours import Budget
from lab.domain.quantity import Resources

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from lab.domain.ids import AgencyId, MemberId, SandboxId


NOTHING = Resources()
NO_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Usage:
    """Compute, and how many sandboxes it is spread over."""

    resources: Resources = NOTHING
    sandboxes: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Sum each part on its own."""
        return Usage(self.resources + other.resources, self.sandboxes + other.sandboxes)

    def __str__(self) -> str:
        """Write it for an operator."""
        return f"{self.resources}, sandboxes {self.sandboxes}"

    def less(self, other: Usage) -> Usage:
        """Return what is left after ``other`` is taken; never below 0."""
        left = max(0, self.sandboxes - other.sandboxes)
        return Usage(self.resources.less(other.resources), left)

    def least(self, other: Usage) -> Usage:
        """Return the smaller of each part."""
        return self.less(self.less(other))

    def fits_in(self, limit: Usage) -> bool:
        """Tell whether every part is within ``limit`` (inclusive)."""
        return self.resources.fits_in(limit.resources) and self.sandboxes <= limit.sandboxes


@dataclass(frozen=True, slots=True)
class Agency:
    """A public body that has a place in the lab.

    Attributes:
        quota: The most its requests and sandboxes may hold at once.
        max_days: The longest a sandbox of this agency may live, in days.
        budget: The most hours of compute of a month.
        version: Grows by one on each write.
    """

    id: AgencyId
    name_fr: str
    name_en: str
    quota: Usage
    max_days: int
    version: int = 0
    budget: Budget = NO_BUDGET


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one sandbox, or one request that may become one, holds of a quota.

    Taken when a request is filed, given back when it is rejected, withdrawn,
    or when its sandbox is seen to be gone.

    Attributes:
        member_id: Who asked, on whose own quota it counts too.
    """

    agency_id: AgencyId
    holder: str
    usage: Usage
    sandbox_id: SandboxId | None = None
    member_id: MemberId | None = None


@dataclass(frozen=True, slots=True)
class PersonQuota:
    """The most that one person's requests and sandboxes may hold at once.

    ``None`` leaves that amount to the agency's quota, which always holds too.

    Attributes:
        version: Grows by one on each write.
    """

    agency_id: AgencyId
    member_id: MemberId
    cpu_millicores: int | None = None
    memory_bytes: int | None = None
    storage_bytes: int | None = None
    gpu_count: int | None = None
    sandboxes: int | None = None
    version: int = 0

    def __str__(self) -> str:
        """Write the limits for an operator."""
        names = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count", "sandboxes")
        pairs = zip(names, self.amounts, strict=True)
        return ", ".join(f"{n} {most}" for n, most in pairs if most is not None) or "none"

    @property
    def amounts(self) -> tuple[int | None, ...]:
        """The limits, in the order of ``Resources``, then sandboxes."""
        resources = (self.cpu_millicores, self.memory_bytes, self.storage_bytes, self.gpu_count)
        return (*resources, self.sandboxes)

    @property
    def is_unlimited(self) -> bool:
        """Tell whether it leaves everything to the agency's quota."""
        return all(amount is None for amount in self.amounts)

    def within(self, quota: Usage) -> Usage:
        """Return the person's limits, as far as the agency's quota goes."""
        most = quota.resources
        agencys = (most.cpu_millicores, most.memory_bytes, most.storage_bytes, most.gpu_count)
        pairs = zip(self.amounts, (*agencys, quota.sandboxes), strict=True)
        *resources, sandboxes = (m if own is None else min(own, m) for own, m in pairs)
        return Usage(Resources(*resources), sandboxes)


def room_at(
    quota: Usage, held: Usage, ends: Iterable[tuple[datetime, Usage]], asked: Usage
) -> datetime | None:
    """Return when enough comes back for ``asked``, if nobody takes anything meanwhile.

    Args:
        quota: The most that may be held.
        held: What is held now, by everything.
        ends: What is held by things that end by themselves, and when each does.
        asked: What is wished for.

    Returns:
        The first such end; nothing where it is not enough even after the last one.
    """
    for at, usage in sorted(ends, key=lambda end: end[0]):
        held = held.less(usage)
        if asked.fits_in(quota.less(held)):
            return at
    return None
