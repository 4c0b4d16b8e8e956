"""Open one's notebooks: start, wait, and the page that frames the lab; and the tracking page."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from lab.domain.errors import NotReadyError
from lab.domain.ids import SandboxId
from lab.domain.member import Member, Resource, Verb
from lab.domain.sandbox import USABLE, Stage
from lab.domain.ticket import issue
from lab.ports import ServerState
from lab.services.sandboxes import seen_of
from lab.web.access import allowed
from lab.web.forms import form_of
from lab.web.identity import Actor
from lab.web.language import Language, msg
from lab.web.links import host_url, notebook_url
from lab.web.pages.sandboxes import trail_to
from lab.web.rendering import fragment, page_language, render
from lab.web.wiring import Lab, lab_of

router = APIRouter(prefix="/bacs/{sandbox_id}", include_in_schema=False)

_OPEN = allowed(Verb.OPEN, Resource.SANDBOX)

_STATES = {
    "stopped": msg("L’atelier est arrêté."),
    "pending": msg("L’atelier démarre. Cela prend d’habitude moins d’une minute."),
    "ready": msg("L’atelier est prêt."),
    "failed": msg("L’atelier n’a pas pu démarrer."),
}


def _said(state: ServerState, language: Language) -> str:
    return language.text(_STATES.get(state.state, _STATES["pending"]))


@router.get("/atelier", dependencies=[Depends(_OPEN)])
async def show_workshop(sandbox_id: str, actor: Actor, request: Request) -> Response:
    lab = lab_of(request)
    state = await lab.sandboxes.server(actor, SandboxId(sandbox_id))
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    if state.state == "ready":
        return _framed(lab, actor, view.sandbox.id, request, ends=view.sandbox.spec.expires_at)
    language = page_language(request)
    return render(
        request,
        "workshop_start.html",
        trail=trail_to(request, sandbox_id),
        sandbox=view.sandbox,
        phase=view.phase,
        state=state,
        said=_said(state, language),
    )


@router.post("/atelier", dependencies=[Depends(_OPEN)])
async def start_workshop(sandbox_id: str, actor: Actor, request: Request) -> Response:
    (await form_of(request)).only()
    await lab_of(request).sandboxes.open(actor, SandboxId(sandbox_id))
    return RedirectResponse(f"/bacs/{sandbox_id}/atelier", 303)


@router.get("/atelier/etat", dependencies=[Depends(_OPEN)])
async def read_workshop(sandbox_id: str, actor: Actor, request: Request) -> JSONResponse:
    state = await lab_of(request).sandboxes.server(actor, SandboxId(sandbox_id))
    said = _said(state, page_language(request))
    answer: dict[str, object] = {
        "html": fragment(request, "workshop_state.html", state=state, said=said),
        "announcement": said,
        "is_final": state.state in {"failed", "stopped"},
    }
    if state.state == "ready":
        answer["go"] = f"/bacs/{sandbox_id}/atelier"
    return JSONResponse(answer)


@router.post("/atelier/arreter", dependencies=[Depends(_OPEN)])
async def stop_workshop(sandbox_id: str, actor: Actor, request: Request) -> Response:
    (await form_of(request)).only()
    await lab_of(request).sandboxes.close(actor, SandboxId(sandbox_id))
    return RedirectResponse(f"/bacs/{sandbox_id}", 303)


@router.get("/suivi", dependencies=[Depends(_OPEN)])
async def open_tracking(sandbox_id: str, actor: Actor, request: Request) -> Response:
    lab = lab_of(request)
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    # The same rule as for the notebook: one's own, and while it stands.
    await lab.sandboxes.server(actor, view.sandbox.id)
    seen = seen_of(view.stages)[Stage.TRACKING]
    if seen not in USABLE or not view.sandbox.may_run(lab.clock.now()):
        raise NotReadyError("sandbox", sandbox_id, "tracking")
    ticket = issue(
        request.app.state.gateway_key,
        sandbox_id=view.sandbox.id,
        member_id=actor.id,
        now=lab.clock.now(),
    )
    origin = host_url(lab.settings.public_url, sandbox_id)
    return RedirectResponse(f"{origin}/entrer?jeton={ticket}", 303)


def _framed(
    lab: Lab, actor: Member, sandbox_id: SandboxId, request: Request, *, ends: object
) -> Response:
    """The page around the notebook. The frame may not leave the member's own server."""
    public = lab.settings.public_url
    url = notebook_url(public, actor.id, sandbox_id)
    return render(
        request,
        "workshop.html",
        directives={"frame-src": f"{url} {public}/hub/ {public}/oauth/"},
        url=url,
        sandbox_id=sandbox_id,
        ends=ends,
    )
