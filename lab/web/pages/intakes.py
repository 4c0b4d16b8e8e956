"""Dossiers: list, register, and the form that opens one."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.errors import InvalidError
from lab.domain.ids import AgencyId
from lab.domain.intake_states import IntakeState
from lab.domain.member import Member, Resource, Target, Verb, can
from lab.services.intake_drafts import LONGEST_TEXT
from lab.web import intake_words
from lab.web.access import allowed
from lab.web.conditions import key_for
from lab.web.forms import form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages.intake_forms import Opening
from lab.web.pages.listing import name_of
from lab.web.pages.showing import shown
from lab.web.rendering import page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/dossiers", include_in_schema=False)

_LIST = allowed(Verb.LIST, Resource.INTAKE)
_CREATE = allowed(Verb.CREATE, Resource.INTAKE)
_SHOWN = 30


def trail_to(request: Request, intake_id: str = "") -> list[tuple[str, str]]:
    """Return the way back from a page of a dossier."""
    language = page_language(request)
    steps = [(language.text(msg("Accueil")), "/"), (language.text(msg("Dossiers")), "/dossiers")]
    if intake_id:
        steps.append((intake_id, f"/dossiers/{intake_id}"))
    return steps


@router.get("", dependencies=[Depends(_LIST)])
async def list_intakes(
    actor: Actor, request: Request, etat: str = "", apres: str = ""
) -> Response:
    lab = lab_of(request)
    state = next((s for s in IntakeState if s.value == etat), None)
    page = await lab.intakes.page(actor, state=state, after=apres, limit=_SHOWN)
    people = await lab.members.names(sorted({i.supervisor_id for i in page.items}))
    return render(
        request,
        "intakes.html",
        rows=[(intake, name_of(intake.supervisor_id, people)) for intake in page.items],
        cursor=page.next_cursor,
        state=state,
        states=list(IntakeState),
        iw=intake_words,
        sees_register=can(actor, Verb.LIST, Target(Resource.INTAKE)),
    )


@router.get("/registre", dependencies=[Depends(_LIST)])
async def show_register(actor: Actor, request: Request, organisme: str = "") -> Response:
    lab = lab_of(request)
    agency_id = AgencyId(organisme) if organisme else None
    found = await lab.intakes.register(actor, agency_id)
    signers = {i.signature.by for i in found if i.signature}
    people = await lab.members.names(sorted(signers))
    rows = [
        (intake, name_of(intake.signature.by if intake.signature else None, people))
        for intake in found
    ]
    return render(
        request,
        "intake_register.html",
        trail=trail_to(request),
        rows=rows,
        agencies=await lab.agencies.all(actor),
        agency_id=organisme,
        iw=intake_words,
    )


@router.get("/nouveau", dependencies=[Depends(_CREATE)])
async def show_opening(actor: Actor, request: Request) -> Response:
    return await _form(request, actor, Opening.fresh())


@router.post("/nouveau", dependencies=[Depends(_CREATE)])
async def open_intake(actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    typed = Opening.of(form)
    try:
        form.only(*Opening.names())
        draft = typed.to_draft()
        key = key_for(typed.cle or None, request, {"draft": repr(draft)})
        made = await lab.intakes.open(actor, draft, key=key)
    except InvalidError as error:
        return await _form(request, actor, typed, error=error)
    return RedirectResponse(f"/dossiers/{made.intake.id}", HTTPStatus.SEE_OTHER)


async def _form(
    request: Request, actor: Member, typed: Opening, *, error: InvalidError | None = None
) -> Response:
    lab, language = lab_of(request), page_language(request)
    problems = shown(error.problems, language, {"Idempotency-Key": ""}) if error else []
    return render(
        request,
        "intake_form.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=trail_to(request),
        typed=typed,
        agencies=await lab.agencies.all(actor),
        longest=LONGEST_TEXT,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in reversed(problems)},
        iw=intake_words,
    )
