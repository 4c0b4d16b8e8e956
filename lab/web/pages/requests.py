"""Requests: list, form, page, and the decisions about them."""

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.draft import ASKS
from lab.domain.errors import (
    BudgetSpentError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    QuotaExceededError,
)
from lab.domain.ids import RequestId
from lab.domain.member import Member, Resource, Verb, can
from lab.domain.request import TRANSITIONS, Move, RequestState, SandboxRequest
from lab.domain.review import TurnKind, last_of, since
from lab.services.deciding import takes_part, target
from lab.services.filing import Preview
from lab.services.messages import may_write
from lab.web import draft_words
from lab.web.access import allowed
from lab.web.conditions import key_for
from lab.web.forms import Form, form_of
from lab.web.identity import Actor
from lab.web.language import Language, msg
from lab.web.pages.draft_fields import kept_with
from lab.web.pages.listing import name_of
from lab.web.pages.request_form import (
    ANCHORS,
    FIELDS,
    Typed,
    choices_for,
    fresh,
    problems_of,
    rule_sentences,
    with_key,
)
from lab.web.pages.review_words import (
    PolicyView,
    Reading,
    policy_of,
    told,
    turns_of,
)
from lab.web.pages.showing import shown
from lab.web.pages.timeline import Telling, button_of, timeline_of
from lab.web.problems import explain
from lab.web.rendering import may, page_language, render
from lab.web.schemas.requests import named_in
from lab.web.wiring import lab_of

router = APIRouter(prefix="/demandes", include_in_schema=False)

_CREATE = allowed(Verb.CREATE, Resource.REQUEST)
_READ = allowed(Verb.READ, Resource.REQUEST)
_DECIDE = allowed(Verb.DECIDE, Resource.REQUEST)
_CHANGE = allowed(Verb.CHANGE, Resource.REQUEST)
STEP_OF = {ask.name: step for step, asks in ASKS.items() for ask in asks}
_ANCHORS = {"answers": "answers.1", "answer": "answers.1"}


def trail_of(request: Request) -> list[tuple[str, str]]:
    """Return the way back from a page of a request."""
    language = page_language(request)
    return [(language.text(msg("Accueil")), "/"), (language.text(msg("Demandes")), "/demandes")]


@router.get("/nouvelle", dependencies=[Depends(_CREATE)])
async def show_form(actor: Actor, request: Request) -> Response:
    return await _form(request, actor, fresh(lab_of(request), actor))


@router.post("/nouvelle", dependencies=[Depends(_CREATE)])
async def file_request(actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    typed = Typed.of(form)
    try:
        form.only(*FIELDS)
        typed = with_key(typed, actor)
        draft = typed.to_draft()
        if form.one("action") == "preview":
            preview = await lab.requests.preview(actor, draft)
            return await _form(request, actor, typed, preview=preview)
        key = key_for(typed.key, request, {"draft": repr(draft)})
        filed = (await lab.requests.file(actor, draft, key=key)).request
    except InvalidError as error:
        error = InvalidError(problems_of(error, typed))
        return await _form(request, actor, typed, error=error)
    except (QuotaExceededError, BudgetSpentError) as error:
        return await _form(request, actor, typed, error=error)
    where = f"/bacs/{filed.sandbox_id}" if filed.sandbox_id else f"/demandes/{filed.id}"
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


async def _form(
    request: Request,
    actor: Member,
    typed: Typed,
    *,
    preview: Preview | None = None,
    error: InvalidError | QuotaExceededError | BudgetSpentError | None = None,
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
    error: InvalidError | ConflictError | QuotaExceededError | BudgetSpentError | None = None,
    typed: Mapping[str, Sequence[str]] | None = None,
) -> Response:
    lab, language = lab_of(request), page_language(request)
    messages = await lab.messages.of(actor, found.id)
    named = named_in(found) | {message.author_id for message in messages}
    people = await lab.members.names(sorted(named))
    catalogue, typed = lab.catalogue.catalogue(), typed or {}
    reading = Reading(language, lab.settings.zone, people, catalogue)
    status, problems = _failed(error, language, found.draft_id)
    view = await lab.sandboxes.get(actor, found.sandbox_id) if found.sandbox_id else None
    sections, advised = kept_with(found.answers, catalogue, language)
    telling = Telling(language, lab.settings.zone, lab.clock.now(), people)
    may_ask = bool(actor.agency_id) and may(actor, Verb.CREATE, Resource.REQUEST)
    is_open = found.state in TRANSITIONS[Move.REJECT].from_states
    may_decide = can(actor, Verb.DECIDE, target(found))
    is_own = actor.id in takes_part(found)
    asked = last_of(found.turns, TurnKind.RETURNED)
    has_approved = found.first_by == actor.id and found.state is RequestState.IN_REVIEW
    return render(
        request,
        "request.html",
        status=status,
        trail=trail_of(request),
        asked=found,
        policy=policy_of(found, catalogue, lab.settings.zone, language)
        if may_decide and not found.rule
        else PolicyView("", (), ()),
        turns=turns_of(found.turns, reading),
        first_by=name_of(found.first_by, people),
        questions=asked.lines if asked else (),
        changed=_done_since(error, found, reading),
        messages=[(each, name_of(each.author_id, people)) for each in messages],
        can_write=may_write(actor, found),
        message_typed="".join(typed.get("text", ())),
        team=[name_of(m, people) for m in found.team],
        requester=name_of(found.requester_id, people),
        timeline=timeline_of(found, view, telling),
        button=button_of(found, view, language, may_ask=may_ask, may_open=actor.id in found.team),
        sections=sections,
        advised=advised,
        template=catalogue.templates.get(found.template_id),
        profile=catalogue.profiles.get(found.profile_id),
        size=catalogue.sizes.get(found.size),
        can_decide=is_open and may_decide and not is_own,
        can_approve=found.state is RequestState.IN_REVIEW and not has_approved,
        has_approved=has_approved,
        can_answer=found.state is RequestState.RETURNED and can(actor, Verb.CREATE, target(found)),
        is_own=is_open and may_decide and is_own,
        can_withdraw=found.state in TRANSITIONS[Move.WITHDRAW].from_states
        and can(actor, Verb.CHANGE, target(found)),
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
        reason="".join(typed.get("reason", ())),
        questions_typed="".join(typed.get("questions", ())),
        answers=typed.get("answer", ()),
    )


def _failed(
    error: InvalidError | ConflictError | QuotaExceededError | BudgetSpentError | None,
    language: Language,
    draft_id: str | None,
) -> tuple[HTTPStatus, list[dict[str, str]]]:
    """Return what the page answers with, and what stands on top of it."""
    if error is None:
        return HTTPStatus.OK, []
    if isinstance(error, InvalidError):
        problems = shown(error.problems, language)
        for problem in problems:
            step = STEP_OF.get(problem["field"])
            if step is not None and draft_id:
                problem["href"] = f"/demandes/nouvelle/{draft_id}/{draft_words.SLUG[step]}"
            problem["anchor"] = _ANCHORS.get(problem["field"], problem["anchor"])
            if problem["field"].startswith("questions."):
                problem["field"] = problem["anchor"] = "questions"
        return HTTPStatus.UNPROCESSABLE_ENTITY, problems
    failure = explain(error, language)
    return failure.status, [{"field": "", "text": f"{failure.title}. {failure.detail}"}]


def _done_since(
    error: Exception | None, found: SandboxRequest, reading: Reading
) -> list[tuple[str, str]]:
    """Return what was done after the version that a refused decision was about."""
    if not isinstance(error, ConflictError):
        return []
    return [
        (told(turn, reading), reading.language.moment(turn.at, reading.zone))
        for turn in since(found.turns, error.expected)
    ]


@router.post("/{request_id}/approuver", dependencies=[Depends(_DECIDE)])
async def approve(request_id: str, actor: Actor, request: Request) -> Response:
    form = (await form_of(request)).only("version")
    approve = lab_of(request).requests.approve
    return await _acted(
        request, actor, request_id, approve(actor, RequestId(request_id), version=version_in(form))
    )


@router.post("/{request_id}/retourner", dependencies=[Depends(_DECIDE)])
async def send_back(request_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    questions = form.one("questions").splitlines()
    return await _acted(
        request,
        actor,
        request_id,
        lab.reviews.send_back(
            actor, RequestId(request_id), questions=questions, version=version_in(form)
        ),
        fields=("questions",),
    )


@router.post("/{request_id}/repondre", dependencies=[Depends(_CREATE)])
async def answer(request_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    return await _acted(
        request,
        actor,
        request_id,
        lab.reviews.answer(
            actor, RequestId(request_id), answers=form.many("answer"), version=version_in(form)
        ),
        fields=("answer",),
    )


@router.post("/{request_id}/messages", dependencies=[Depends(_READ)])
async def write_message(request_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    return await _acted(
        request,
        actor,
        request_id,
        lab.messages.say(actor, RequestId(request_id), text=form.one("text")),
        fields=("text",),
        at="#messages",
    )


@router.post("/{request_id}/refuser", dependencies=[Depends(_DECIDE)])
async def reject(request_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    return await _acted(
        request,
        actor,
        request_id,
        lab.requests.reject(
            actor, RequestId(request_id), reason=form.one("reason"), version=version_in(form)
        ),
        fields=("reason",),
    )


async def _acted(
    request: Request,
    actor: Member,
    request_id: str,
    act: Coroutine[object, object, object],
    *,
    fields: Sequence[str] = (),
    at: str = "",
) -> Response:
    """Do it and lead back to the page; where it is refused, show why and keep what was typed."""
    form = await form_of(request)
    try:
        with closing(act):
            form.only("version", *fields)
            await act
    except (InvalidError, ConflictError, QuotaExceededError, BudgetSpentError) as error:
        found = await lab_of(request).requests.get(actor, RequestId(request_id))
        typed = {name: form.many(name) for name in fields}
        return await _page(request, actor, found, error=error, typed=typed)
    return RedirectResponse(f"/demandes/{request_id}{at}", HTTPStatus.SEE_OTHER)


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
