"""Who is in a sandbox: invite a colleague, and take one out."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.errors import ForbiddenError, InvalidError
from lab.domain.ids import SandboxId
from lab.domain.member import Member, Resource, Verb, can
from lab.services.sandboxes import target
from lab.web.access import allowed
from lab.web.forms import form_of
from lab.web.identity import Actor
from lab.web.pages.sandboxes import trail_to
from lab.web.pages.showing import shown
from lab.web.rendering import page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/bacs/{sandbox_id}/equipe", include_in_schema=False)

_CHANGE = allowed(Verb.CHANGE, Resource.SANDBOX)


async def _page(
    request: Request,
    actor: Member,
    sandbox_id: str,
    *,
    typed: str = "",
    error: InvalidError | None = None,
) -> Response:
    lab = lab_of(request)
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    if not can(actor, Verb.CHANGE, target(view.sandbox)):
        raise ForbiddenError(Verb.CHANGE.value, Resource.SANDBOX.value)
    members = view.sandbox.spec.members
    known = await lab.members.names(members)
    problems = shown(error.problems, page_language(request)) if error else []
    return render(
        request,
        "sandbox_team.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=trail_to(request, sandbox_id),
        sandbox=view.sandbox,
        people=[known[each] for each in members if each in known],
        requester=members[0] if members else "",
        can_grow=lab.settings.runtime == "machine",
        typed=typed,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
    )


@router.get("", dependencies=[Depends(_CHANGE)])
async def show_team(sandbox_id: str, actor: Actor, request: Request) -> Response:
    return await _page(request, actor, sandbox_id)


@router.post("", dependencies=[Depends(_CHANGE)])
async def invite_colleague(sandbox_id: str, actor: Actor, request: Request) -> Response:
    form = await form_of(request)
    try:
        form.only("login")
        await lab_of(request).teams.invite(actor, SandboxId(sandbox_id), form.one("login"))
    except InvalidError as error:
        return await _page(request, actor, sandbox_id, typed=form.one("login"), error=error)
    return RedirectResponse(f"/bacs/{sandbox_id}/equipe", HTTPStatus.SEE_OTHER)


@router.post("/retirer", dependencies=[Depends(_CHANGE)])
async def remove_colleague(sandbox_id: str, actor: Actor, request: Request) -> Response:
    form = await form_of(request)
    try:
        form.only("login")
        await lab_of(request).teams.remove(actor, SandboxId(sandbox_id), form.one("login"))
    except InvalidError as error:
        return await _page(request, actor, sandbox_id, error=error)
    # Who leaves by themselves may not see it any more.
    has_left = form.one("login").strip() == actor.login
    return RedirectResponse(
        "/bacs" if has_left else f"/bacs/{sandbox_id}/equipe", HTTPStatus.SEE_OTHER
    )
