"""The steps of a dossier that need a page of their own: file, columns, treatment, measures."""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    Problem,
    StateError,
)
from lab.domain.evidence import TECHNIQUES, Technique
from lab.domain.ids import IntakeId
from lab.domain.intake import Intake
from lab.domain.intake_run import Step
from lab.domain.intake_states import INTAKE_TRANSITIONS, IntakeMove
from lab.domain.member import Member, Resource, Verb, can
from lab.services.intake_desk import target
from lab.services.intakes import LONGEST_REASON
from lab.web import intake_words
from lab.web.access import allowed
from lab.web.conditions import key_for
from lab.web.forms import form_of
from lab.web.identity import Actor
from lab.web.pages import intake_figures
from lab.web.pages.intake import back_to, problems_of, version_of
from lab.web.pages.intake_forms import (
    ColumnTyped,
    choices_of,
    column_names,
    columns_of,
    columns_typed,
)
from lab.web.pages.intake_treatment import (
    Parameters,
    TreatmentTyped,
    treatment_for,
    treatment_names,
    treatment_typed,
)
from lab.web.pages.intakes import trail_to
from lab.web.pages.listing import name_of
from lab.web.rendering import page_language, render
from lab.web.uploads import drain, upload_of
from lab.web.wiring import lab_of

router = APIRouter(prefix="/dossiers", include_in_schema=False)

_READ = allowed(Verb.READ, Resource.INTAKE)
_CHANGE = allowed(Verb.CHANGE, Resource.INTAKE)
_DECIDE = allowed(Verb.DECIDE, Resource.INTAKE)
_FILE = "fichier"
_REFUSED = (InvalidError, ConflictError, StateError)


@router.get("/{intake_id}/fichier", dependencies=[Depends(_CHANGE)])
async def show_file(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _file(intake_id, actor, request)


@router.post("/{intake_id}/fichier", dependencies=[Depends(_CHANGE)])
async def deposit(
    intake_id: str, actor: Actor, request: Request, version: int | None = None
) -> Response:
    lab = lab_of(request)
    try:
        upload = await upload_of(request, _FILE)
        kept = await lab.intakes.deposit(
            actor, IntakeId(intake_id), upload.chunks, name=upload.name, version=version
        )
    except _REFUSED as error:
        await drain(request)
        return await _file(intake_id, actor, request, error=error)
    # Whoever deposits a file wants it read. Where that cannot begin, the dossier has a button.
    with suppress(*_REFUSED):
        await lab.intake_runs.start(actor, kept.id, Step.READ, version=kept.version)
    return back_to(intake_id)


async def _file(
    intake_id: str, actor: Member, request: Request, *, error: Exception | None = None
) -> Response:
    lab = lab_of(request)
    intake = await _mine(actor, intake_id, request, IntakeMove.DEPOSIT if not error else None)
    anchors = {"raw": _FILE, "name": _FILE}
    status, problems = problems_of(error, page_language(request), anchors)
    return render(
        request,
        "intake_file.html",
        status=status,
        trail=trail_to(request, intake_id),
        intake=intake,
        problems=problems,
        limit_bytes=lab.catalogue.catalogue().privacy.raw_limit_bytes,
    )


@router.get("/{intake_id}/colonnes", dependencies=[Depends(_READ)])
async def show_columns(intake_id: str, actor: Actor, request: Request) -> Response:
    intake = await lab_of(request).intakes.get(actor, IntakeId(intake_id))
    return _columns(request, actor, intake, columns_of(intake))


@router.post("/{intake_id}/colonnes", dependencies=[Depends(_CHANGE)])
async def confirm_columns(intake_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    intake = await lab.intakes.get(actor, IntakeId(intake_id))
    typed = columns_typed(form, intake)
    try:
        form.only(*column_names(intake))
        choices = choices_of(typed, intake)
        await lab.intakes.confirm(actor, intake.id, choices, version=version_of(form))
    except _REFUSED as error:
        return _columns(request, actor, intake, typed, error=error)
    return back_to(intake_id)


def _columns(
    request: Request,
    actor: Member,
    intake: Intake,
    typed: Sequence[ColumnTyped],
    *,
    error: Exception | None = None,
) -> Response:
    status, problems = problems_of(error, page_language(request))
    wrong: dict[int, str] = {}
    if isinstance(error, InvalidError):
        place_of = {each.name[:64]: place for place, each in enumerate(typed)}
        for problem, told in zip(error.problems, problems, strict=True):
            place = place_of.get(dict(problem.facts).get("name", ""))
            told["anchor"] = f"role-{place}" if place is not None else ""
            if place is not None:
                wrong[place] = told["text"]
    return render(
        request,
        "intake_columns.html",
        status=status,
        trail=trail_to(request, intake.id),
        intake=intake,
        rows=list(zip(intake.findings, typed, strict=True)),
        can_confirm=can(actor, Verb.CHANGE, target(intake))
        and intake.state in INTAKE_TRANSITIONS[IntakeMove.CONFIRM].from_states,
        problems=problems,
        wrong=wrong,
        iw=intake_words,
    )


@router.get("/{intake_id}/traitement", dependencies=[Depends(_CHANGE)])
async def show_treatment(intake_id: str, actor: Actor, request: Request) -> Response:
    intake = await _mine(actor, intake_id, request, IntakeMove.TREAT)
    policy = lab_of(request).catalogue.catalogue().privacy
    return await _treatment(
        request, actor, intake, treatment_for(intake, policy, _offered(intake))
    )


@router.post("/{intake_id}/traitement", dependencies=[Depends(_CHANGE)])
async def treat(intake_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    intake = await lab.intakes.get(actor, IntakeId(intake_id))
    typed = treatment_typed(form, intake)
    try:
        form.only(*treatment_names(intake))
        parameters = Parameters(typed).read()
        await lab.intake_runs.start(
            actor,
            intake.id,
            Step.TREAT,
            parameters=parameters,
            version=version_of(form),
            key=key_for(typed.cle or None, request, parameters),
        )
    except _REFUSED as error:
        return await _treatment(request, actor, intake, typed, error=error)
    return back_to(intake_id)


async def _treatment(
    request: Request,
    actor: Member,
    intake: Intake,
    typed: TreatmentTyped,
    *,
    error: Exception | None = None,
) -> Response:
    lab = lab_of(request)
    anchors = {"k": "k", "epsilon": "epsilon"}
    status, problems = problems_of(error, page_language(request), anchors)
    return render(
        request,
        "intake_treat.html",
        status=status,
        trail=trail_to(request, intake.id),
        intake=intake,
        typed=typed,
        offered=_offered(intake),
        policy=lab.catalogue.catalogue().privacy,
        left=await lab.intake_runs.epsilon_left(actor, intake.id),
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in reversed(problems)},
        iw=intake_words,
    )


@router.get("/{intake_id}/mesures", dependencies=[Depends(_READ)])
async def show_measures(intake_id: str, actor: Actor, request: Request) -> Response:
    lab = lab_of(request)
    intake = await lab.intakes.get(actor, IntakeId(intake_id))
    if intake.final is None:
        raise StateError("intake", intake.id, state=intake.state.value, wanted="read measures")
    may_sign = (
        can(actor, Verb.DECIDE, target(intake))
        and actor.id not in intake.interested
        and intake.final.passes
        and intake.state in INTAKE_TRANSITIONS[IntakeMove.SIGN].from_states
    )
    return render(
        request,
        "intake_measures.html",
        trail=trail_to(request, intake_id),
        intake=intake,
        may_sign=may_sign,
        may_treat=can(actor, Verb.CHANGE, target(intake))
        and intake.state in INTAKE_TRANSITIONS[IntakeMove.TREAT].from_states,
        **measured(request, intake),
    )


def measured(request: Request, intake: Intake) -> dict[str, Any]:
    """Return what the final analysis shows, for a page."""
    language, final = page_language(request), intake.final
    policy = intake.policy or lab_of(request).catalogue.catalogue().privacy
    if final is None:
        return {}
    return {
        "final": final,
        "policy": policy,
        "criteria": intake_figures.criteria(final, policy, language),
        "classes": intake_figures.classes(final.report, language),
        "utility": intake_figures.utility(final.report, language),
        "said": intake_figures.sentences(final.report, language),
        "conclusion": intake_figures.conclusion(final.report, language),
        "failures": intake_figures.failures(final, language),
        "iw": intake_words,
    }


@router.get("/{intake_id}/signature", dependencies=[Depends(_DECIDE)])
async def show_signature(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _signature(intake_id, actor, request)


@router.post("/{intake_id}/signature", dependencies=[Depends(_DECIDE)])
async def sign(intake_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    try:
        form.only("version", "statement", "reason")
        wrong = [] if form.one("statement") else [Problem("statement", "required")]
        if not form.one("reason").strip():
            wrong.append(Problem("reason", "unsaid"))
        if wrong:
            raise InvalidError(wrong)
        await lab.intakes.sign(
            actor, IntakeId(intake_id), reason=form.one("reason"), version=version_of(form)
        )
    except ForbiddenError:
        return await _signature(intake_id, actor, request, is_refused=True)
    except _REFUSED as error:
        return await _signature(
            intake_id,
            actor,
            request,
            error=error,
            reason=form.one("reason"),
            is_stated=bool(form.one("statement")),
        )
    return back_to(intake_id)


async def _signature(
    intake_id: str,
    actor: Member,
    request: Request,
    *,
    error: Exception | None = None,
    reason: str = "",
    is_stated: bool = False,
    is_refused: bool = False,
) -> Response:
    lab = lab_of(request)
    intake = await lab.intakes.get(actor, IntakeId(intake_id))
    if not can(actor, Verb.DECIDE, target(intake)):
        raise ForbiddenError(Verb.DECIDE.value, Resource.INTAKE.value)
    status, problems = problems_of(error, page_language(request))
    people = await lab.members.names([intake.supervisor_id])
    return render(
        request,
        "intake_sign.html",
        status=HTTPStatus.FORBIDDEN if is_refused else status,
        trail=trail_to(request, intake_id),
        intake=intake,
        supervisor=name_of(intake.supervisor_id, people),
        parts=_parts(intake, actor),
        can_sign=intake.state in INTAKE_TRANSITIONS[IntakeMove.SIGN].from_states
        and intake.final is not None
        and intake.final.passes,
        reason=reason,
        is_stated=is_stated,
        longest=LONGEST_REASON,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
        **measured(request, intake),
    )


def _parts(intake: Intake, actor: Member) -> list[str]:
    """Return which parts a person had in it; with one they may not sign."""
    treated = intake.treatment.by if intake.treatment else None
    return [
        word
        for word, person in (
            ("requester", intake.requester_id),
            ("depositor", intake.depositor_id),
            ("confirmed", intake.confirmed_by),
            ("treated", treated),
        )
        if person == actor.id
    ]


def _offered(intake: Intake) -> list[Technique]:
    return [technique for technique in Technique if technique in TECHNIQUES[intake.asked]]


async def _mine(
    actor: Member, intake_id: str, request: Request, move: IntakeMove | None
) -> Intake:
    """Return it for somebody who may change it, where a step can be done now.

    Raises:
        StateError: It cannot.
    """
    intake = await lab_of(request).intakes.get(actor, IntakeId(intake_id))
    if not can(actor, Verb.CHANGE, target(intake)):
        raise ForbiddenError(Verb.CHANGE.value, Resource.INTAKE.value)
    if move is not None:
        intake.check_move(move)
    return intake
