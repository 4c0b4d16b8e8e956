from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import httpx
import pytest

from lab.bootstrap.intakes import intake_work
from lab.bootstrap.signing import CertificateSigner
from lab.domain.agency import Agency, Usage
from lab.domain.idleness import IdleRule
from lab.domain.ids import AgencyId
from lab.domain.member import Member, Role
from lab.domain.quantity import GIB, Resources
from lab.domain.token import TokenKind
from lab.services.accounts import AccountService
from lab.services.agencies import AgencyService
from lab.services.audit import AuditService
from lab.services.budgets import UsageService
from lab.services.core import Core
from lab.services.datasets import DatasetService
from lab.services.drafts import DraftService
from lab.services.evidence import EvidenceService
from lab.services.extending import ExtensionService
from lab.services.figures import FigureService
from lab.services.holding import HoldService
from lab.services.intake_runs import IntakeRunService
from lab.services.intakes import IntakeService
from lab.services.journal import Journal
from lab.services.members import MemberService, NewMember
from lab.services.messages import MessageService
from lab.services.notices import NoticeService
from lab.services.requests import RequestService
from lab.services.reviews import ReviewService
from lab.services.sandboxes import SandboxService
from lab.services.teaming import TeamService
from lab.settings import Settings
from lab.store import open_store
from lab.web.app import create_app
from tests.intakes import Dossiers
from tests.kept import once
from tests.web.fakes import (
    FakeAttempts,
    FakeCatalogue,
    FakeLauncher,
    FakeNotebooks,
    FakePasswords,
    FakeProofs,
    Idle,
    Ids,
    publish_samples,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from fastapi import FastAPI

    from lab.ports import Store
    from lab.services.federation import FederationService
    from lab.services.intake_work import IntakeWork
    from lab.store import SqlGrants
    from tests.conftest import FixedClock

PASSWORD = "un long mot de passe"
SECRETS = {
    "session-key": "8f3kd02jslq94mzx7c6v5b1n",
    "hub-api-token": "q7w8e9r0t1y2u3i4o5p6a7s8",
    "hub-oauth-secret": "z1x2c3v4b5n6m7q8w9e0r1t2",
    "metrics-token": "m1n2b3v4c5x6z7l8k9j0h1g2",
    "gateway-key": "p0o9i8u7y6t5r4e3w2q1a2s3",
}


@dataclass
class WebLab:
    settings: Settings
    store: Store
    clock: FixedClock
    journal: Journal
    catalogue: FakeCatalogue
    requests: RequestService
    reviews: ReviewService
    notices: NoticeService
    messages: MessageService
    drafts: DraftService
    sandboxes: SandboxService
    holds: HoldService
    extensions: ExtensionService
    teams: TeamService
    agencies: AgencyService
    usage: UsageService
    members: MemberService
    accounts: AccountService
    datasets: DatasetService
    audit: AuditService
    notebooks: FakeNotebooks
    attempts: FakeAttempts
    proofs: FakeProofs
    evidence: EvidenceService
    intakes: IntakeService
    intake_runs: IntakeRunService
    intake_work: IntakeWork
    dossiers: Dossiers
    launcher: FakeLauncher = field(default_factory=FakeLauncher)
    grants: SqlGrants | None = None
    controller: Idle = field(default_factory=Idle)
    people: dict[str, Member] = field(default_factory=dict)
    federation: FederationService | None = None
    figures: FigureService = field(init=False)

    def __post_init__(self) -> None:
        self.figures = FigureService(
            store=self.store, clock=self.clock, proofs=self.proofs, zone=self.settings.zone
        )


def settings_in(folder: Path, port: int = 8000) -> Settings:
    settings = Settings(state_dir=folder / "etat", run_dir=folder / "run", port=port)
    settings.secrets_dir.mkdir(parents=True)
    for name, value in SECRETS.items():
        (settings.secrets_dir / name).write_text(value + "\n")
    return settings


async def build_lab(settings: Settings, clock: FixedClock) -> WebLab:
    store = await open_store("sqlite+aiosqlite://")
    journal = Journal(store=store, clock=clock)
    catalogue, ids = FakeCatalogue(), Ids()
    notebooks, attempts = FakeNotebooks(settings.public_url), FakeAttempts()
    dossiers = Dossiers(settings.state_dir / "dossiers")
    signer = CertificateSigner("a key of the tests, long enough")
    parts = {"store": store, "clock": clock, "journal": journal, "catalogue": catalogue}
    core = Core(**parts, new_id=ids, zone=ZoneInfo("America/Toronto"), wake=lambda: None)
    requests = RequestService(core)
    lab = WebLab(
        dossiers=dossiers,
        intakes=IntakeService(core, quarantine=dossiers.quarantine, sign=signer.sign_bytes),
        intake_runs=IntakeRunService(core),
        intake_work=intake_work(
            settings,
            dossiers.intaking(),
            **parts,
            signer=signer,
            new_id=ids,
            guard=lambda: None,
        ),
        settings=settings,
        store=store,
        clock=clock,
        journal=journal,
        catalogue=catalogue,
        requests=requests,
        reviews=ReviewService(core),
        notices=NoticeService(store=store, clock=clock, journal=journal),
        messages=MessageService(core),
        drafts=DraftService(core, requests=requests),
        sandboxes=SandboxService(
            core, notebooks=notebooks, attempts=attempts, idle=IdleRule(settings.notebook_idle)
        ),
        holds=HoldService(core),
        extensions=ExtensionService(core),
        teams=TeamService(core, notebooks=notebooks, can_grow=True),
        agencies=AgencyService(core),
        usage=UsageService(core),
        members=MemberService(core, passwords=FakePasswords()),
        accounts=AccountService(store=store, clock=clock, journal=journal, notebooks=notebooks),
        datasets=DatasetService(store=store, journal=journal),
        audit=AuditService(store=store, journal=journal),
        notebooks=notebooks,
        attempts=attempts,
        proofs=FakeProofs(),
        evidence=EvidenceService(store=store, clock=clock, wake=lambda: None),
    )

    async def fill_it() -> tuple[dict[str, Member], int]:
        await fill(lab)
        return dict(lab.people), ids.last

    people, ids.last = await once(store, ("web", clock.now()), fill_it)
    lab.people.update(people)
    return lab


PEOPLE = (
    ("a.tremblay", "Alice Tremblay", "rft", {Role.REQUESTER, Role.SCIENTIST}),
    ("b.gagnon", "Bernard Gagnon", "rft", {Role.SCIENTIST}),
    ("c.roy", "Chantal Roy", "sqd", {Role.REQUESTER}),
    ("o.lavoie", "Odile Lavoie", None, {Role.OPERATOR}),
    ("r.cote", "Rémi Côté", None, {Role.REVIEWER}),
    ("s.morin", "Sylvie Morin", None, {Role.REVIEWER}),
)


async def fill(lab: WebLab) -> None:
    quota = Usage(Resources(4000, 8 * GIB, 40 * GIB), 3)
    async with lab.store.begin() as tx:
        for code, name in (("rft", "Régie fictive des transports"), ("sqd", "Société des quais")):
            await tx.agencies.put(Agency(AgencyId(code), name, f"{name} (EN)", quota, 90))
    for login, name, agency, roles in PEOPLE:
        member = await lab.members.create(
            None, NewMember(login, name, AgencyId(agency) if agency else None, frozenset(roles))
        )
        lab.people[login] = await lab.members.set_password(None, member.login, PASSWORD)
    await publish_samples(lab.datasets)


@pytest.fixture
async def lab(tmp_path: Path, clock: FixedClock) -> AsyncIterator[WebLab]:
    built = await build_lab(settings_in(tmp_path), clock)
    yield built
    await built.store.aclose()


@pytest.fixture
def app(lab: WebLab) -> FastAPI:
    return create_app(lab, run_controller=False)


@dataclass
class Browser:
    """A person's browser, or a program with a token: keeps cookies, fills in the proof."""

    client: httpx.AsyncClient

    async def get(self, path: str, **more: object) -> httpx.Response:
        return await self.client.get(path, **more)

    async def post(self, path: str, data: object = None, *, page: str = "") -> httpx.Response:
        found = await self.client.get(page or path)
        match = re.search(r'name="csrf" value="([0-9a-f]{64})"', found.text)
        proof = match[1] if match else ""
        return await self.client.post(path, data={"csrf": proof, **(data or {})})


class Users:
    def __init__(self, app: FastAPI, lab: WebLab) -> None:
        self._app, self._lab = app, lab
        self._open: list[httpx.AsyncClient] = []

    def nobody(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self._app)
        client = httpx.AsyncClient(
            transport=transport, base_url=self._lab.settings.public_url, headers=headers
        )
        self._open.append(client)
        return client

    async def api(self, login: str) -> httpx.AsyncClient:
        token = await self._lab.members.issue(self._lab.people[login], TokenKind.API)
        return self.nobody(Authorization=f"Bearer {token}")

    async def browser(self, login: str) -> Browser:
        client = self.nobody()
        token = await self._lab.members.issue(self._lab.people[login], TokenKind.SESSION)
        client.cookies.set("vaseclos-session", token, domain="vaseclos.localhost")
        return Browser(client)

    async def aclose(self) -> None:
        for client in self._open:
            await client.aclose()


@pytest.fixture
async def users(app: FastAPI, lab: WebLab) -> AsyncIterator[Users]:
    made = Users(app, lab)
    yield made
    await made.aclose()


def draft(**changes: object) -> dict[str, object]:
    return {
        "agency_id": "rft",
        "purpose": "Réduire le délai de traitement des demandes.",
        "datasets": ["demandes-prestations"],
        "template": "01-depart",
        "size": "petit",
        "profile": "standard",
        "ends_on": "2026-12-05",
        "colleagues": ["b.gagnon"],
    } | changes
