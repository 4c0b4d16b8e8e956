from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from lab.domain.attempt import Rule
from lab.domain.certificate import DeletionCertificate, Gone
from lab.domain.request import RequestDraft
from lab.domain.sandbox import Seen, Stage, StageState
from tests.conftest import NOON
from tests.web.fakes import make_ready

if TYPE_CHECKING:
    from lab.domain.ids import SandboxId
    from lab.domain.request import SandboxRequest
    from tests.web.conftest import WebLab


@dataclass
class Scene:
    """One of everything that a page can show."""

    ready: str
    failing: str
    deleting: str
    deleted: str
    review: str
    rejected: str
    suspended: str


def asked(agency: str = "rft", **changes: object) -> RequestDraft:
    values: dict[str, object] = {
        "agency_id": agency,
        "purpose": "Réduire le délai de traitement des demandes de prestations.\n"
        "Question: quelles demandes risquent de prendre plus de 30 jours?",
        "datasets": ("demandes-prestations",),
        "template": "01-depart",
        "size": "petit",
        "profile": "standard",
        "ends_on": date(2026, 12, 5),
        "colleagues": ("b.gagnon",) if agency == "rft" else (),
    }
    return RequestDraft(**(values | changes))


async def file(lab: WebLab, login: str = "a.tremblay", **changes: object) -> SandboxRequest:
    member = lab.people[login]
    filed = await lab.requests.file(member, asked(member.agency_id or "", **changes))
    return filed.request


async def ready_sandbox(lab: WebLab, login: str = "a.tremblay") -> SandboxId:
    request = await file(lab, login)
    assert request.sandbox_id is not None
    await make_ready(lab.store, request.sandbox_id)
    lab.proofs.add(request.sandbox_id)
    return request.sandbox_id


async def failing_sandbox(lab: WebLab, login: str = "a.tremblay") -> SandboxId:
    sandbox_id = await ready_sandbox(lab, login)
    broken = StageState(
        sandbox_id,
        Stage.DATA,
        Seen.ABSENT,
        NOON,
        started_at=NOON,
        error_code="provider_failed",
        error_detail="data: connection refused",
        failures=3,
        next_try_at=NOON + timedelta(seconds=40),
    )
    later = [
        StageState(sandbox_id, s, Seen.ABSENT, NOON) for s in (Stage.TRACKING, Stage.WORKSPACE)
    ]
    async with lab.store.begin() as tx:
        await tx.sandboxes.put_stages([broken, *later])
    return sandbox_id


async def deleted_sandbox(lab: WebLab, login: str = "a.tremblay") -> SandboxId:
    sandbox_id = await ready_sandbox(lab, login)
    await lab.sandboxes.delete(lab.people[login], sandbox_id)
    async with lab.store.begin() as tx:
        sandbox = await tx.sandboxes.get(sandbox_id)
        assert sandbox is not None
        await tx.sandboxes.put(replace(sandbox, deleted_at=NOON + timedelta(minutes=1)))
        await tx.sandboxes.put_stages([
            StageState(sandbox_id, stage, Seen.ABSENT, NOON) for stage in Stage
        ])
        await tx.agencies.give_back(sandbox.request_id)
        await tx.sandboxes.put_certificate(
            DeletionCertificate(
                sandbox_id,
                sandbox.request_id,
                sandbox.spec.agency_id,
                "asked",
                NOON,
                NOON + timedelta(minutes=1),
                tuple(
                    Gone(stage, kind, f"{kind} {sandbox_id}", NOON + timedelta(seconds=50))
                    for stage, kind in zip(
                        Stage, ("folder", "door", "bucket", "workspace", "process"), strict=True
                    )
                ),
                "ef" * 32,
            )
        )
    return sandbox_id


async def suspended_sandbox(lab: WebLab) -> SandboxId:
    sandbox_id = await ready_sandbox(lab)
    operator = lab.people["o.lavoie"]
    await lab.holds.suspend(operator, sandbox_id, reason="Une fuite est soupçonnée.\nOn vérifie.")
    seen = (Seen.READY, Seen.ABSENT, Seen.REVOKED, Seen.REVOKED, Seen.CONVERGING)
    async with lab.store.begin() as tx:
        await tx.sandboxes.put_stages([
            StageState(sandbox_id, stage, look, NOON)
            for stage, look in zip(Stage, seen, strict=True)
        ])
    return sandbox_id


async def stage_everything(lab: WebLab) -> Scene:
    deleted = await deleted_sandbox(lab)
    rejected = await file(lab, "c.roy", size="moyen")
    await lab.requests.reject(
        lab.people["r.cote"], rejected.id, reason="Précisez l’effet voulu pour le public."
    )
    ready = await ready_sandbox(lab)
    lab.attempts.add(ready, lab.people["a.tremblay"].id, Rule.NO_NETWORK, "93.184.215.14:443")
    lab.attempts.add(ready, lab.people["b.gagnon"].id, Rule.NO_NAMES, "pypi.org")
    lab.attempts.add(
        ready, lab.people["a.tremblay"].id, Rule.DOOR_STORAGE, "GET /sb-0000000099/secret.csv"
    )
    failing = await failing_sandbox(lab)
    deleting = await ready_sandbox(lab, "c.roy")
    await lab.sandboxes.delete(lab.people["c.roy"], deleting)
    suspended = await suspended_sandbox(lab)
    review = await file(lab, "c.roy", size="moyen")
    return Scene(ready, failing, deleting, deleted, review.id, rejected.id, suspended)
