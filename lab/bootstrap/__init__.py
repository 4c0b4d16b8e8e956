"""The one place where parts are put together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.bootstrap.clock import SystemClock
from lab.bootstrap.federation import federation
from lab.bootstrap.intakes import Intaking, intake_work, intaking
from lab.bootstrap.launching import LocalLauncher
from lab.bootstrap.mail import post_office
from lab.bootstrap.opening import opened
from lab.bootstrap.outside import Outside, outside
from lab.bootstrap.passwords import Argon2Passwords
from lab.bootstrap.room import room
from lab.bootstrap.signing import CertificateSigner
from lab.catalogue import FileCatalogue
from lab.controller.loop import Controller
from lab.controller.queue import WorkQueue
from lab.controller.reconciler import Pace, SandboxReconciler
from lab.domain.idleness import IdleRule
from lab.domain.ids import SandboxId
from lab.services.accounts import AccountService
from lab.services.agencies import AgencyService
from lab.services.audit import AuditService
from lab.services.budgets import BudgetWatch, UsageService
from lab.services.core import Core
from lab.services.datasets import DatasetService
from lab.services.drafts import DraftService
from lab.services.evidence import EvidenceService
from lab.services.extending import ExtensionService
from lab.services.figures import FigureService
from lab.services.holding import HoldService
from lab.services.idling import IdleLook
from lab.services.intake_runs import IntakeRunService
from lab.services.intakes import IntakeService
from lab.services.journal import Journal
from lab.services.members import MemberService
from lab.services.messages import MessageService
from lab.services.notices import NoticeService
from lab.services.requests import RequestService
from lab.services.reviews import ReviewService
from lab.services.sandboxes import SandboxService
from lab.services.teaming import TeamService, stop_strays
from lab.services.telling import NoticeWork

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lab.domain.sandbox import Stage
    from lab.ports import (
        CatalogueSource,
        Clock,
        GrantSnapshots,
        Launcher,
        Post,
        ProofSource,
        Provider,
        Store,
    )
    from lab.services.federation import FederationService
    from lab.services.intake_work import IntakeWork
    from lab.settings import Settings
    from lab.store import SqlStore

__all__ = ["Intaking", "Lab", "Outside", "SystemClock", "build", "new_id", "outside"]

ID_BYTES = 5
"""40 random bits: 10 hexadecimal digits. A clash is refused by the store, never overwritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Everything an entry point may use."""

    settings: Settings
    store: Store
    clock: Clock
    journal: Journal
    catalogue: CatalogueSource
    requests: RequestService
    reviews: ReviewService
    notices: NoticeService
    messages: MessageService
    notice_work: NoticeWork
    drafts: DraftService
    sandboxes: SandboxService
    holds: HoldService
    extensions: ExtensionService
    teams: TeamService
    agencies: AgencyService
    usage: UsageService
    members: MemberService
    accounts: AccountService
    federation: FederationService | None
    datasets: DatasetService
    intakes: IntakeService
    intake_runs: IntakeRunService
    intake_work: IntakeWork
    audit: AuditService
    evidence: EvidenceService
    figures: FigureService
    controller: Controller
    providers: Mapping[Stage, Provider]
    launcher: Launcher
    proofs: ProofSource
    grants: GrantSnapshots | None
    signer: CertificateSigner
    systems: Outside

    async def aclose(self) -> None:
        """Let go of every connection."""
        if self.federation is not None:
            await self.federation.aclose()
        await self.systems.aclose()
        await self.store.aclose()


async def build(
    settings: Settings,
    *,
    store: SqlStore | None = None,
    clock: Clock | None = None,
    systems: Outside | None = None,
    dossiers: Intaking | None = None,
    post: Post | None = None,
    certificate_key: str = "",
    acts: bool = True,
    guard: Callable[[], None] = lambda: None,
) -> Lab:
    """Put the lab together. Tests pass the parts they want to hold.

    Args:
        settings: Of this process.
        store: Instead of the one that the settings name.
        clock: Instead of the machine's.
        systems: Instead of those that the settings choose.
        dossiers: The same, of those that dossiers need.
        certificate_key: Instead of the secret's.
        post: Where mail is handed over, instead of the settings'.
        acts: Whether this process runs the loop. On a cluster only then may it
            reach what sandboxes are made of.
        guard: Raises where the loop may not act any more.

    Raises:
        StoreError: The database cannot be opened.
        PolicyError: A policy file is wrong.
    """
    clock = clock or SystemClock()
    catalogue = FileCatalogue(
        policies_dir=settings.policies_dir, templates_dir=settings.templates_dir
    )
    catalogue.catalogue()  # a wrong policy file is told now, not at the first request
    store = store or await opened(settings)
    systems = systems or outside(settings, catalogue, store, acts=acts)
    journal = Journal(store=store, clock=clock)
    idle = IdleRule(settings.notebook_idle)
    signer = CertificateSigner(certificate_key or settings.secret("certificate-key"))
    dossiers = dossiers or intaking(settings)
    work = intake_work(
        settings,
        dossiers,
        store=store,
        clock=clock,
        journal=journal,
        catalogue=catalogue,
        signer=signer,
        new_id=new_id,
        guard=guard,
    )
    teller = NoticeWork(
        store=store,
        clock=clock,
        new_id=new_id,
        post=post or post_office(settings),
        url=settings.public_url,
        domain=settings.domain,
        zone=settings.zone,
        every=settings.watch,
        idle=IdleLook(notebooks=systems.notebooks, rule=idle),
        guard=guard,
    )
    accounts = AccountService(
        store=store, clock=clock, journal=journal, notebooks=systems.notebooks
    )

    async def tidy() -> None:
        await accounts.tidy()
        await stop_strays(store, systems.notebooks)

    controller = _controller(
        settings,
        store,
        clock,
        systems,
        signer=signer,
        guard=guard,
        chores=work,
        teller=teller,
        tidy=tidy,
    )
    if systems.subscribe is not None:
        systems.subscribe(controller.look)
    core = Core(
        store=store,
        clock=clock,
        journal=journal,
        catalogue=catalogue,
        new_id=new_id,
        zone=settings.zone,
        wake=controller.wake,
    )
    members = MemberService(core, passwords=Argon2Passwords())
    requests = RequestService(core)
    return Lab(
        settings=settings,
        store=store,
        clock=clock,
        journal=journal,
        catalogue=catalogue,
        requests=requests,
        reviews=ReviewService(core),
        notices=NoticeService(store=store, clock=clock, journal=journal),
        messages=MessageService(core),
        notice_work=teller,
        drafts=DraftService(core, requests=requests, most_open=settings.most_drafts),
        sandboxes=SandboxService(
            core, notebooks=systems.notebooks, attempts=systems.attempts, idle=idle
        ),
        holds=HoldService(core),
        extensions=ExtensionService(core),
        teams=TeamService(
            core, notebooks=systems.notebooks, can_grow=settings.runtime == "machine"
        ),
        agencies=AgencyService(core),
        usage=UsageService(core),
        members=members,
        accounts=accounts,
        federation=federation(
            settings, store=store, clock=clock, journal=journal, members=members, new_id=new_id
        ),
        datasets=DatasetService(store=store, journal=journal),
        intakes=IntakeService(core, quarantine=dossiers.quarantine, sign=signer.sign_bytes),
        intake_runs=IntakeRunService(core, room=room(settings)),
        intake_work=work,
        audit=AuditService(store=store, journal=journal),
        evidence=EvidenceService(store=store, clock=clock, wake=controller.wake),
        figures=FigureService(store=store, clock=clock, proofs=systems.proofs, zone=settings.zone),
        controller=controller,
        providers=systems.providers,
        launcher=systems.launcher or LocalLauncher(settings=settings, catalogue=catalogue),
        proofs=systems.proofs,
        grants=systems.grants,
        signer=signer,
        systems=systems,
    )


def _controller(
    settings: Settings,
    store: Store,
    clock: Clock,
    systems: Outside,
    *,
    signer: CertificateSigner,
    guard: Callable[[], None],
    chores: IntakeWork,
    tidy: Callable[[], Awaitable[None]],
    teller: NoticeWork,
) -> Controller:
    watch = BudgetWatch(
        store=store,
        clock=clock,
        new_id=new_id,
        zone=settings.zone,
        guard=guard,
    )
    return Controller(
        store=store,
        queue=WorkQueue[SandboxId](
            first_retry=settings.first_retry, last_retry=settings.last_retry
        ),
        reconciler=SandboxReconciler(
            store=store,
            providers=systems.providers,
            attempts=systems.attempts,
            clock=clock,
            pace=Pace(
                poll=settings.poll,
                watch=settings.watch,
                first_retry=settings.first_retry,
                last_retry=settings.last_retry,
            ),
            sign=signer.sign,
            guard=guard,
        ),
        providers=systems.providers,
        clock=clock,
        workers=settings.workers,
        sweep=settings.sweep,
        guard=guard,
        chores=chores,
        tidy=tidy,
        budgets=watch.run,
        teller=teller,
    )


def new_id(prefix: str) -> str:
    """Make an identifier that says nothing."""
    return f"{prefix}-{secrets.token_hex(ID_BYTES)}"
