"""What an agency, and a single person of it, may still ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.errors import PersonQuotaExceededError, QuotaExceededError

if TYPE_CHECKING:
    from lab.domain.agency import Agency, Usage
    from lab.domain.ids import MemberId
    from lab.ports import Transaction


async def own_left(tx: Transaction, agency: Agency, member_id: MemberId) -> Usage | None:
    """Return what a person's own quota has left; nothing where the person has none."""
    own = await tx.person_quotas.get(agency.id, member_id)
    if own.is_unlimited:
        return None
    return own.within(agency.quota).less(await tx.person_quotas.held(agency.id, member_id))


async def require_room(tx: Transaction, agency: Agency, member_id: MemberId, asked: Usage) -> None:
    """Refuse what does not fit; in a transaction that holds the agency's lock.

    Raises:
        QuotaExceededError: The agency has no room.
        PersonQuotaExceededError: The person has none.
    """
    left = agency.quota.less(await tx.agencies.held(agency.id))
    if not asked.fits_in(left):
        raise QuotaExceededError(agency.id, asked=asked, left=left)
    own = await own_left(tx, agency, member_id)
    if own is not None and not asked.fits_in(own):
        raise PersonQuotaExceededError(agency.id, asked=asked, left=own.least(left))
