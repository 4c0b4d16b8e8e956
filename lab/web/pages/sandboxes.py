"""Sandboxes: list, status, proof, blocked attempts, deletion and its certificate."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from lab.domain.errors import NotFoundError
from lab.domain.ids import MemberId, SandboxId
from lab.domain.member import Member, Resource, Role, Target, Verb, can
from lab.domain.sandbox import Phase
from lab.services.sandboxes import SandboxView, target
from lab.web.access import allowed
from lab.web.forms import form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages.listing import name_of, sandbox_rows
from lab.web.pages.stages import stage_lines, summary_of
from lab.web.rendering import fragment, may, page_language, render
from lab.web.schemas.sandboxes import CertificateOut, everyone
from lab.web.wiring import Lab, lab_of

router = APIRouter(prefix="/bacs", include_in_schema=False)

_READ = allowed(Verb.READ, Resource.SANDBOX)
_DELETE = allowed(Verb.DELETE, Resource.SANDBOX)
_SANDBOXES = msg("Bacs à sable")


def trail_to(request: Request, sandbox_id: str = "") -> list[tuple[str, str]]:
    """Return the way back from a page of a sandbox."""
    language = page_language(request)
    steps = [(language.text(msg("Accueil")), "/"), (language.text(_SANDBOXES), "/bacs")]
    if sandbox_id:
        steps.append((sandbox_id, f"/bacs/{sandbox_id}"))
    return steps


@router.get("", dependencies=[Depends(allowed(Verb.LIST, Resource.SANDBOX))])
async def list_sandboxes(actor: Actor, request: Request, apres: str = "") -> Response:
    lab = lab_of(request)
    page = await lab.sandboxes.page(actor, after=apres, limit=30)
    rows = await sandbox_rows(lab, page.items)
    return render(
        request,
        "sandboxes.html",
        rows=rows,
        cursor=page.next_cursor,
        stop=await lab.holds.lab_stop(),
        can_stop=may(actor, Verb.DECIDE, Resource.SANDBOX),
    )


async def _state(lab: Lab, actor: Member, view: SandboxView, request: Request) -> dict[str, Any]:
    """Return what the live part of the status page shows."""
    language = page_language(request)
    is_staff = bool(actor.roles & {Role.OPERATOR, Role.REVIEWER})
    lines = stage_lines(view, language, is_staff=is_staff, now=lab.clock.now())
    of_it = target(view.sandbox)
    is_alive = view.phase in {Phase.PENDING, Phase.READY, Phase.SUSPENDED}
    return {
        "view": view,
        "sandbox": view.sandbox,
        "lines": lines,
        "announcement": summary_of(view, lines, language),
        "can_open": can(actor, Verb.OPEN, of_it),
        "can_delete": can(actor, Verb.DELETE, of_it) and is_alive,
        "can_extend": can(actor, Verb.CHANGE, of_it) and is_alive,
        "can_hold": can(actor, Verb.DECIDE, of_it) and is_alive,
        "proof": await lab.proofs.proof(view.sandbox.id),
        "budget_hold": await lab.usage.hold(view.sandbox),
        "is_final": view.phase is Phase.DELETED,
    }


@router.get("/{sandbox_id}", dependencies=[Depends(_READ)])
async def show_sandbox(sandbox_id: str, actor: Actor, request: Request) -> Response:
    lab = lab_of(request)
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    spec, catalogue = view.sandbox.spec, lab.catalogue.catalogue()
    people = await lab.members.names(everyone([view.sandbox]))
    sees_request = can(
        actor, Verb.READ, Target(Resource.REQUEST, spec.agency_id, frozenset(spec.members[:1]))
    )
    acts = await lab.holds.history(actor, view.sandbox.id)
    actors = await lab.members.names([MemberId(act.actor) for act in acts])
    return render(
        request,
        "sandbox.html",
        acts=[(act, name_of(MemberId(act.actor), actors)) for act in acts],
        trail=trail_to(request),
        people=[name_of(m, people) for m in spec.members],
        template=catalogue.templates.get(spec.template_id),
        profile=catalogue.profiles.get(spec.profile_id),
        sees_request=sees_request,
        stops_soon=await lab.sandboxes.stops_soon(actor, view.sandbox.id),
        **await _state(lab, actor, view, request),
    )


@router.get("/{sandbox_id}/etat", dependencies=[Depends(_READ)])
async def read_state(sandbox_id: str, actor: Actor, request: Request) -> JSONResponse:
    lab = lab_of(request)
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    state = await _state(lab, actor, view, request)
    return JSONResponse({
        "html": fragment(request, "sandbox_state.html", **state),
        "announcement": state["announcement"],
        "is_final": state["is_final"],
    })


@router.get("/{sandbox_id}/preuve", dependencies=[Depends(_READ)])
async def show_proof(sandbox_id: str, actor: Actor, request: Request) -> Response:
    lab = lab_of(request)
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    proof = await lab.proofs.proof(view.sandbox.id)
    if proof is None:
        raise NotFoundError("proof", sandbox_id)
    trail = trail_to(request, sandbox_id)
    return render(request, "proof.html", trail=trail, proof=proof, sandbox=view.sandbox)


@router.get("/{sandbox_id}/tentatives", dependencies=[Depends(_READ)])
async def show_attempts(sandbox_id: str, actor: Actor, request: Request) -> Response:
    lab = lab_of(request)
    attempts = await lab.sandboxes.attempts(actor, SandboxId(sandbox_id))
    people = await lab.members.names([a.member_id for a in attempts if a.member_id])
    rows = [(attempt, name_of(attempt.member_id, people)) for attempt in attempts]
    trail = trail_to(request, sandbox_id)
    return render(request, "attempts.html", trail=trail, rows=rows, sandbox_id=sandbox_id)


@router.get("/{sandbox_id}/supprimer", dependencies=[Depends(_DELETE)])
async def confirm_deletion(sandbox_id: str, actor: Actor, request: Request) -> Response:
    view = await lab_of(request).sandboxes.get(actor, SandboxId(sandbox_id))
    lab_of(request).journal.require(actor, Verb.DELETE, target(view.sandbox))
    if view.phase in {Phase.DELETING, Phase.DELETED}:
        return RedirectResponse(f"/bacs/{sandbox_id}", 303)
    trail = trail_to(request, sandbox_id)
    return render(request, "sandbox_delete.html", trail=trail, sandbox=view.sandbox)


@router.post("/{sandbox_id}/supprimer", dependencies=[Depends(_DELETE)])
async def delete_sandbox(sandbox_id: str, actor: Actor, request: Request) -> Response:
    (await form_of(request)).only()
    await lab_of(request).sandboxes.delete(actor, SandboxId(sandbox_id))
    return RedirectResponse(f"/bacs/{sandbox_id}", 303)


@router.get("/{sandbox_id}/certificat", dependencies=[Depends(_READ)])
async def show_certificate(sandbox_id: str, actor: Actor, request: Request) -> Response:
    certificate = await lab_of(request).sandboxes.certificate(actor, SandboxId(sandbox_id))
    trail = trail_to(request, sandbox_id)
    return render(request, "certificate.html", trail=trail, certificate=certificate)


@router.get("/{sandbox_id}/certificat.json", dependencies=[Depends(_READ)])
async def download_certificate(sandbox_id: str, actor: Actor, request: Request) -> Response:
    certificate = await lab_of(request).sandboxes.certificate(actor, SandboxId(sandbox_id))
    name = f"certificat-{certificate.sandbox_id}.json"
    return Response(
        CertificateOut.of(certificate).model_dump_json(indent=2),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
