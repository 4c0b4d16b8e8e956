from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.dataset import VersionStatus
from lab.domain.errors import ForbiddenError, ProviderError, StateError
from lab.domain.intake_content import evidence_of
from lab.domain.intake_review import NOT_REPEATED, RETRY, begins_at
from lab.domain.intake_run import RunState, Step
from lab.domain.sandbox import Stage
from tests.conftest import NOON
from tests.intakes import GOOD, Dossiers
from tests.services.intakes.case import REF, Case
from tests.world import World, draft, running

if TYPE_CHECKING:
    from lab.domain.dataset import DatasetRef
    from lab.domain.ids import SandboxId

DUE = NOON.replace(year=2027)
SOON = DUE - timedelta(days=30)


async def upkeep(case: Case) -> None:
    await case.lab.intake_work.keep_up()
    await case.lab.intake_work.work()


async def status(case: Case) -> VersionStatus:
    async with case.lab.store.read() as tx:
        version = await tx.datasets.version(REF)
    assert version is not None
    return version.status


async def mounted(case: Case) -> SandboxId:
    requester = case.people["requester"]
    made = await case.lab.requests.file(
        requester, draft(datasets=(REF.dataset_id, "demandes-prestations"))
    )
    # Anonymised data: two people approve.
    await case.lab.requests.approve(case.reviewer, made.request.id)
    await case.lab.requests.approve(case.supervisor, made.request.id)
    request = await case.lab.requests.get(requester, made.request.id)
    assert request.sandbox_id is not None
    return request.sandbox_id


async def granted(world: World, sandbox_id: SandboxId, wanted: set[str]) -> set[DatasetRef]:
    there = world.providers[Stage.DATA].granted
    async with asyncio.timeout(5):
        while {ref.dataset_id for ref in there.get(sandbox_id, ())} != wanted:
            await asyncio.sleep(0.02)
    return set(there[sandbox_id])


async def test_the_lab_analyses_again_before_the_date_and_says_what_it_could_not_repeat(
    case: Case, dossiers: Dossiers, world: World
) -> None:
    before = evidence_of(await case.published())
    world.clock.time = SOON - timedelta(seconds=1)
    await upkeep(case)
    assert (await case.now()).reviews == ()
    world.clock.time = SOON
    await upkeep(case)
    intake = await case.now()
    (review,) = intake.reviews
    assert (review.at, review.by, review.k, review.passes) == (SOON, None, 11, True)
    assert review.not_repeated == NOT_REPEATED
    assert "recount" in dossiers.pipeline.called
    assert (await status(case), evidence_of(intake)) == (VersionStatus.ACTIVE, before)
    run = await case.last(Step.REVIEW)
    assert (run.state, run.asked_by) == (RunState.DONE, None)


async def test_what_the_lab_analyses_by_itself_moves_no_date_until_the_supervisor_confirms(
    case: Case, world: World
) -> None:
    await case.published()
    intakes = case.lab.intakes
    with pytest.raises(StateError):  # nothing waits yet
        await intakes.confirm_review(case.supervisor, case.id)
    world.clock.time = SOON
    await upkeep(case)
    world.clock.time = SOON + timedelta(days=3)
    await upkeep(case)  # it is not made again while it waits
    assert (await case.now()).next_review_at == DUE
    assert [i.id for i in await intakes.to_confirm(case.supervisor)] == [case.id]
    assert await intakes.to_confirm(case.reviewer) == []
    with pytest.raises(ForbiddenError):  # deposited it
        await intakes.confirm_review(case.reviewer, case.id)
    intake = await intakes.confirm_review(case.supervisor, case.id)
    (review,) = intake.reviews
    signed = review.confirmation
    assert signed is not None
    assert (signed.by, signed.at) == (case.supervisor.id, SOON + timedelta(days=3))
    assert len(signed.value) == 64
    assert case.supervisor.id in intake.named
    # Counted from the analysis, not from the day of the confirmation.
    assert intake.next_review_at == SOON.replace(year=2028)
    assert await intakes.to_confirm(case.supervisor) == []
    with pytest.raises(StateError):  # once is enough
        await intakes.confirm_review(case.supervisor, case.id)
    world.clock.time = DUE
    await upkeep(case)
    assert (await status(case), len((await case.now()).reviews)) == (VersionStatus.ACTIVE, 1)


async def test_a_date_that_passes_without_a_confirmation_takes_the_version_out(
    case: Case, world: World
) -> None:
    await case.published()
    sandbox_id = await mounted(case)
    async with case.lab.store.begin() as tx:  # one that lives until then
        sandbox = await tx.sandboxes.get(sandbox_id)
        assert sandbox is not None
        spec = replace(sandbox.spec, expires_at=DUE.replace(year=2029))
        await tx.sandboxes.put(replace(sandbox, spec=spec))
    world.clock.time = SOON
    await upkeep(case)
    assert await status(case) is VersionStatus.ACTIVE
    world.clock.time = DUE
    await upkeep(case)
    assert await status(case) is VersionStatus.TO_REVIEW
    async with case.lab.store.read() as tx:
        actions = [row.action for row in await tx.audit.all()]
    assert actions.index("dataset.to_review") < actions.index("sandbox.revoke")
    with pytest.raises(StateError) as refused:  # too late: what is old is made anew
        await case.lab.intakes.confirm_review(case.supervisor, case.id)
    assert refused.value.state == "overdue"
    assert await case.lab.intakes.to_confirm(case.supervisor) == []
    await case.lab.intake_runs.start(case.supervisor, case.id, Step.REVIEW)
    await case.lab.intake_work.work()
    assert await status(case) is VersionStatus.ACTIVE
    assert (await case.now()).next_review_at == DUE.replace(year=2028)


async def test_an_analysis_that_fails_takes_the_grant_out_of_a_running_sandbox(
    case: Case, dossiers: Dossiers, world: World
) -> None:
    await case.published()
    sandbox_id = await mounted(case)
    async with running(case.lab):
        assert REF in await granted(
            world, sandbox_id, {"prestations-2026", "demandes-prestations"}
        )
    dossiers.pipeline.figures = replace(GOOD, k=10)
    async with case.lab.store.begin() as tx:  # one that lives until then
        sandbox = await tx.sandboxes.get(sandbox_id)
        assert sandbox is not None
        spec = replace(sandbox.spec, expires_at=DUE.replace(year=2029))
        await tx.sandboxes.put(replace(sandbox, spec=spec))
    world.clock.time = SOON
    async with running(case.lab):
        left = await granted(world, sandbox_id, {"demandes-prestations"})
    assert REF not in left
    assert await status(case) is VersionStatus.TO_REVIEW
    intake = await case.now()
    assert [review.failures for review in intake.reviews] == [("k_too_small",)]
    assert intake.next_review_at == DUE
    async with case.lab.store.read() as tx:
        actions = [row.action for row in await tx.audit.all()]
    assert actions.index("intake.review") < actions.index("sandbox.revoke")
    # The lab never lets it back by itself: whoever answers for it does.
    dossiers.pipeline.figures = GOOD
    world.clock.time = DUE
    await upkeep(case)
    assert await status(case) is VersionStatus.TO_REVIEW
    await case.lab.intake_runs.start(case.supervisor, case.id, Step.REVIEW)
    await case.lab.intake_work.work()
    assert await status(case) is VersionStatus.ACTIVE
    assert (await case.now()).reviews[-1].by == case.supervisor.id


async def test_what_could_not_be_analysed_is_tried_each_day_until_the_date_closes_it(
    case: Case, dossiers: Dossiers, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await case.published()

    async def away(*_: object) -> None:
        raise ProviderError(Stage.DATA, "no answer")

    monkeypatch.setattr(type(dossiers.publications), "fetch", away)
    tries = 0
    for hours, wanted in ((0, 1), (23, 1), (24, 2)):
        world.clock.time = SOON + timedelta(hours=hours)
        await upkeep(case)
        runs = await case.lab.intake_runs.runs(case.reviewer, case.id)
        tries = sum(run.step is Step.REVIEW for run in runs)
        assert tries == wanted
    assert (await case.last(Step.REVIEW)).state is RunState.FAILED
    assert timedelta(hours=24) == RETRY
    assert await status(case) is VersionStatus.ACTIVE
    world.clock.time = DUE
    await upkeep(case)
    assert await status(case) is VersionStatus.TO_REVIEW
    world.clock.time = DUE + timedelta(days=9)
    await upkeep(case)
    runs = await case.lab.intake_runs.runs(case.reviewer, case.id)
    assert sum(run.step is Step.REVIEW for run in runs) == tries


async def test_a_review_never_starts_in_the_first_half_of_its_period(case: Case) -> None:
    policy = case.lab.catalogue.catalogue().privacy
    assert begins_at(DUE, policy) == SOON
    monthly = replace(policy, review_months=1, review_lead_days=180)
    assert begins_at(DUE, monthly) == DUE - timedelta(days=14)
