from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from lab.domain.dataset import DatasetRef, VersionStatus
from lab.domain.errors import ConflictError, StoreError
from lab.domain.ids import DatasetId, IntakeId, RunId
from lab.domain.intake_run import Progress, RunState
from lab.domain.intake_states import IntakeState
from lab.ports import Filter, Spend
from tests.conftest import NOON
from tests.store.samples import (
    ALICE,
    BENOIT,
    CLAIRE,
    OTHER,
    RFT,
    dataset,
    furnish,
    intake,
    run,
    version,
    whole_intake,
)

if TYPE_CHECKING:
    from lab.store import SqlStore


@pytest.fixture
async def full(store: SqlStore) -> SqlStore:
    await furnish(store)
    return store


async def test_a_dossier_comes_back_as_it_was_written(full: SqlStore) -> None:
    async with full.begin() as tx:
        assert await tx.intakes.get(IntakeId("in-1")) is None
        plain = await tx.intakes.put(intake())
        whole = await tx.intakes.put(whole_intake(id=IntakeId("in-2")))
    async with full.read() as tx:
        assert await tx.intakes.get(IntakeId("in-1")) == plain == intake(version=1)
        assert await tx.intakes.get(IntakeId("in-2")) == whole
    async with full.begin() as tx:
        second = await tx.intakes.put(replace(whole, row_count=3))
        with pytest.raises(ConflictError) as caught:
            await tx.intakes.put(whole)
        assert (second.version, caught.value.expected, caught.value.found) == (2, 1, 2)


async def test_dossiers_are_listed_by_agency_state_and_person(full: SqlStore) -> None:
    async with full.begin() as tx:
        for number in range(5):
            await tx.intakes.put(intake(f"in-{number}", opened_at=NOON + timedelta(hours=number)))
        await tx.intakes.put(
            intake("in-x", agency_id=OTHER, supervisor_id=CLAIRE, state=IntakeState.READ)
        )
    async with full.read() as tx:
        first = await tx.intakes.page(Filter(agency_id=RFT, limit=3))
        rest = await tx.intakes.page(Filter(agency_id=RFT, limit=3, after=first.next_cursor))
        assert [i.id for i in (*first.items, *rest.items)] == [f"in-{n}" for n in (4, 3, 2, 1, 0)]
        assert rest.next_cursor == ""
        read = await tx.intakes.page(Filter(intake_state=IntakeState.READ))
        hers = await tx.intakes.page(Filter(person=CLAIRE))
        his = await tx.intakes.page(Filter(person=BENOIT))
        assert [i.id for i in read.items] == [i.id for i in hers.items] == ["in-x"]
        assert len(his.items) == 5


async def test_the_register_holds_what_was_published_and_the_sweep_what_is_left(
    full: SqlStore,
) -> None:
    ended = {"id": IntakeId("in-2"), "state": IntakeState.PUBLISHED}
    refused = {"published": None, "published_at": None, "state": IntakeState.REFUSED}
    async with full.begin() as tx:
        await tx.intakes.put(intake("in-1"))
        await tx.intakes.put(whole_intake(**ended))
        await tx.intakes.put(whole_intake(id=IntakeId("in-3"), **refused, destruction=None))
        await tx.intakes.put(intake("in-4", state=IntakeState.WITHDRAWN))
    async with full.read() as tx:
        assert [i.id for i in await tx.intakes.register()] == ["in-2"]
        assert await tx.intakes.register(OTHER) == []
        assert [i.id for i in await tx.intakes.to_destroy()] == ["in-3"]
        mine = await tx.intakes.of_dataset(DatasetId("demandes"))
        assert {i.id for i in mine} == {"in-1", "in-2", "in-3", "in-4"}


async def test_runs_come_back_and_those_under_way_are_found(full: SqlStore) -> None:
    async with full.begin() as tx:
        with pytest.raises(ConflictError):
            await tx.intakes.put_run(run(version=3))
        await tx.intakes.put(intake())
        first = await tx.intakes.put_run(run())
        await tx.intakes.put_run(run("run-2", asked_at=NOON + timedelta(seconds=1)))
        later = NOON + timedelta(seconds=9)
        going = await tx.intakes.put_run(first.started(later).at(Progress("hash", 3, 9), later))
    async with full.read() as tx:
        assert await tx.intakes.get_run(RunId("run-1")) == going
        assert await tx.intakes.get_run(RunId("run-9")) is None
        assert [r.id for r in await tx.intakes.open_runs()] == ["run-1", "run-2"]
        assert [r.id for r in await tx.intakes.runs_of(IntakeId("in-1"))] == ["run-2", "run-1"]
    async with full.begin() as tx:
        await tx.intakes.put_run(going.ended(RunState.FAILED, later, code="x", fr="é", en="e"))
    async with full.read() as tx:
        assert [r.id for r in await tx.intakes.open_runs()] == ["run-2"]


async def test_a_run_of_no_dossier_is_refused(full: SqlStore) -> None:
    with pytest.raises(StoreError):
        async with full.begin() as tx:
            await tx.intakes.put_run(run())


async def test_what_was_spent_is_found_by_data_set_and_by_file(full: SqlStore) -> None:
    name = DatasetId("demandes")
    one = Spend(RunId("run-1"), name, "aa", Decimal("0.1"), Decimal("1e-9"), NOON)
    same_file = replace(one, run_id=RunId("run-2"), dataset_id=DatasetId("autre"))
    other = replace(one, run_id=RunId("run-3"), dataset_id=DatasetId("autre"), sha256="bb")
    async with full.begin() as tx:
        for spend in (one, same_file, other, one):
            await tx.intakes.spend(spend)
    async with full.read() as tx:
        assert await tx.intakes.spends(name, "aa") == [one, same_file]
        assert await tx.intakes.spends(name, "") == [one]
        assert await tx.intakes.spends(DatasetId("rien"), "rien") == []


async def test_a_version_is_active_until_it_is_said_otherwise(full: SqlStore) -> None:
    ref = DatasetRef(DatasetId("demandes"), 1)
    async with full.begin() as tx:
        await tx.datasets.put(dataset())
        await tx.datasets.add_version(version(1, next_review_at=NOON))
        await tx.datasets.add_version(version(2, next_review_at=NOON + timedelta(days=1)))
        await tx.datasets.add_version(version(3))
    async with full.read() as tx:
        assert [v.ref.version for v in await tx.datasets.due(NOON)] == [1]
        assert [v.ref.version for v in await tx.datasets.due(NOON + timedelta(days=9))] == [1, 2]
        assert await tx.datasets.due(NOON - timedelta(seconds=1)) == []
    async with full.begin() as tx:
        to_review = VersionStatus.TO_REVIEW
        assert await tx.datasets.set_status(ref, to_review, NOON)
        assert not await tx.datasets.set_status(ref, to_review, NOON)
        assert not await tx.datasets.set_status(replace(ref, version=9), to_review, NOON)
        assert await tx.datasets.version(ref) == version(1, status=to_review, next_review_at=NOON)
        assert await tx.datasets.due(NOON) == []
        assert await tx.datasets.set_status(ref, VersionStatus.ACTIVE, None)
        assert await tx.datasets.version(ref) == version(1)


async def test_documents_of_a_version_are_kept_once_and_as_they_came(full: SqlStore) -> None:
    ref = DatasetRef(DatasetId("demandes"), 1)
    async with full.begin() as tx:
        await tx.datasets.put(dataset())
        await tx.datasets.add_documents(ref, {"FICHE.md": "# Été\n", "dcat.json": "{}"})
        await tx.datasets.add_documents(ref, {"FICHE.md": "autre chose"})
    async with full.read() as tx:
        assert await tx.datasets.document(ref, "FICHE.md") == "# Été\n"
        assert await tx.datasets.document(replace(ref, version=2), "FICHE.md") is None


async def test_what_is_due_until_a_day_is_found_the_soonest_first(full: SqlStore) -> None:
    published = {"state": IntakeState.PUBLISHED, "published": None}
    async with full.begin() as tx:
        for number, days in ((1, 9), (2, 3), (3, 99)):
            at = NOON + timedelta(days=days)
            await tx.intakes.put(intake(f"in-{number}", next_review_at=at, **published))
        await tx.intakes.put(intake("in-4", next_review_at=NOON))
    async with full.read() as tx:
        due = await tx.intakes.to_review(NOON + timedelta(days=9))
    assert [each.id for each in due] == ["in-2", "in-1"]


async def test_people_of_a_dossier_are_who_they_were(full: SqlStore) -> None:
    async with full.begin() as tx:
        kept = await tx.intakes.put(whole_intake())
    assert kept.interested == {ALICE, CLAIRE}
