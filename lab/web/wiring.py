"""What the web drives, as the composition root hands it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi import Request

    from lab.domain.figures import Backlog
    from lab.ports import (
        CatalogueSource,
        Clock,
        GrantSnapshots,
        Launcher,
        ProofSource,
        Store,
    )
    from lab.services.accounts import AccountService
    from lab.services.agencies import AgencyService
    from lab.services.audit import AuditService
    from lab.services.budgets import UsageService
    from lab.services.datasets import DatasetService
    from lab.services.drafts import DraftService
    from lab.services.evidence import EvidenceService
    from lab.services.extending import ExtensionService
    from lab.services.federation import FederationService
    from lab.services.figures import FigureService
    from lab.services.holding import HoldService
    from lab.services.intake_runs import IntakeRunService
    from lab.services.intakes import IntakeService
    from lab.services.journal import Journal
    from lab.services.members import MemberService
    from lab.services.messages import MessageService
    from lab.services.notices import NoticeService
    from lab.services.requests import RequestService
    from lab.services.reviews import ReviewService
    from lab.services.sandboxes import SandboxService
    from lab.services.teaming import TeamService
    from lab.settings import Settings


class Running(Protocol):
    """Something that runs until it is cancelled."""

    async def run(self) -> None:
        """Run until cancelled."""
        ...

    def backlog(self) -> Backlog:
        """Return what it has before it."""
        ...


class Lab(Protocol):
    """The parts of ``lab.bootstrap.Lab`` that the web uses."""

    @property
    def settings(self) -> Settings:
        """All configuration."""
        ...

    @property
    def store(self) -> Store:
        """What is kept."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def journal(self) -> Journal:
        """Access decisions and the audit log."""
        ...

    @property
    def catalogue(self) -> CatalogueSource:
        """What can be chosen."""
        ...

    @property
    def requests(self) -> RequestService:
        """Requests."""
        ...

    @property
    def reviews(self) -> ReviewService:
        """What reviewers ask of requests, and the answers."""
        ...

    @property
    def notices(self) -> NoticeService:
        """One's own notices."""
        ...

    @property
    def messages(self) -> MessageService:
        """Messages about requests."""
        ...

    @property
    def drafts(self) -> DraftService:
        """Requests that are being written."""
        ...

    @property
    def sandboxes(self) -> SandboxService:
        """Sandboxes."""
        ...

    @property
    def holds(self) -> HoldService:
        """Suspensions, and the stop of the lab."""
        ...

    @property
    def teams(self) -> TeamService:
        """Who is in a sandbox."""
        ...

    @property
    def extensions(self) -> ExtensionService:
        """Later ends of sandboxes."""
        ...

    @property
    def agencies(self) -> AgencyService:
        """Agencies and quotas."""
        ...

    @property
    def usage(self) -> UsageService:
        """Hours of compute."""
        ...

    @property
    def members(self) -> MemberService:
        """People and tokens."""
        ...

    @property
    def accounts(self) -> AccountService:
        """Accounts that close and open again."""
        ...

    @property
    def federation(self) -> FederationService | None:
        """Sign-in by an identity provider; nothing where there is none."""
        ...

    @property
    def datasets(self) -> DatasetService:
        """Data sets."""
        ...

    @property
    def intakes(self) -> IntakeService:
        """Dossiers of tables that shall become data sets."""
        ...

    @property
    def intake_runs(self) -> IntakeRunService:
        """The long work on them."""
        ...

    @property
    def audit(self) -> AuditService:
        """The audit log, to read."""
        ...

    @property
    def evidence(self) -> EvidenceService:
        """What the gateway hands over."""
        ...

    @property
    def grants(self) -> GrantSnapshots | None:
        """What the gateway mirrors; nothing on one machine, where it reads the folder."""
        ...

    @property
    def figures(self) -> FigureService:
        """What monitoring is told."""
        ...

    @property
    def controller(self) -> Running:
        """The loop."""
        ...

    @property
    def launcher(self) -> Launcher:
        """How a notebook server is started."""
        ...

    @property
    def proofs(self) -> ProofSource:
        """Containment proofs."""
        ...


def lab_of(request: Request) -> Lab:
    """Return the lab that the application was built with."""
    lab: Lab = request.app.state.lab
    return lab
