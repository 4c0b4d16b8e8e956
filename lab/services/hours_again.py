"""Finds the sandboxes that their agency's budget suspended and that there are hours for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.member import Role
from lab.domain.notice import Happening, NoticeKind
from lab.domain.sandbox import SuspendReason
from lab.services.budgets import account_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from lab.domain.ids import MemberId
    from lab.domain.sandbox import Sandbox
    from lab.ports import Transaction


async def hours_again(
    tx: Transaction, live: Sequence[Sandbox], zone: ZoneInfo, now: datetime
) -> list[tuple[Happening, tuple[MemberId, ...]]]:
    """Return which may go on, each with whom to tell: who asked for it, and the operators.

    Nothing goes on by itself: hours that nobody knows of would be used up again.

    Args:
        tx: To read in.
        live: Every sandbox that is not gone.
        zone: Where the lab's months begin and end.
        now: UTC.
    """
    held = [
        sandbox
        for sandbox in live
        if sandbox.is_wanted(now)
        and sandbox.suspension is not None
        and sandbox.suspension.reason is SuspendReason.BUDGET
    ]
    if not held:
        return []
    # A stop of all of the lab comes first: until it is lifted nothing can go on.
    if await tx.holds.lab_stop() is not None:
        return []
    operators = [
        member.id
        for member in await tx.members.of(None)
        if member.is_active and Role.OPERATOR in member.roles
    ]
    accounts = {}
    for agency_id in {sandbox.spec.agency_id for sandbox in held}:
        agency = await tx.agencies.get(agency_id)
        if agency is not None:
            accounts[agency_id] = await account_of(tx, agency, zone, now)
    found = []
    for sandbox in held:
        account, suspension = accounts.get(sandbox.spec.agency_id), sandbox.suspension
        if account is None or suspension is None or account.spent_for(sandbox.spec.resources):
            continue
        # Once a month for each suspension, however often a budget goes up and down.
        mark = f"{int(suspension.at.timestamp())}/{account.month}"
        event = Happening(NoticeKind.HOURS_AGAIN, sandbox.id, mark)
        found.append((event, (*sandbox.spec.members[:1], *operators)))
    return found
