"""The one place where parts are put together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab.bootstrap.attempts import FileAttempts
from lab.bootstrap.launching import LocalLauncher
from lab.bootstrap.machine import LocalProofs, build_notebooks, build_providers
from lab.bootstrap.passwords import Argon2Passwords
from lab.bootstrap.signing import CertificateSigner
from lab.catalogue import FileCatalogue
from lab.controller.loop import Controller
from lab.controller.queue import WorkQueue
from lab.controller.reconciler import Pace, SandboxReconciler
from lab.domain.ids import SandboxId
from lab.services.agencies import AgencyService
from lab.services.audit import AuditService
from lab.services.datasets import DatasetService
from lab.services.journal import Journal
from lab.services.members import MemberService
from lab.services.requests import RequestService
from lab.services.sandboxes import SandboxService
from lab.store import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.sandbox import Stage
    from lab.ports import (
        AttemptSource,
        CatalogueSource,
        Clock,
        Launcher,
        Notebooks,
        ProofSource,
        Provider,
        Store,
    )
    from lab.settings import Settings

ID_BYTES = 5
"""40 random bits: 10 hexadecimal digits. A clash is refused by the store, never overwritten."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, UTC and aware."""
        return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Everything an entry point may use."""

    settings: Settings
    store: Store
    clock: Clock
    journal: Journal
    catalogue: CatalogueSource
    requests: RequestService
    sandboxes: SandboxService
    agencies: AgencyService
    members: MemberService
    datasets: DatasetService
    audit: AuditService
    controller: Controller
    launcher: Launcher
    proofs: ProofSource
    signer: CertificateSigner

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self.store.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Every outside system. Tests give the ones they want to hold."""

    providers: Mapping[Stage, Provider]
    notebooks: Notebooks
    attempts: AttemptSource
    proofs: ProofSource


def outside(settings: Settings, catalogue: CatalogueSource) -> Outside:
    """Make the outside systems that the settings choose."""
    return Outside(
        providers=build_providers(settings, catalogue),
        notebooks=build_notebooks(settings),
        attempts=FileAttempts(
            keepers_dir=settings.run_dir / "keepers",
            gateway_dir=settings.state_dir / "attempts",
        ),
        proofs=LocalProofs(settings.state_dir),
    )


async def build(
    settings: Settings,
    *,
    store: Store | None = None,
    clock: Clock | None = None,
    systems: Outside | None = None,
    certificate_key: str = "",
) -> Lab:
    """Put the lab together. Tests pass the parts they want to hold.

    Raises:
        StoreError: The database cannot be opened.
        PolicyError: A policy file is wrong.
    """
    clock = clock or SystemClock()
    catalogue = FileCatalogue(
        policies_dir=settings.policies_dir, templates_dir=settings.templates_dir
    )
    catalogue.catalogue()  # a wrong policy file is told now, not at the first request
    systems = systems or outside(settings, catalogue)
    store = store or await open_store(settings.database_url)
    journal = Journal(store=store, clock=clock)
    signer = CertificateSigner(certificate_key or settings.secret("certificate-key"))
    controller = _controller(settings, store, clock, systems, signer)
    return Lab(
        settings=settings,
        store=store,
        clock=clock,
        journal=journal,
        catalogue=catalogue,
        requests=RequestService(
            store=store,
            clock=clock,
            journal=journal,
            catalogue=catalogue,
            new_id=new_id,
            zone=settings.zone,
            wake=controller.wake,
        ),
        sandboxes=SandboxService(
            store=store,
            clock=clock,
            journal=journal,
            notebooks=systems.notebooks,
            attempts=systems.attempts,
            wake=controller.wake,
        ),
        agencies=AgencyService(store=store, journal=journal),
        members=MemberService(
            store=store,
            clock=clock,
            journal=journal,
            passwords=Argon2Passwords(),
            new_id=new_id,
        ),
        datasets=DatasetService(store=store, journal=journal),
        audit=AuditService(store=store, journal=journal),
        controller=controller,
        launcher=LocalLauncher(settings=settings, catalogue=catalogue),
        proofs=systems.proofs,
        signer=signer,
    )


def _controller(
    settings: Settings, store: Store, clock: Clock, systems: Outside, signer: CertificateSigner
) -> Controller:
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
        ),
        providers=systems.providers,
        clock=clock,
        workers=settings.workers,
        sweep=settings.sweep,
    )


def new_id(prefix: str) -> str:
    """Make an identifier that says nothing."""
    return f"{prefix}-{secrets.token_hex(ID_BYTES)}"
