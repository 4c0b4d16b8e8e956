from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from lab.bootstrap.signing import CertificateSigner
from lab.domain.audit import first_break
from lab.domain.dataset import DataClass, VersionStatus
from lab.domain.errors import (
    ForbiddenError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    StateError,
)
from lab.domain.intake_content import destruction_content, signed_content
from lab.domain.intake_run import RunState, Step
from lab.domain.intake_states import IntakeState
from lab.domain.privacy import Role
from lab.services.keys import IdempotencyKey
from tests.conftest import NOON
from tests.intakes import CHOICES, FINDINGS, GOOD, RAW, Dossiers, intake_draft, sent
from tests.services.intakes.case import REF, Case, K, codes
from tests.world import World, draft


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
        ([replace(kept, keep=True, role=Role.OTHER), *rest], {("columns", "identifier_kept")}),
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
    assert (run.state, run.error_code) == (RunState.FAILED, "altered")
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
