from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date
from itertools import count
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from lab.catalogue import FileCatalogue
from lab.domain.agency import Usage
from lab.domain.errors import ConflictError, QuotaExceededError
from lab.domain.ids import MemberId
from lab.domain.member import Member, Role
from lab.domain.quantity import GIB, Resources
from lab.domain.request import RequestDraft
from lab.services.core import Core
from lab.services.journal import Journal
from lab.services.requests import RequestService
from lab.settings import CHECKOUT
from tests.conftest import FixedClock
from tests.store.samples import RFT, agency, dataset, member, version

if TYPE_CHECKING:
    from lab.domain.catalogue import Catalogue
    from lab.store import SqlStore

EDGE = Usage(Resources(10_000, 20 * GIB, 50 * GIB), 5)
DRAFT = {
    "agency_id": RFT,
    "purpose": "Prévoir les délais",
    "datasets": ("demandes",),
    "template": "01-depart",
    "profile": "standard",
    "ends_on": date(2026, 12, 5),
}


class Read:
    def __init__(self) -> None:
        self._found = FileCatalogue(
            policies_dir=CHECKOUT / "policies", templates_dir=CHECKOUT / "notebooks-templates"
        ).catalogue()

    def catalogue(self) -> Catalogue:
        return self._found


# Fewer where each waits for a lock of the server's: what is shown is the same.
@pytest.mark.parametrize(("url", "half"), [("sqlite", 100), ("postgresql", 15)], indirect=["url"])
async def test_two_hundred_approvals_at_once_never_pass_the_quota(
    store: SqlStore, half: int
) -> None:
    clock, numbers = FixedClock(), count()
    service = RequestService(
        Core(
            store=store,
            clock=clock,
            journal=Journal(store=store, clock=clock),
            catalogue=Read(),
            new_id=lambda prefix: f"{prefix}-{next(numbers):010x}",
            zone=ZoneInfo("America/Toronto"),
            wake=lambda: None,
        )
    )
    reviewer = Member(MemberId("m-r"), "r", "R", None, frozenset({Role.REVIEWER}))
    async with store.begin() as tx:
        await tx.agencies.put(agency(quota=EDGE))
        await tx.members.put(member())
        await tx.members.put(reviewer)
        await tx.datasets.put(dataset())
        await tx.datasets.add_version(version())
    # Two wait for a person and hold their part; three more may be approved by the rule.
    waiting = [
        (await service.file(member(), RequestDraft(**DRAFT, size="moyen"))).request.id
        for _ in range(2)
    ]

    async def by_the_rule() -> str:
        try:
            await service.file(member(), RequestDraft(**DRAFT, size="petit"))
        except QuotaExceededError:
            return "no room"
        return "approved"

    async def by_a_person(number: int) -> str:
        try:
            return (await service.approve(reviewer, waiting[number % 2])).state.value
        except ConflictError:
            return "somebody was faster"

    ends = Counter(
        await asyncio.gather(
            *(by_a_person(n) if n % 2 else by_the_rule() for n in range(half)),
            *(by_the_rule() if n % 2 else by_a_person(n) for n in range(half)),
        )
    )
    assert sum(ends.values()) == 2 * half
    async with store.read() as tx:
        held = await tx.agencies.held(RFT)
        live = await tx.sandboxes.live()
    assert held.fits_in(EDGE)
    assert held.sandboxes == len(live) == EDGE.sandboxes
    assert ends["no room"] == half - 3
    assert sum((Usage(each.spec.resources, 1) for each in live), Usage()) == held
