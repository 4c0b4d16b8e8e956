from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lab.domain.agency import Agency, Reservation, Usage
from lab.domain.attempt import BlockedAttempt, Rule
from lab.domain.audit import AuditEvent
from lab.domain.certificate import DeletionCertificate, Gone
from lab.domain.dataset import Column, DataClass, Dataset, DatasetFile, DatasetRef, DatasetVersion
from lab.domain.evidence import (
    Analysis,
    ColumnChoice,
    ColumnFinding,
    Destruction,
    Figures,
    Hit,
    PrivacyPolicy,
    RawFile,
    Scope,
    Signature,
    Technique,
    Treatment,
)
from lab.domain.ids import (
    AgencyId,
    DatasetId,
    IntakeId,
    MemberId,
    ProfileId,
    RequestId,
    RunId,
    SandboxId,
    TemplateId,
)
from lab.domain.intake import Intake
from lab.domain.intake_review import Review
from lab.domain.intake_run import Run, Step
from lab.domain.member import Member, Role
from lab.domain.privacy import Criterion
from lab.domain.privacy import Role as ColumnRole
from lab.domain.quantity import GIB, Resources
from lab.domain.request import SandboxRequest
from lab.domain.sandbox import Fact, Sandbox, SandboxSpec, Seen, Stage, StageState
from lab.domain.token import Token, TokenKind
from tests.conftest import NOON

if TYPE_CHECKING:
    from lab.store import SqlStore

RFT = AgencyId("rft")
OTHER = AgencyId("autre")
ALICE, BENOIT, CLAIRE = MemberId("m-a"), MemberId("m-b"), MemberId("m-c")
SMALL = Resources(1000, 2 * GIB, 5 * GIB, 0)
ODD = "Échéance « l’été »: 🧪\u00a0; '\"\\ -- <b>%s</b> \u202e \r\n\t 漢字 \U0010ffff"


def agency(agency_id: AgencyId = RFT, **changes: Any) -> Agency:
    quota = Usage(Resources(10_000, 20 * GIB, 50 * GIB, 1), 10)
    return replace(Agency(agency_id, ODD, "Office", quota, 30), **changes)


def member(member_id: MemberId = ALICE, login: str = "Alice", **changes: Any) -> Member:
    roles = frozenset({Role.REQUESTER, Role.SCIENTIST})
    return replace(Member(member_id, login, ODD, RFT, roles, "$argon2id$x"), **changes)


def token(token_hash: str = "h1", **changes: Any) -> Token:
    good = Token(
        hash=token_hash,
        kind=TokenKind.SESSION,
        member_id=ALICE,
        created_at=NOON,
        expires_at=NOON + timedelta(hours=1),
        facts={"label": ODD},
    )
    return replace(good, **changes)


def request(request_id: str = "rq-1", **changes: Any) -> SandboxRequest:
    good = SandboxRequest(
        id=RequestId(request_id),
        agency_id=RFT,
        requester_id=ALICE,
        purpose=ODD,
        datasets=(DatasetRef(DatasetId("demandes"), 2), DatasetRef(DatasetId("rand"), 1)),
        template_id=TemplateId("01-depart"),
        size="petit",
        resources=SMALL,
        profile_id=ProfileId("ferme"),
        ends_on=date(2026, 12, 24),
        expires_at=NOON + timedelta(days=33, microseconds=7),
        team=(BENOIT, ALICE),
        filed_at=NOON,
        answers={"purpose": {"success": (ODD,)}, "team": {"colleagues": ("a", "b")}},
        writers=frozenset({BENOIT, ALICE}),
    )
    return replace(good, **changes)


def sandbox(sandbox_id: str = "sb-1", **changes: Any) -> Sandbox:
    spec = SandboxSpec(
        agency_id=RFT,
        template_id=TemplateId("01-depart"),
        profile_id=ProfileId("ferme"),
        resources=SMALL,
        members=(BENOIT, ALICE),
        datasets=(DatasetRef(DatasetId("rand"), 1),),
        expires_at=NOON + timedelta(days=3),
    )
    return replace(Sandbox(SandboxId(sandbox_id), RequestId("rq-1"), spec, NOON), **changes)


def stage(which: Stage = Stage.DATA, **changes: Any) -> StageState:
    state = StageState(
        sandbox_id=SandboxId("sb-1"),
        stage=which,
        seen=Seen.READY,
        since=NOON,
        detail=ODD,
        facts=(Fact("bucket", "sb-1", is_present=True), Fact("clé", ODD, is_present=False)),
        started_at=NOON,
        ready_at=NOON + timedelta(seconds=2),
        error_code="provider_failed",
        error_detail="x",
        failures=3,
        next_try_at=NOON,
    )
    return replace(state, **changes)


def certificate(**changes: Any) -> DeletionCertificate:
    gone = (Gone(Stage.DATA, "bucket", ODD, NOON), Gone(Stage.WORKSPACE, "server", "x", NOON))
    whole = DeletionCertificate(
        SandboxId("sb-1"), RequestId("rq-1"), RFT, "asked", NOON, NOON, gone, "ab"
    )
    return replace(whole, **changes)


def attempt(target: str = "93.184.216.34:443", **changes: Any) -> BlockedAttempt:
    one = BlockedAttempt(SandboxId("sb-1"), ALICE, Rule.NO_NETWORK, target, NOON, NOON)
    return replace(one, **changes)


def dataset(dataset_id: str = "demandes", **changes: Any) -> Dataset:
    good = Dataset(
        DatasetId(dataset_id), ODD, "t", "d", "d", DataClass.SYNTHETIC, "CC-BY-4.0", "generator"
    )
    return replace(good, **changes)


def version(number: int = 1, **changes: Any) -> DatasetVersion:
    good = DatasetVersion(
        ref=DatasetRef(DatasetId("demandes"), number),
        row_count=50_000,
        columns=(Column("âge", "integer", "Âge", "Age"), Column("b", "string", ODD, "b")),
        files=(DatasetFile("demandes.parquet", 7 * GIB, "ab" * 32, "application/x-parquet"),),
        published_at=NOON,
    )
    return replace(good, **changes)


POLICY = PrivacyPolicy(
    k_between=11,
    k_inside=5,
    attack_risk_upper=0.09,
    epsilon_total=Decimal(3),
    review_months=12,
    raw_limit_bytes=10 * GIB,
)


def intake(intake_id: str = "in-1", **changes: Any) -> Intake:
    good = Intake(
        id=IntakeId(intake_id),
        dataset_id=DatasetId("demandes"),
        agency_id=RFT,
        title_fr=ODD,
        title_en="t",
        description_fr="d",
        description_en="d",
        purposes=ODD,
        licence="CC-BY-4.0",
        source="s",
        asked=DataClass.ANONYMISED,
        scope=Scope.BETWEEN,
        depositor_id=ALICE,
        supervisor_id=BENOIT,
        requester_id=None,
        opened_at=NOON,
    )
    return replace(good, **changes)


def whole_intake(**changes: Any) -> Intake:
    figures = Figures(11, {Criterion.INFERENCE: 0.07}, control_held=True)
    analysis = Analysis(NOON, figures, {"texte": ODD, "a": [1, 2.5, None]}, ("k_too_small",))
    hits = (Hit("nas", 0.98, ("046 *** ***",)),)
    good = intake(
        requester_id=CLAIRE,
        raw=RawFile(ODD, 7 * GIB, "ab" * 32, NOON),
        row_count=30_162,
        findings=(
            ColumnFinding("âge", "integer", ColumnRole.QUASI_IDENTIFIER, 0.5, 9, hits=hits),
        ),
        choices=(ColumnChoice("âge", ColumnRole.OTHER, label_fr=ODD, hierarchy="1;*\n"),),
        confirmed_by=ALICE,
        preliminary=analysis,
        treatment=Treatment(
            Technique.SYNTHESIS, {"epsilon": 1}, {"é": [1]}, 9, ALICE, NOON, Decimal("0.1")
        ),
        final=replace(analysis, failures=()),
        policy=POLICY,
        signature=Signature(BENOIT, NOON, "cd" * 32),
        publish_asked_at=NOON,
        published=DatasetRef(DatasetId("demandes"), 2),
        published_at=NOON,
        next_review_at=NOON + timedelta(days=365),
        reviews=(
            Review(at=NOON, by=None, k=12, report={"é": [1]}, failures=(), policy=POLICY),
            Review(
                at=NOON,
                by=None,
                k=12,
                report={},
                failures=(),
                policy=POLICY,
                confirmation=Signature(ALICE, NOON, "ab" * 32),
            ),
            Review(at=NOON, by=BENOIT, k=None, report={}, failures=("x",), policy=POLICY),
        ),
        destruction=Destruction(("raw", "table"), NOON, "ef" * 32),
        reason=ODD,
    )
    return replace(good, **changes)


def run(run_id: str = "run-1", **changes: Any) -> Run:
    good = Run(
        id=RunId(run_id),
        intake_id=IntakeId("in-1"),
        step=Step.TREAT,
        asked_by=ALICE,
        asked_at=NOON,
        parameters={"k": 11, "é": ODD},
    )
    return replace(good, **changes)


def event(action: str = "request.approve", **changes: Any) -> AuditEvent:
    good = AuditEvent(NOON, ALICE, action, "request", "rq-1", RFT, facts={"b": ODD, "a": "1"})
    return replace(good, **changes)


def reservation(holder: str = "rq-1", **changes: Any) -> Reservation:
    return replace(Reservation(RFT, holder, Usage(SMALL, 1)), **changes)


async def furnish(store: SqlStore) -> None:
    async with store.begin() as tx:
        await tx.agencies.put(agency())
        await tx.agencies.put(agency(OTHER))
        await tx.members.put(member())
        await tx.members.put(member(BENOIT, "benoît"))
        await tx.sandboxes.put(sandbox())
