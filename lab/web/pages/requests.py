"""Requests: list, form, page, and the decisions about them."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.errors import (
    ForbiddenError,
    InvalidError,
    QuotaExceededError,
)
from lab.domain.ids import RequestId
from lab.domain.member import Member, Resource, Verb, can
from lab.domain.request import TRANSITIONS, Move, RequestState, SandboxRequest
from lab.services.requests import Preview, target
from lab.web.access import allowed
from lab.web.conditions import key_for
from lab.web.forms import Form, form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages.draft_fields import kept_with
from lab.web.pages.listing import name_of, request_rows
from lab.web.pages.request_form import (
    ANCHORS,
    Typed,
    choices_for,
    fresh,
    problems_of,
    rule_sentences,
    with_key,
)
from lab.web.pages.showing import shown
from lab.web.pages.timeline import Telling, button_of, timeline_of
from lab.web.problems import explain
from lab.web.rendering import may, page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/demandes", include_in_schema=False)

_CREATE = allowed(Verb.CREATE, Resource.REQUEST)
_READ = allowed(Verb.READ, Resource.REQUEST)
_DECIDE = allowed(Verb.DECIDE, Resource.REQUEST)
_CHANGE = allowed(Verb.CHANGE, Resource.REQUEST)


def trail_of(request: Request) -> list[tuple[str, str]]:
    """Return the way back from a page of a request."""
    language = page_language(request)
    return [(language.text(msg("Accueil")), "/"), (language.text(msg("Demandes")), "/demandes")]


@router.get("", dependencies=[Depends(allowed(Verb.LIST, Resource.REQUEST))])
async def list_requests(
    actor: Actor, request: Request, etat: str = "", apres: str = ""
) -> Response:
    lab = lab_of(request)
    state = next((s for s in RequestState if s.value == etat), None)
    page = await lab.requests.page(actor, state=state, after=apres, limit=30)
    rows = await request_rows(lab, page.items)
    return render(request, "requests.html", rows=rows, cursor=page.next_cursor, state=state)


@router.get("/nouvelle", dependencies=[Depends(_CREATE)])
async def show_form(actor: Actor, request: Request) -> Response:
    return await _form(request, actor, fresh(lab_of(request), actor))


@router.post("/nouvelle", dependencies=[Depends(_CREATE)])
async def file_request(actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    typed = Typed()
    try:
        typed = with_key(Typed.of(form), actor)
        draft = typed.to_draft()
        if form.one("action") == "preview":
            preview = await lab.requests.preview(actor, draft)
            return await _form(request, actor, typed, preview=preview)
        key = key_for(typed.key, request, {"draft": repr(draft)})
        filed = (await lab.requests.file(actor, draft, key=key)).request
    except InvalidError as error:
        error = InvalidError(problems_of(error, typed))
        return await _form(request, actor, typed, error=error)
    except QuotaExceededError as error:
        return await _form(request, actor, typed, error=error)
    where = f"/bacs/{filed.sandbox_id}" if filed.sandbox_id else f"/demandes/{filed.id}"
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


async def _form(
    request: Request,
    actor: Member,
    typed: Typed,
    *,
    preview: Preview | None = None,
    error: InvalidError | QuotaExceededError | None = None,
) -> Response:
    lab, language = lab_of(request), page_language(request)
    status, problems = HTTPStatus.OK, []
    if isinstance(error, InvalidError):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        problems = shown(error.problems, language, ANCHORS)
    elif error is not None:
        failure = explain(error, language)
        status = failure.status
        text = f"{failure.title}. {failure.detail}"
        problems = [{"field": "size", "text": text, "anchor": "size"}]
    return render(
        request,
        "request_form.html",
        status=status,
        trail=trail_of(request),
        typed=typed,
        choices=await choices_for(lab, actor, typed),
        catalogue=lab.catalogue.catalogue(),
        rules=rule_sentences(lab, language),
        preview=preview,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in reversed(problems)},
    )


@router.get("/{request_id}", dependencies=[Depends(_READ)])
async def show_request(request_id: str, actor: Actor, request: Request) -> Response:
    found = await lab_of(request).requests.get(actor, RequestId(request_id))
    return await _page(request, actor, found)


async def _page(
    request: Request,
    actor: Member,
    found: SandboxRequest,
    *,
    error: InvalidError | None = None,
    reason: str = "",
) -> Response:
    lab, language = lab_of(request), page_language(request)
    people = await lab.members.names([
        m for m in (*found.team, found.requester_id, found.decided_by) if m is not None
    ])
    catalogue = lab.catalogue.catalogue()
    problems = shown(error.problems, language) if error else []
    view = await lab.sandboxes.get(actor, found.sandbox_id) if found.sandbox_id else None
    sections, advised = kept_with(found.answers, catalogue, language)
    telling = Telling(language, lab.settings.zone, lab.clock.now(), people)
    may_ask = bool(actor.agency_id) and may(actor, Verb.CREATE, Resource.REQUEST)
    is_open = found.state in TRANSITIONS[Move.REJECT].from_states
    may_decide = can(actor, Verb.DECIDE, target(found))
    return render(
        request,
        "request.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=trail_of(request),
        asked=found,
        team=[name_of(m, people) for m in found.team],
        requester=name_of(found.requester_id, people),
        timeline=timeline_of(found, view, telling),
        button=button_of(found, view, language, may_ask=may_ask, may_open=actor.id in found.team),
        sections=sections,
        advised=advised,
        template=catalogue.templates.get(found.template_id),
        profile=catalogue.profiles.get(found.profile_id),
        size=catalogue.sizes.get(found.size),
        can_decide=is_open and may_decide and actor.id not in found.team,
        is_own=is_open and may_decide and actor.id in found.team,
        can_withdraw=found.state in TRANSITIONS[Move.WITHDRAW].from_states
        and can(actor, Verb.CHANGE, target(found)),
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
        reason=reason,
    )


@router.post("/{request_id}/approuver", dependencies=[Depends(_DECIDE)])
async def approve(request_id: str, actor: Actor, request: Request) -> Response:
    form = (await form_of(request)).only("version")
    await lab_of(request).requests.approve(actor, RequestId(request_id), version=version_in(form))
    return RedirectResponse(f"/demandes/{request_id}", HTTPStatus.SEE_OTHER)


@router.post("/{request_id}/refuser", dependencies=[Depends(_DECIDE)])
async def reject(request_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    try:
        form.only("version", "reason")
        await lab.requests.reject(
            actor, RequestId(request_id), reason=form.one("reason"), version=version_in(form)
        )
    except InvalidError as error:
        found = await lab.requests.get(actor, RequestId(request_id))
        return await _page(request, actor, found, error=error, reason=form.one("reason"))
    return RedirectResponse(f"/demandes/{request_id}", HTTPStatus.SEE_OTHER)


@router.get("/{request_id}/retirer", dependencies=[Depends(_CHANGE)])
async def confirm_withdrawal(request_id: str, actor: Actor, request: Request) -> Response:
    found = await lab_of(request).requests.get(actor, RequestId(request_id))
    if not can(actor, Verb.CHANGE, target(found)):
        raise ForbiddenError(Verb.CHANGE.value, Resource.REQUEST.value)
    return render(request, "request_withdraw.html", trail=trail_of(request), asked=found)


@router.post("/{request_id}/retirer", dependencies=[Depends(_CHANGE)])
async def withdraw(request_id: str, actor: Actor, request: Request) -> Response:
    form = (await form_of(request)).only("version")
    await lab_of(request).requests.withdraw(actor, RequestId(request_id), version=version_in(form))
    return RedirectResponse(f"/demandes/{request_id}", HTTPStatus.SEE_OTHER)


def version_in(form: Form) -> int | None:
    """Return the version that a page was read at."""
    text = form.one("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 -- no version is larger
