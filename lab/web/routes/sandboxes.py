"""Sandboxes and their notebook servers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from lab.domain.errors import NotFoundError
from lab.domain.ids import SandboxId
from lab.domain.member import Member, Resource, Role, Verb
from lab.services.sandboxes import SandboxView
from lab.web.access import allowed
from lab.web.conditions import IfMatch, Part, link_next, set_etag
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.schemas.common import PageOut
from lab.web.schemas.sandboxes import (
    AttemptOut,
    CertificateOut,
    ProofOut,
    SandboxOut,
    SandboxSummaryOut,
    ServerOut,
    everyone,
)
from lab.web.wiring import Lab, lab_of

router = APIRouter(prefix="/api/v1/sandboxes", tags=["sandboxes"], responses=FAILURES)

_READ = allowed(Verb.READ, Resource.SANDBOX)
_OPEN = allowed(Verb.OPEN, Resource.SANDBOX)


def is_staff(member: Member) -> bool:
    """Tell whether technical details are for this person."""
    return bool(member.roles & {Role.OPERATOR, Role.REVIEWER})


async def written(lab: Lab, actor: Member, view: SandboxView, response: Response) -> SandboxOut:
    """Write one sandbox for whoever asks, and say which version it is."""
    people = await lab.members.names(everyone([view.sandbox]))
    set_etag(response, view.sandbox.version)
    return SandboxOut.of_view(view, people, is_staff=is_staff(actor))


@router.get(
    "",
    summary="Lister les bacs à sable / List the sandboxes",
    dependencies=[Depends(allowed(Verb.LIST, Resource.SANDBOX))],
)
async def list_sandboxes(
    actor: Actor,
    part: Part,
    request: Request,
    response: Response,
    live_only: Annotated[bool, Query(description="Sans les supprimés / Not the deleted")] = False,  # noqa: FBT002 -- a query parameter
) -> PageOut[SandboxSummaryOut]:
    lab = lab_of(request)
    page = await lab.sandboxes.page(actor, live_only=live_only, after=part.after, limit=part.limit)
    people = await lab.members.names(everyone(page.items))
    phases = await lab.sandboxes.phases(page.items)
    link_next(request, response, page.next_cursor)
    items = [SandboxSummaryOut.of(s, phases[s.id], people) for s in page.items]
    return PageOut(items=items, next=page.next_cursor)


@router.get(
    "/{sandbox_id}",
    summary="Lire un bac à sable et ses étapes / Read a sandbox and its stages",
    dependencies=[Depends(_READ)],
)
async def read_sandbox(
    sandbox_id: str, actor: Actor, request: Request, response: Response
) -> SandboxOut:
    lab = lab_of(request)
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    return await written(lab, actor, view, response)


@router.delete(
    "/{sandbox_id}",
    summary="Demander la suppression / Ask for deletion",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(allowed(Verb.DELETE, Resource.SANDBOX))],
)
async def delete_sandbox(
    sandbox_id: str, version: IfMatch, actor: Actor, request: Request, response: Response
) -> SandboxOut:
    lab = lab_of(request)
    view = await lab.sandboxes.delete(actor, SandboxId(sandbox_id), version=version)
    response.headers["Location"] = f"/api/v1/sandboxes/{sandbox_id}"
    return await written(lab, actor, view, response)


@router.get(
    "/{sandbox_id}/attempts",
    summary="Lire les tentatives bloquées / Read the blocked attempts",
    description=("Seulement ce qui a pu être observé. / Only what could be observed."),
    dependencies=[Depends(_READ)],
)
async def read_attempts(sandbox_id: str, actor: Actor, request: Request) -> PageOut[AttemptOut]:
    lab = lab_of(request)
    attempts = await lab.sandboxes.attempts(actor, SandboxId(sandbox_id))
    people = await lab.members.names([a.member_id for a in attempts if a.member_id])
    return PageOut(items=[AttemptOut.of(attempt, people) for attempt in attempts])


@router.get(
    "/{sandbox_id}/proof",
    summary="Lire la preuve de confinement / Read the containment proof",
    dependencies=[Depends(_READ)],
)
async def read_proof(sandbox_id: str, actor: Actor, request: Request) -> ProofOut:
    lab = lab_of(request)
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    proof = await lab.proofs.proof(view.sandbox.id)
    if proof is None:
        raise NotFoundError("proof", sandbox_id)
    return ProofOut.of(proof)


@router.get(
    "/{sandbox_id}/certificate",
    summary="Lire le certificat de suppression / Read the deletion certificate",
    dependencies=[Depends(_READ)],
)
async def read_certificate(sandbox_id: str, actor: Actor, request: Request) -> CertificateOut:
    certificate = await lab_of(request).sandboxes.certificate(actor, SandboxId(sandbox_id))
    return CertificateOut.of(certificate)


@router.post(
    "/{sandbox_id}/server",
    summary="Démarrer son carnet / Start one's notebook",
    description=(
        "Démarrer ce qui tourne déjà ne change rien. / Starting what runs already changes nothing."
    ),
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_OPEN)],
)
async def start_server(
    sandbox_id: str, actor: Actor, request: Request, response: Response
) -> ServerOut:
    sandboxes = lab_of(request).sandboxes
    state = await sandboxes.open(actor, SandboxId(sandbox_id))
    response.headers["Location"] = f"/api/v1/sandboxes/{sandbox_id}/server"
    return ServerOut.of(state, sandboxes.stops_at(state))


@router.get(
    "/{sandbox_id}/server",
    summary="Regarder son carnet / Look at one's notebook",
    dependencies=[Depends(_OPEN)],
)
async def read_server(sandbox_id: str, actor: Actor, request: Request) -> ServerOut:
    sandboxes = lab_of(request).sandboxes
    state = await sandboxes.server(actor, SandboxId(sandbox_id))
    return ServerOut.of(state, sandboxes.stops_at(state))


@router.delete(
    "/{sandbox_id}/server",
    summary="Arrêter son carnet; les fichiers restent / Stop one's notebook; files stay",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_OPEN)],
)
async def stop_server(
    sandbox_id: str, actor: Actor, request: Request, response: Response
) -> ServerOut:
    sandboxes = lab_of(request).sandboxes
    await sandboxes.close(actor, SandboxId(sandbox_id))
    response.headers["Location"] = f"/api/v1/sandboxes/{sandbox_id}/server"
    state = await sandboxes.server(actor, SandboxId(sandbox_id))
    return ServerOut.of(state, sandboxes.stops_at(state))
