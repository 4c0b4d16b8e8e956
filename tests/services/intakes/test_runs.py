from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.dataset import DataClass, VersionStatus
from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    NotReadyError,
    Problem,
    StateError,
)
from lab.domain.ids import AgencyId, RunId
from lab.domain.intake_room import BASE_BYTES
from lab.domain.intake_run import RunState, Step
from lab.domain.intake_states import IntakeState
from lab.domain.privacy import Role
from lab.services.intake_failures import said_of
from tests.conftest import NOON
from tests.intakes import GOOD, RAW, Dossiers, sent
from tests.services.intakes.case import REF, Case, K, codes
from tests.world import World, draft

if TYPE_CHECKING:
    from lab.bootstrap import Lab
    from lab.domain.errors import RequestError


async def test_a_run_is_cancelled_while_it_goes_and_leaves_nothing(
    case: Case, dossiers: Dossiers
) -> None:
    await case.open()
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv")
    case.lab.intake_work._beat = timedelta(milliseconds=10)
    dossiers.pipeline.waits = True
    made = await case.lab.intake_runs.start(case.reviewer, case.id, Step.READ)
    assert made.run is not None
    task = asyncio.create_task(case.lab.intake_work.work())
    await asyncio.to_thread(dossiers.pipeline.reached.wait)
    await asyncio.sleep(0.1)
    going = await case.lab.intake_runs.run(case.reviewer, case.id, made.run.id)
    assert (going.state, going.progress.what) == (RunState.RUNNING, "read")
    with pytest.raises(StateError):  # one at a time
        await case.lab.intake_runs.start(case.reviewer, case.id, Step.READ)
    with pytest.raises(StateError):
        await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv")
    await case.lab.intake_runs.cancel(case.reviewer, case.id, made.run.id)
    await task
    ended = await case.lab.intake_runs.run(case.reviewer, case.id, made.run.id)
    assert (ended.state, ended.error_fr) == (RunState.CANCELLED, "Annulé.")
    assert dossiers.files() == [f"{case.id}/raw.sealed"]
    assert (await case.now()).state is IntakeState.DEPOSITED
    with pytest.raises(StateError):
        await case.lab.intake_runs.cancel(case.reviewer, case.id, made.run.id)


async def test_a_run_that_waits_is_cancelled_at_once(case: Case) -> None:
    await case.open()
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv")
    made = await case.lab.intake_runs.start(case.reviewer, case.id, Step.READ)
    assert made.run is not None
    ended = await case.lab.intake_runs.cancel(case.reviewer, case.id, made.run.id)
    assert ended.state is RunState.CANCELLED
    assert await case.lab.intake_work.work() == 0


async def test_a_run_whose_process_was_killed_is_interrupted_and_started_again(
    case: Case, dossiers: Dossiers, world: World
) -> None:
    await case.open()
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv")
    made = await case.lab.intake_runs.start(case.reviewer, case.id, Step.READ)
    assert made.run is not None
    async with case.lab.store.begin() as tx:
        await tx.intakes.put_run(made.run.started(NOON))
    left = dossiers.place / ".work" / "dead"
    left.mkdir(parents=True)
    (left / "table.parquet").write_bytes(RAW)
    after = await world.lab()
    await after.intake_work.recover()
    run = await after.intake_runs.run(case.reviewer, case.id, made.run.id)
    assert run.state is RunState.INTERRUPTED
    assert "de nouveau" in run.error_fr
    assert dossiers.files() == [f"{case.id}/raw.sealed"]
    assert (await case.do(Step.READ)).state is RunState.DONE


async def test_the_loop_does_what_is_asked_without_being_told_twice(case: Case) -> None:
    await case.open()
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv")
    loop = asyncio.create_task(case.lab.controller.run())
    made = await case.lab.intake_runs.start(case.reviewer, case.id, Step.READ)
    assert made.run is not None
    async with asyncio.timeout(5):
        while (await case.now()).state is not IntakeState.READ:
            await asyncio.sleep(0.02)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def test_another_file_than_the_deposited_is_not_read(case: Case, dossiers: Dossiers) -> None:
    await case.open()
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv")
    await dossiers.quarantine.receive(case.id, sent(b"other"), limit_bytes=99)
    run = await case.do(Step.READ)
    assert (run.state, run.error_code) == (RunState.FAILED, "not_the_deposited")
    assert (run.error_fr[:10], run.error_en[:9]) == ("Ce fichier", "This file")
    assert (await case.now()).state is IntakeState.DEPOSITED


async def test_too_large_a_file_is_refused_and_written_down(case: Case, lab: Lab) -> None:
    await case.open()
    with pytest.raises(InvalidError) as caught:
        await case.lab.intakes.deposit(case.reviewer, case.id, sent(b""), name="p.csv")
    assert codes(caught) == {("raw", "empty")}
    async with lab.store.read() as tx:
        last = (await tx.audit.all())[-1]
    assert (last.action, last.outcome) == ("intake.deposit", "refused")


async def test_who_has_read_an_older_version_is_told(case: Case) -> None:
    await case.open()
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv", version=1)
    with pytest.raises(ConflictError):
        await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv", version=1)
    with pytest.raises(ConflictError):
        await case.lab.intake_runs.start(case.reviewer, case.id, Step.READ, version=1)


async def test_what_is_refused_or_withdrawn_loses_its_raw_file_with_a_certificate(
    case: Case, dossiers: Dossiers
) -> None:
    for close, person in (
        (case.lab.intakes.refuse, case.supervisor),
        (case.lab.intakes.withdraw, case.reviewer),
    ):
        await case.measured()
        with pytest.raises(InvalidError):
            await close(person, case.id, reason=" ")
        closed = await close(person, case.id, reason="Risque trop grand.")
        assert closed.reason == "Risque trop grand."
        assert dossiers.files() != []
        assert await case.lab.intake_work.destroy() == 1
        assert dossiers.files() == []
        assert (await case.now()).destruction is not None
        assert await case.lab.intake_work.destroy() == 0


async def test_a_version_whose_review_is_due_leaves_running_sandboxes_and_is_asked_for_in_vain(
    case: Case, world: World
) -> None:
    await case.published()
    requester = case.people["requester"]
    made = await case.lab.requests.file(
        requester, draft(datasets=(REF.dataset_id, "demandes-prestations"))
    )
    # Anonymised data: two people approve.
    await case.lab.requests.approve(case.reviewer, made.request.id)
    await case.lab.requests.approve(case.supervisor, made.request.id)
    request = await case.lab.requests.get(requester, made.request.id)
    assert request.sandbox_id is not None
    waiting = (
        await case.lab.requests.file(requester, draft(datasets=(REF.dataset_id,), size="moyen"))
    ).request
    assert await case.lab.intake_work._reviews.mark() == []
    world.clock.time = NOON.replace(year=2027)
    assert await case.lab.intake_work._reviews.mark() == [REF]
    assert await case.lab.intake_work._reviews.mark() == []
    async with case.lab.store.read() as tx:
        sandbox = await tx.sandboxes.get(request.sandbox_id)
        actions = [row.action for row in await tx.audit.all()]
    assert sandbox is not None
    assert [ref.dataset_id for ref in sandbox.spec.datasets] == ["demandes-prestations"]
    assert actions[-2:] == ["dataset.to_review", "sandbox.revoke"]
    later = draft().ends_on.replace(year=2027)
    with pytest.raises(InvalidError) as caught:
        await case.lab.requests.file(
            requester, draft(datasets=(f"{REF.dataset_id}@1",), ends_on=later)
        )
    assert codes(caught) == {("datasets", "to_review")}
    world.clock.time = NOON
    with pytest.raises(StateError) as refused:
        await case.lab.requests.approve(case.reviewer, waiting.id)
    assert refused.value.state == "a_reviser"


async def test_a_review_that_passes_makes_it_active_again_for_who_stands_apart(
    case: Case, dossiers: Dossiers, world: World
) -> None:
    await case.published()
    world.clock.time = NOON.replace(year=2027)
    await case.lab.intake_work._reviews.mark()
    with pytest.raises(ForbiddenError):
        await case.lab.intake_runs.start(case.reviewer, case.id, Step.REVIEW)

    async def reviewed(k: int) -> VersionStatus:
        dossiers.pipeline.figures = replace(GOOD, k=k)
        await case.lab.intake_runs.start(case.supervisor, case.id, Step.REVIEW)
        await case.lab.intake_work.work()
        async with case.lab.store.read() as tx:
            version = await tx.datasets.version(REF)
        assert version is not None
        return version.status

    assert await reviewed(11) is VersionStatus.ACTIVE
    assert (await case.now()).next_review_at == NOON.replace(year=2028)
    assert await reviewed(10) is VersionStatus.TO_REVIEW


async def test_what_is_withdrawn_unpublished_or_depersonalised_is_asked_for_in_vain(
    case: Case,
) -> None:
    async def wrong(who: str, **changes: object) -> set[tuple[str, str]]:
        with pytest.raises(InvalidError) as caught:
            await case.lab.requests.file(case.people[who], draft(**changes))
        return codes(caught)

    await case.measured()
    mine = {"datasets": (REF.dataset_id,)}
    assert await wrong("requester", **mine) == {("datasets", "unpublished")}
    theirs = {**mine, "agency_id": "bnf", "colleagues": ()}
    assert await wrong("stranger", **theirs) == {("datasets", "unknown")}
    await case.lab.intakes.withdraw(case.reviewer, case.id, reason="Recommencer.")
    await case.published()
    await case.lab.intakes.withdraw(case.reviewer, case.id, reason="Erreur de source.")
    assert await wrong("requester", **mine) == {("datasets", "version_withdrawn")}
    await case.published(
        dataset="dossiers-bruts",
        asked=DataClass.DEIDENTIFIED,
    )
    bare = {"datasets": ("dossiers-bruts",)}
    assert await wrong("requester", **bare) == {("datasets", "not_mountable")}


async def test_the_register_keeps_what_was_published_whatever_became_of_it(case: Case) -> None:
    await case.published()
    await case.lab.intakes.withdraw(case.reviewer, case.id, reason="Erreur de source.")
    first = case.id
    await case.measured(dataset="autre-table")
    assert [i.id for i in await case.lab.intakes.register(case.reviewer)] == [first]
    bnf = await case.lab.intakes.register(case.reviewer, AgencyId("bnf"))
    assert bnf == []


async def test_a_run_of_another_dossier_is_not_there(case: Case) -> None:
    await case.measured()
    run = (await case.lab.intake_runs.runs(case.reviewer, case.id))[0]
    await case.open(dataset="autre-table")
    with pytest.raises(NotFoundError):
        await case.lab.intake_runs.run(case.reviewer, case.id, run.id)
    with pytest.raises(NotFoundError):
        await case.lab.intake_runs.run(case.reviewer, case.id, RunId("run-0"))


async def test_what_goes_into_a_version_says_nothing_of_what_was_left_out(
    case: Case, dossiers: Dossiers
) -> None:
    seen: list[str] = []
    package = dossiers.pipeline.package

    def spying(treated: object, folder: object, card: object) -> object:
        seen.append(json.dumps(card.evidence, ensure_ascii=False))  # type: ignore[attr-defined]
        return package(treated, folder, card)  # type: ignore[arg-type]

    dossiers.pipeline.package = spying  # type: ignore[method-assign,assignment]
    intake = await case.published()
    assert intake.signature is not None
    assert intake.signature.value in seen[0]
    assert "046…" not in seen[0]
    assert '"nas"' not in seen[0]
    assert Role.SENSITIVE.value in seen[0]


async def test_a_table_that_would_not_fit_in_memory_is_refused_before_anything_is_loaded(
    case: Case, dossiers: Dossiers
) -> None:
    await case.measured()
    called, runs = list(dossiers.pipeline.called), case.lab.intake_runs
    runs._room = lambda: BASE_BYTES
    for step, parameters in ((Step.TREAT, K), (Step.MEASURE, None)):
        with pytest.raises(InvalidError) as refused:
            await runs.start(case.reviewer, case.id, step, parameters=parameters)
        assert codes(refused) == {("table", "over_memory")}
    # Where the API does not know what the process that works may take, that one refuses.
    runs._room = lambda: None
    case.lab.intake_work._steps._room = lambda: BASE_BYTES
    before = await runs.epsilon_left(case.reviewer, case.id)
    run = await case.do(Step.TREAT, **K)
    assert (run.state, run.error_code) == (RunState.FAILED, "over_memory")
    assert "512" in run.error_fr
    assert run.error_fr.startswith("Traiter cette table")
    assert run.error_en.startswith("Treating this table")
    assert dossiers.pipeline.called == called
    assert await runs.epsilon_left(case.reviewer, case.id) == before
    assert (await case.now()).state is IntakeState.MEASURED


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidError([Problem("epsilon", "over_budget", (("left", "1"),))]), "over_budget"),
        (InvalidError([Problem("raw", "not_the_deposited")]), "not_the_deposited"),
        (InvalidError([Problem("x", "of_tomorrow")]), "of_tomorrow"),
        (StateError("intake", "in-1", state="changed", wanted="keep"), "changed"),
        (StateError("intake", "in-1", state="opened", wanted="read"), "wrong_state"),
        (NotReadyError("quarantine", "x", "full"), "not_ready"),
        (ForbiddenError("sign", "x"), "forbidden"),
    ],
)
def test_whatever_ends_a_run_is_said_in_both_languages(error: RequestError, code: str) -> None:
    found, french, english = said_of(error)
    assert found == code
    assert french != english
    assert french.endswith(".")
    assert "{" not in french + english
    assert " cannot " not in french
