from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.draft import Draft, Step
from lab.domain.errors import ConflictError, StoreError
from lab.domain.ids import DraftId, RequestId
from lab.ports import Filter
from tests.conftest import NOON
from tests.store.samples import ALICE, BENOIT, ODD, OTHER, RFT, furnish

if TYPE_CHECKING:
    from lab.store import SqlStore


def draft(draft_id: str = "rd-1", **changes: object) -> Draft:
    return replace(Draft(DraftId(draft_id), RFT, ALICE, NOON, NOON), **changes)


async def test_a_draft_comes_back_as_it_was_written_and_goes(store: SqlStore) -> None:
    await furnish(store)
    later = NOON + timedelta(hours=3, microseconds=7)
    async with store.begin() as tx:
        first = await tx.drafts.put(draft())
        values = {"purpose": (ODD,), "success": ("b", "a")}
        answered = first.answered(Step.PURPOSE, values, by=BENOIT, at=later)
        second = await tx.drafts.put(answered.answered(Step.TEAM, {}, by=ALICE, at=later))
        with pytest.raises(ConflictError) as caught:
            await tx.drafts.put(answered)
        assert (caught.value.kind, caught.value.expected, caught.value.found) == ("draft", 1, 2)
    async with store.read() as tx:
        found = await tx.drafts.get(second.id)
        assert found == second
        assert found is not None
        assert found.answers[Step.PURPOSE].by == BENOIT
        assert found.updated_at == later
        with pytest.raises(StoreError):
            await tx.drafts.drop(second.id)
    async with store.begin() as tx:
        await tx.drafts.drop(second.id)
        await tx.drafts.drop(second.id)
        assert await tx.drafts.get(second.id) is None


async def test_drafts_are_listed_until_they_are_sent_last_changed_first(store: SqlStore) -> None:
    await furnish(store)
    async with store.begin() as tx:
        for number in range(5):
            at = NOON + timedelta(hours=number)
            await tx.drafts.put(draft(f"rd-{number}", updated_at=at))
        await tx.drafts.put(draft("rd-x", agency_id=OTHER))
        await tx.drafts.put(draft("rd-y", request_id=RequestId("rq-1")))
    async with store.read() as tx:
        seen: list[str] = []
        cursor = ""
        while True:
            page = await tx.drafts.page(Filter(agency_id=RFT, limit=2, after=cursor))
            seen += [one.id for one in page.items]
            cursor = page.next_cursor
            if not cursor:
                break
        assert seen == ["rd-4", "rd-3", "rd-2", "rd-1", "rd-0"]
        assert len((await tx.drafts.page(Filter())).items) == 6
