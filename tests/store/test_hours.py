from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.agency import PersonQuota, Usage
from lab.domain.errors import ConflictError
from lab.domain.hours import Budget, Metered, Month, Span
from lab.domain.quantity import Resources
from lab.domain.sandbox import SuspendReason, Suspension
from tests.conftest import NOON
from tests.store.samples import ALICE, BENOIT, OTHER, RFT, SMALL, agency, furnish, reservation
from tests.store.samples import sandbox as a_sandbox

if TYPE_CHECKING:
    from lab.store import SqlStore

HOUR = timedelta(hours=1)
NOVEMBER = Month(2026, 11)


async def test_hours_marks_and_quotas_of_people_come_back_as_written(store: SqlStore) -> None:
    await furnish(store)
    one, held = a_sandbox().id, Resources(1000, gpu_count=2)
    span = Span(one, RFT, held, NOON)
    async with store.begin() as tx:
        await tx.hours.begin(span)
        await tx.hours.begin(replace(span, begins=NOON + HOUR))  # one goes on already
        assert await tx.hours.since(one) == NOON
        assert await tx.hours.mark(RFT, NOVEMBER, (Metered.GPU, 50), NOON)
        assert not await tx.hours.mark(RFT, NOVEMBER, (Metered.GPU, 50), NOON + HOUR)
    async with store.begin() as tx:
        (found,) = await tx.hours.spans(NOON, NOON + HOUR)
        assert found == replace(span, ends=a_sandbox().spec.expires_at)
        assert await tx.hours.spans(NOON, NOON + HOUR, OTHER) == []
        assert await tx.hours.spans(NOON - HOUR, NOON) == []
        assert await tx.hours.marks(RFT, NOVEMBER) == {(Metered.GPU, 50): NOON}
        assert await tx.hours.marks(RFT, Month(2026, 12)) == {}
        # Suspended, and not yet written down: it holds nothing from then on.
        hold = Suspension(NOON + HOUR, SuspendReason.BUDGET)
        assert await tx.holds.suspend_all(hold, RFT, holding=Metered.GPU) == []
        assert await tx.holds.suspend_all(hold, RFT, holding=Metered.CPU) == [one]
        (found,) = await tx.hours.spans(NOON, NOON + 9 * HOUR, RFT)
        assert found.ends == NOON + HOUR
        await tx.hours.end([one], NOON + HOUR)
        await tx.hours.end([], NOON)
        assert await tx.hours.since(one) is None
        await tx.hours.begin(replace(span, begins=NOON + HOUR))
        await tx.hours.end([one], NOON + HOUR)  # of no length: none
        await tx.hours.begin(replace(span, begins=NOON + HOUR))
        assert await tx.hours.since(one) == NOON + HOUR
        assert await tx.hours.spans(NOON + HOUR, NOON + 2 * HOUR) != []
        written = await tx.agencies.put(agency(version=1, budget=Budget(500, None)))
        assert await tx.agencies.get(RFT) == written
        quota = PersonQuota(RFT, ALICE, sandboxes=0, memory_bytes=5)
        assert await tx.person_quotas.get(RFT, ALICE) == PersonQuota(RFT, ALICE)
        kept = await tx.person_quotas.put(quota)
        assert await tx.person_quotas.get(RFT, ALICE) == kept == replace(quota, version=1)
        assert await tx.person_quotas.of(RFT) == [kept]
        elsewhere = await tx.person_quotas.get(OTHER, ALICE)
        assert elsewhere == PersonQuota(OTHER, ALICE, version=1)
        await tx.agencies.reserve(reservation("rq-1", member_id=ALICE))
        await tx.agencies.reserve(reservation("rq-2", member_id=BENOIT))
        assert await tx.person_quotas.held(RFT, ALICE) == Usage(SMALL, 1)
        assert (await tx.agencies.held(RFT)).sandboxes == 2
    with pytest.raises(ConflictError):
        async with store.begin() as tx:
            await tx.person_quotas.put(quota)
