from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from lab.bootstrap.signing import CertificateSigner
from lab.domain.audit import first_break
from lab.domain.dataset import DataClass, DatasetRef, VersionStatus
from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    StateError,
)
from lab.domain.ids import AgencyId, DatasetId, IntakeId, RunId
from lab.domain.intake_content import destruction_content, signed_content
from lab.domain.intake_run import RunState, Step
from lab.domain.intake_states import IntakeState
from lab.domain.privacy import Role
from lab.services.keys import IdempotencyKey
from tests.conftest import NOON
from tests.intakes import CHOICES, FINDINGS, GOOD, RAW, Dossiers, intake_draft, sent
from tests.world import World, draft, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab.bootstrap import Lab
    from lab.domain.intake import Intake
    from lab.domain.intake_run import Run

K = {"technique": "k-anonymat"}
REF = DatasetRef(DatasetId("prestations-2026"), 1)


@pytest.fixture
def dossiers(tmp_path: Path) -> Dossiers:
    return Dossiers(tmp_path)


@pytest.fixture
async def world(dossiers: Dossiers) -> AsyncIterator[World]:
    async with new_world() as made:
        made.dossiers = dossiers.intaking()
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


class Case:
    """One dossier and the people around it."""

    def __init__(self, lab: Lab, world: World) -> None:
        self.lab, self.people = lab, world.people
        self.reviewer, self.supervisor = world.people["reviewer"], world.people["supervisor"]
        self.id = IntakeId("")

    async def now(self) -> Intake:
        return await self.lab.intakes.get(self.reviewer, self.id)

    async def open(self, **changes: object) -> Intake:
        made = await self.lab.intakes.open(self.reviewer, intake_draft(**changes))
        self.id = made.intake.id
        return made.intake

    async def do(self, step: Step, **parameters: object) -> Run:
        made = await self.lab.intake_runs.start(
            self.reviewer, self.id, step, parameters=parameters or None
        )
        assert made.run is not None
        await self.lab.intake_work.work()
        return await self.lab.intake_runs.run(self.reviewer, self.id, made.run.id)

    async def last(self, step: Step) -> Run:
        runs = await self.lab.intake_runs.runs(self.reviewer, self.id)
        return next(run for run in runs if run.step is step)

    async def measured(self, parameters: dict[str, object] = K, **changes: object) -> Intake:
        await self.open(**changes)
        await self.lab.intakes.deposit(self.reviewer, self.id, sent(), name="p.csv")
        assert (await self.do(Step.READ)).state is RunState.DONE
        await self.lab.intakes.confirm(self.reviewer, self.id, CHOICES)
        assert (await self.do(Step.TREAT, **parameters)).state is RunState.DONE
        assert (await self.do(Step.MEASURE)).state is RunState.DONE
        return await self.now()

    async def published(self, **changes: object) -> Intake:
        await self.measured(**changes)
        await self.lab.intakes.sign(self.supervisor, self.id)
        await self.lab.intake_runs.publish(self.reviewer, self.id)
        await self.lab.intake_work.work()
        return await self.now()


@pytest.fixture
def case(lab: Lab, world: World) -> Case:
    return Case(lab, world)


def codes(error: pytest.ExceptionInfo[InvalidError]) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in error.value.problems}


async def test_a_table_becomes_a_version_with_its_evidence_and_the_raw_file_goes(
    case: Case, dossiers: Dossiers
) -> None:
    intake = await case.published()
    assert (intake.state, intake.published) == (IntakeState.PUBLISHED, REF)
    assert intake.next_review_at == NOON.replace(year=2027)
    version, files = dossiers.publications.kept[REF]
    assert RAW in files["data.parquet"]
    assert [column.name for column in version.columns] == ["sexe", "montant"]
    assert dossiers.files() == []
    assert intake.destruction is not None
    signer = CertificateSigner("a key of the tests, long enough")
    assert intake.destruction.gone == tuple(
        f"{intake.id}/{name}.sealed" for name in ("raw", "table", "treated")
    )
    assert intake.destruction.value == signer.sign_bytes(
        destruction_content(intake, intake.destruction)
    )
    assert intake.signature is not None
    assert intake.signature.value == signer.sign_bytes(signed_content(intake, intake.signature))
    async with case.lab.store.read() as tx:
        rows = await tx.audit.all()
        kept = await tx.datasets.version(REF)
    assert first_break(rows) is None
    done = [row.action for row in rows if row.outcome == "done" and "member" not in row.action]
    assert done == [
        *("intake.open", "intake.deposit", "intake.read", "intake.read.done", "intake.confirm"),
        *("intake.treat", "intake.treat.done", "intake.measure", "intake.measure.done"),
        *("intake.sign", "intake.publish", "dataset.publish", "intake.publish.done"),
        "intake.destroy",
    ]
    assert kept is not None
    assert (kept.status, kept.next_review_at) == (VersionStatus.ACTIVE, intake.next_review_at)
    filed = await case.lab.requests.file(
        case.people["requester"], draft(datasets=(REF.dataset_id,))
    )
    assert filed.request.datasets == (REF,)


async def test_purposes_and_people_come_first_and_every_wrong_field_is_named(case: Case) -> None:
    with pytest.raises(InvalidError) as caught:
        await case.open(
            purposes=" ",
            dataset="Pas Bon",
            agency_id="rien",
            title_en="",
            supervisor="scientist",
            requester="stranger",
        )
    assert codes(caught) == {
        ("purposes", "required"),
        ("dataset", "bad_format"),
        ("agency_id", "unknown"),
        ("title_en", "required"),
        ("supervisor", "unknown"),
        ("requester", "unknown"),
    }


async def test_the_supervisor_is_neither_depositor_nor_requester(case: Case) -> None:
    for supervisor in ("reviewer", "requester"):
        with pytest.raises(InvalidError) as caught:
            await case.open(supervisor=supervisor)
        assert codes(caught) == {("supervisor", "not_apart")}


async def test_a_name_is_one_agencys_and_of_one_status(case: Case) -> None:
    with pytest.raises(InvalidError) as caught:
        await case.open(dataset="demandes-prestations")  # what the lab ships
    assert codes(caught) == {("dataset", "taken")}
    await case.published()
    with pytest.raises(InvalidError) as caught:
        await case.open(agency_id="bnf", requester="")
    assert codes(caught) == {("dataset", "taken")}
    with pytest.raises(InvalidError) as caught:
        await case.open(asked=DataClass.SYNTHETIC)
    assert codes(caught) == {("asked", "other_class")}
    again = await case.published()
    assert again.published == replace(REF, version=2)


async def test_the_same_key_opens_one_dossier_and_starts_one_run(case: Case) -> None:
    key = IdempotencyKey.of("k", {"a": 1})
    opened = [await case.lab.intakes.open(case.reviewer, intake_draft(), key=key) for _ in "ab"]
    assert [made.is_replay for made in opened] == [False, True]
    assert len({made.intake.id for made in opened}) == 1
    other = IdempotencyKey.of("k", {"a": 2})
    with pytest.raises(KeyReusedError):
        await case.lab.intakes.open(case.reviewer, intake_draft(), key=other)
    case.id = opened[0].intake.id
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv")
    started = [
        await case.lab.intake_runs.start(
            case.reviewer, case.id, Step.READ, key=IdempotencyKey.of("r", {})
        )
        for _ in "ab"
    ]
    assert started[0].run == started[1].run


async def test_who_has_no_part_neither_sees_nor_does_anything(case: Case) -> None:
    await case.open(requester="")
    service, runs = case.lab.intakes, case.lab.intake_runs
    for who in ("requester", "scientist", "stranger"):
        person = case.people[who]
        with pytest.raises(ForbiddenError):
            await service.open(person, intake_draft())
        with pytest.raises(ForbiddenError):
            await service.register(person)
        for call in (
            service.get(person, case.id),
            service.deposit(person, case.id, sent(), name="x"),
            service.confirm(person, case.id, CHOICES),
            service.sign(person, case.id),
            runs.start(person, case.id, Step.READ),
        ):
            with pytest.raises(NotFoundError):
                await call


async def test_who_asked_for_it_may_read_it_and_never_sign_it(case: Case) -> None:
    await case.measured()
    requester = case.people["requester"]
    assert (await case.lab.intakes.get(requester, case.id)).id == case.id
    assert [i.id for i in (await case.lab.intakes.page(requester)).items] == [case.id]
    assert list((await case.lab.intakes.page(case.people["stranger"])).items) == []
    for person in (requester, case.reviewer):
        with pytest.raises(ForbiddenError):
            await case.lab.intakes.sign(person, case.id)
    with pytest.raises(ForbiddenError):
        await case.lab.intake_runs.publish(requester, case.id)


async def test_each_step_waits_for_the_one_before(case: Case) -> None:
    await case.open()
    for step in (Step.READ, Step.MEASURE, Step.REVIEW):
        with pytest.raises((StateError, ForbiddenError)):
            await case.lab.intake_runs.start(case.reviewer, case.id, step)
    with pytest.raises(StateError):
        await case.lab.intake_runs.start(case.reviewer, case.id, Step.TREAT, parameters=K)
    with pytest.raises(StateError):
        await case.lab.intakes.confirm(case.reviewer, case.id, CHOICES)
    with pytest.raises(StateError):
        await case.lab.intakes.sign(case.supervisor, case.id)
    with pytest.raises(StateError):
        await case.lab.intake_runs.publish(case.reviewer, case.id)


async def test_every_column_is_confirmed_and_no_identifier_goes_on(case: Case) -> None:
    await case.open()
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="p.csv")
    await case.do(Step.READ)
    assert (await case.now()).findings == FINDINGS
    kept, *rest = CHOICES
    for choices, wrong in (
        (rest, {("columns", "unconfirmed")}),
        ([replace(kept, keep=True), *rest], {("columns", "identifier_kept")}),
        ([*CHOICES, replace(kept, name="autre")], {("columns", "unknown")}),
        ([*CHOICES, kept], {("columns", "given_twice")}),
        ([replace(choice, keep=False) for choice in CHOICES], {("columns", "nothing_kept")}),
    ):
        with pytest.raises(InvalidError) as caught:
            await case.lab.intakes.confirm(case.reviewer, case.id, choices)
        assert codes(caught) == wrong
    confirmed = await case.lab.intakes.confirm(case.reviewer, case.id, CHOICES[::-1])
    assert confirmed.choices == CHOICES


async def test_what_does_not_pass_is_never_signed_nor_published(
    case: Case, dossiers: Dossiers
) -> None:
    dossiers.pipeline.figures = replace(GOOD, control_held=False)
    intake = await case.measured()
    assert intake.final is not None
    assert intake.final.failures == ("control_failed",)
    with pytest.raises(StateError):
        await case.lab.intakes.sign(case.supervisor, case.id)
    with pytest.raises(StateError):
        await case.lab.intake_runs.publish(case.reviewer, case.id)
    assert dossiers.publications.kept == {}


async def test_a_smaller_k_than_the_policys_is_refused_at_once(case: Case) -> None:
    await case.measured()
    for parameters, wrong in (
        ({**K, "k": 10}, ("k", "below_threshold")),
        ({"technique": "aucune"}, ("technique", "wrong_technique")),
    ):
        with pytest.raises(InvalidError) as caught:
            await case.lab.intake_runs.start(
                case.reviewer, case.id, Step.TREAT, parameters=parameters
            )
        assert codes(caught) == {wrong}


async def test_epsilon_is_counted_over_the_life_of_the_source(
    case: Case, dossiers: Dossiers
) -> None:
    parameters = {"technique": "synthese", "epsilon": "1.2", "delta": "1e-9"}
    await case.measured(parameters, asked=DataClass.SYNTHETIC)
    assert await case.lab.intake_runs.epsilon_left(case.reviewer, case.id) == Decimal("1.8")
    dossiers.pipeline.raises = ValueError("in the middle")
    assert (await case.do(Step.TREAT, **parameters)).state is RunState.FAILED
    dossiers.pipeline.raises = None
    assert await case.lab.intake_runs.epsilon_left(case.reviewer, case.id) == Decimal("0.6")
    # The same file under another name has the same budget.
    await case.open(dataset="autre-nom", asked=DataClass.SYNTHETIC)
    await case.lab.intakes.deposit(case.reviewer, case.id, sent(), name="q.csv")
    await case.do(Step.READ)
    await case.lab.intakes.confirm(case.reviewer, case.id, CHOICES)
    with pytest.raises(InvalidError) as caught:
        await case.do(Step.TREAT, **parameters)
    assert codes(caught) == {("epsilon", "over_budget")}
    assert (await case.do(Step.TREAT, technique="synthese", epsilon="0.6")).state is RunState.DONE
    assert await case.lab.intake_runs.epsilon_left(case.reviewer, case.id) == 0


async def test_a_later_treatment_that_did_not_end_is_never_published_as_the_earlier_one(
    case: Case, dossiers: Dossiers
) -> None:
    intake = await case.measured()
    await case.lab.intakes.sign(case.supervisor, case.id)
    with dossiers.quarantine.opened(intake.id) as work:
        other = work.folder / "x"
        other.write_bytes(b"another table")
        work.seal(other, "treated")
    await case.lab.intake_runs.publish(case.reviewer, case.id)
    await case.lab.intake_work.work()
    run = await case.last(Step.PUBLISH)
    assert (run.state, run.error_code) == (RunState.FAILED, "wrong_state")
    assert dossiers.publications.kept == {}


async def test_evidence_that_was_changed_after_the_signature_is_not_published(
    case: Case, dossiers: Dossiers
) -> None:
    await case.measured()
    signed = await case.lab.intakes.sign(case.supervisor, case.id)
    async with case.lab.store.begin() as tx:
        await tx.intakes.put(replace(signed, purposes="Autre chose."))
    await case.lab.intake_runs.publish(case.reviewer, case.id)
    await case.lab.intake_work.work()
    run = await case.last(Step.PUBLISH)
    assert run.state is RunState.FAILED
    assert dossiers.publications.kept == {}


async def test_a_publication_that_failed_half_way_is_done_again_with_the_same_bytes(
    case: Case, dossiers: Dossiers, world: World
) -> None:
    await case.measured()
    await case.lab.intakes.sign(case.supervisor, case.id)
    dossiers.publications.fails = True
    await case.lab.intake_runs.publish(case.reviewer, case.id)
    await case.lab.intake_work.work()
    assert (await case.now()).state is IntakeState.SIGNED
    dossiers.publications.fails = False
    world.clock.time += timedelta(hours=3)
    await case.lab.intake_runs.publish(case.reviewer, case.id)
    await case.lab.intake_work.work()
    intake = await case.now()
    assert (intake.state, intake.published_at) == (IntakeState.PUBLISHED, NOON)
    again = await case.lab.intake_runs.publish(case.reviewer, case.id)
    assert again.is_replay
    assert await case.lab.intake_work.work() == 0


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
    assert (run.state, run.error_code) == (RunState.FAILED, "invalid")
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
    await case.lab.requests.approve(case.reviewer, made.request.id)
    request = await case.lab.requests.get(requester, made.request.id)
    assert request.sandbox_id is not None
    waiting = (
        await case.lab.requests.file(requester, draft(datasets=(REF.dataset_id,), size="moyen"))
    ).request
    assert await case.lab.intake_work.review() == []
    world.clock.time = NOON.replace(year=2027)
    assert await case.lab.intake_work.review() == [REF]
    assert await case.lab.intake_work.review() == []
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
    await case.lab.intake_work.review()
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
