"""The guided request: a task list, one page for each step, a last look, and sending it in."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.draft import ADVICE, TASKS, Step, asks_of
from lab.domain.errors import (
    BudgetSpentError,
    ConflictError,
    InvalidError,
    NotFoundError,
    Problem,
    QuotaExceededError,
    StateError,
)
from lab.domain.ids import AgencyId, DraftId
from lab.domain.member import Member, Resource, Verb
from lab.services.outlook import DraftView
from lab.web import draft_words
from lab.web.access import allowed
from lab.web.conditions import checked_key, key_for
from lab.web.forms import Form, form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages.draft_fields import (
    Offer,
    advised_by,
    command_of,
    field_views,
    label_of,
    said,
    typed_in,
)
from lab.web.pages.listing import name_of
from lab.web.pages.request_form import Typed, choices_for
from lab.web.pages.requests import STEP_OF, trail_of, version_in
from lab.web.pages.showing import shown
from lab.web.problems import explain
from lab.web.rendering import page_language, render
from lab.web.schemas.drafts import everyone
from lab.web.sentences import of_problem
from lab.web.wiring import lab_of

router = APIRouter(prefix="/demandes/nouvelle", include_in_schema=False)

_CREATE = allowed(Verb.CREATE, Resource.REQUEST)
_STEPS = {slug: step for step, slug in draft_words.SLUG.items()}
_SHOWN = 30
CHECK = "verifier"


def _at(draft_id: str, page: str = "") -> str:
    return f"/demandes/nouvelle/{draft_id}" + (f"/{page}" if page else "")


def _to(where: str) -> Response:
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


def _trail(request: Request, draft_id: str = "") -> list[tuple[str, str]]:
    trail = trail_of(request)
    return [*trail, (draft_id, _at(draft_id))] if draft_id else trail


@router.get("/guidee", dependencies=[Depends(_CREATE)])
async def show_start(actor: Actor, request: Request) -> Response:
    return await _start(request, actor)


@router.post("/guidee", dependencies=[Depends(_CREATE)])
async def begin(actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    agency_id = AgencyId(actor.agency_id or form.one("agency_id"))
    if not agency_id:
        missing = InvalidError([Problem("agency_id", "required")])
        return await _start(request, actor, error=missing)
    try:
        form.only("cle", "agency_id")
        key = key_for(checked_key(form.one("cle")), request, {"agency_id": agency_id})
        draft = await lab.drafts.open(actor, agency_id, key=key)
    except InvalidError as error:
        return await _start(request, actor, error=error, chosen=agency_id)
    return _to(_at(draft.id))


async def _start(
    request: Request, actor: Member, *, error: InvalidError | None = None, chosen: str = ""
) -> Response:
    lab, language = lab_of(request), page_language(request)
    drafts = (await lab.drafts.page(actor, limit=_SHOWN)).items
    people = await lab.members.names(sorted({draft.author_id for draft in drafts}))
    problems = shown(error.problems, language, {"Idempotency-Key": ""}) if error else []
    return render(
        request,
        "draft_start.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=_trail(request),
        key=secrets.token_urlsafe(16),
        agencies=[] if actor.agency_id else await lab.agencies.all(actor),
        chosen=chosen,
        drafts=[(d, d.one(Step.PURPOSE, "purpose"), name_of(d.author_id, people)) for d in drafts],
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
    )


@router.get("/{draft_id}", dependencies=[Depends(_CREATE)])
async def show_tasks(draft_id: str, actor: Actor, request: Request) -> Response:
    view = await lab_of(request).drafts.view(actor, DraftId(draft_id))
    if view.draft.request_id is not None:
        return _to(f"/demandes/{view.draft.request_id}")
    people = await lab_of(request).members.names(sorted(everyone(view.draft)))
    return render(
        request,
        "draft_tasks.html",
        trail=_trail(request),
        view=view,
        tasks=[(number, step) for number, step in enumerate(TASKS, 1)],
        advice=ADVICE,
        done=sum(view.states[step].value == "done" for step in TASKS),
        author=name_of(view.draft.author_id, people),
        draft_words=draft_words,
    )


@router.get("/{draft_id}/supprimer", dependencies=[Depends(_CREATE)])
async def confirm_deletion(draft_id: str, actor: Actor, request: Request) -> Response:
    draft = await lab_of(request).drafts.get(actor, DraftId(draft_id))
    return render(request, "draft_delete.html", trail=_trail(request, draft_id), draft=draft)


@router.post("/{draft_id}/supprimer", dependencies=[Depends(_CREATE)])
async def delete(draft_id: str, actor: Actor, request: Request) -> Response:
    form = (await form_of(request)).only("version")
    await lab_of(request).drafts.delete(actor, DraftId(draft_id), version=version_in(form))
    return _to("/demandes/nouvelle/guidee")


@router.get(f"/{{draft_id}}/{CHECK}", dependencies=[Depends(_CREATE)])
async def show_check(draft_id: str, actor: Actor, request: Request) -> Response:
    view = await lab_of(request).drafts.view(actor, DraftId(draft_id))
    if view.draft.request_id is not None:
        return _to(f"/demandes/{view.draft.request_id}")
    return await _check(request, actor, view)


@router.post(f"/{{draft_id}}/{CHECK}", dependencies=[Depends(_CREATE)])
async def submit(draft_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    try:
        version = version_in(form.only("version"))
        filed = await lab.drafts.submit(actor, DraftId(draft_id), version=version)
    except (InvalidError, QuotaExceededError, BudgetSpentError, ConflictError) as error:
        view = await lab.drafts.view(actor, DraftId(draft_id))
        return await _check(request, actor, view, error=error, read=version_in(form))
    return _to(f"/demandes/{filed.request.id}")


async def _offer(request: Request, actor: Member, view: DraftView) -> Offer:
    lab = lab_of(request)
    typed = Typed(agency_id=view.draft.agency_id)
    return Offer(
        catalogue=lab.catalogue.catalogue(),
        choices=await choices_for(lab, actor, typed),
        language=page_language(request),
        today=lab.clock.now().astimezone(lab.settings.zone).date(),
    )


async def _check(
    request: Request,
    actor: Member,
    view: DraftView,
    *,
    error: InvalidError | QuotaExceededError | BudgetSpentError | ConflictError | None = None,
    read: int | None = None,
) -> Response:
    language, draft_id = page_language(request), view.draft.id
    offer = await _offer(request, actor, view)
    status, summary = HTTPStatus.OK, []
    if isinstance(error, InvalidError):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        summary = [_linked(problem, draft_id, offer) for problem in error.problems]
    elif error is not None:
        failure = explain(error, language)
        status = failure.status
        summary = [{"text": f"{failure.title}. {failure.detail}"}]
    return render(
        request,
        "draft_check.html",
        status=status,
        trail=_trail(request, draft_id),
        view=view,
        sections=[(step, said(step, view.draft.values(step), offer)) for step in Step],
        assessments=advised_by(view.draft.content(), offer.catalogue, language),
        summary=summary,
        changed=await _changed(request, view, read) if isinstance(error, ConflictError) else [],
        draft_words=draft_words,
        advice=ADVICE,
        tasks=TASKS,
    )


def _linked(problem: Problem, draft_id: str, offer: Offer) -> dict[str, str]:
    """Lead from a problem to the page of its step."""
    step = STEP_OF.get(problem.field)
    text = of_problem(problem, offer.language)
    if step is None:
        return {"text": text}
    label, _ = label_of(step, problem.field, offer.catalogue, offer.language)
    colon = offer.language.text(msg("%(field)s : %(problem)s"), field=label, problem=text)
    return {"text": colon, "href": f"{_at(draft_id, draft_words.SLUG[step])}?retour={CHECK}"}


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a page of a step sent, and what became of it."""

    form: Form
    values: Mapping[str, Sequence[str]]
    error: InvalidError | ConflictError | None = None
    is_preview: bool = False


def _step_by(slug: str) -> Step:
    step = _STEPS.get(slug)
    if step is None:
        raise NotFoundError("page", slug)
    return step


@router.get("/{draft_id}/{slug}", dependencies=[Depends(_CREATE)])
async def show_step(
    draft_id: str, slug: str, actor: Actor, request: Request, retour: str = ""
) -> Response:
    view = await lab_of(request).drafts.view(actor, DraftId(draft_id))
    if view.draft.request_id is not None:
        return _to(f"/demandes/{view.draft.request_id}")
    return await _page(request, actor, view, _step_by(slug), back=retour)


@router.post("/{draft_id}/{slug}", dependencies=[Depends(_CREATE)])
async def answer_step(draft_id: str, slug: str, actor: Actor, request: Request) -> Response:
    lab, form, step = lab_of(request), await form_of(request), _step_by(slug)
    asks = asks_of(step, lab.catalogue.catalogue().questionnaires)
    values, names = typed_in(form, asks)
    action, back, draft = form.one("action"), form.one("retour"), DraftId(draft_id)
    try:
        form.only(*names, "version", "action", "retour")
        if action == "effect":
            view = await lab.drafts.preview(actor, draft, step, values)
            sent = _Sent(form, values, is_preview=True)
            return await _page(request, actor, view, step, sent=sent, back=back)
        is_later = action == "later"
        version = version_in(form)
        await lab.drafts.answer(actor, draft, step, values, version=version, is_partial=is_later)
    except (InvalidError, ConflictError) as error:
        view = await lab.drafts.view(actor, draft)
        sent = _Sent(form, values, error)
        return await _page(request, actor, view, step, sent=sent, back=back)
    except StateError:
        return _to(_at(draft_id))
    return _to(_next(draft_id, step, back=back, is_later=is_later))


def _next(draft_id: str, step: Step, *, back: str, is_later: bool) -> str:
    if is_later:
        return _at(draft_id)
    if step in ADVICE:
        # The advice is what this page is for: it is shown before anything else.
        return _at(draft_id, draft_words.SLUG[step]) + (
            f"?retour={CHECK}" if back == CHECK else ""
        )
    if back == CHECK:
        return _at(draft_id, CHECK)
    place = TASKS.index(step) + 1
    return _at(draft_id, draft_words.SLUG[TASKS[place]] if place < len(TASKS) else "")


async def _page(
    request: Request,
    actor: Member,
    view: DraftView,
    step: Step,
    *,
    sent: _Sent | None = None,
    back: str = "",
) -> Response:
    language, draft = page_language(request), view.draft
    offer = await _offer(request, actor, view)
    values = sent.values if sent else draft.values(step)
    error = sent.error if sent else None
    status, problems, changed = HTTPStatus.OK, [], []
    if isinstance(error, InvalidError):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        problems = shown(error.problems, language, {"ends_on": "ends_on-day"})
    elif error is not None:
        status = HTTPStatus.CONFLICT
        changed = await _changed(request, view, version_in(sent.form) if sent else None)
    found = offer.catalogue.questionnaires.get(step.value)
    title = language.text(draft_words.TITLE[step])
    if found:
        title = language.either(found.title_fr, found.title_en)
    return render(
        request,
        "draft_step.html",
        status=status,
        trail=_trail(request, draft.id),
        view=view,
        step=step,
        number=TASKS.index(step) + 1 if step in TASKS else 0,
        title=title,
        lead=language.either(found.intro_fr, found.intro_en)
        if found
        else language.text(draft_words.MEANING[step]),
        fields=field_views(step, offer, values, sent.form if sent else None),
        theirs=_theirs(step, view, values, offer) if changed else [],
        changed=changed,
        is_preview=bool(sent and sent.is_preview),
        shows_effect=step in {Step.DATA, Step.RESOURCES, Step.EGRESS, Step.TEAM},
        advised=advised_by({step.value: draft.values(step)}, offer.catalogue, language),
        back=CHECK if back == CHECK else "",
        # Not "command": that is what the macro of every page is called.
        line=command_of(draft, step, offer),
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in reversed(problems)},
        quota=offer.choices.quota,
        # A preview is of answers that were not saved: its draft is one step ahead.
        version=version_in(sent.form) if sent and sent.is_preview else draft.version,
        action=_at(draft.id, draft_words.SLUG[step]),
    )


def _theirs(
    step: Step, view: DraftView, values: Mapping[str, Sequence[str]], offer: Offer
) -> list[tuple[str, str]]:
    """Return what is kept on this page where it is not what was typed."""
    kept = dict(said(step, view.draft.values(step), offer))
    typed = {
        label_of(step, ask.name, offer.catalogue, offer.language)[0]: tuple(
            values.get(ask.name, ())
        )
        == view.draft.values(step).get(ask.name, ())
        for ask in asks_of(step, offer.catalogue.questionnaires)
    }
    return [(label, text) for label, text in kept.items() if not typed[label]]


async def _changed(
    request: Request, view: DraftView, read: int | None
) -> list[tuple[str, str, str]]:
    """Name the steps that were saved since a version: title, who, when."""
    language, lab = page_language(request), lab_of(request)
    people = await lab.members.names(sorted(everyone(view.draft)))
    return [
        (
            language.text(draft_words.TITLE[step]),
            name_of(view.draft.answers[step].by, people),
            language.moment(view.draft.answers[step].at, lab.settings.zone),
        )
        for step in view.draft.changed_since(read or 0)
    ]
