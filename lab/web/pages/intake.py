"""One dossier: where it stands, the one thing to do next, and what ends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from lab.domain.errors import ConflictError, ForbiddenError, InvalidError, StateError
from lab.domain.ids import IntakeId, MemberId, RunId
from lab.domain.intake import Intake
from lab.domain.intake_run import Run, Step
from lab.domain.intake_states import INTAKE_TRANSITIONS, IntakeMove
from lab.domain.member import Member, Resource, Verb, can
from lab.services.intake_desk import target
from lab.web import intake_words
from lab.web.access import allowed
from lab.web.forms import Form, form_of
from lab.web.identity import Actor
from lab.web.language import Language, msg
from lab.web.pages.intake_figures import failures
from lab.web.pages.intake_lines import announcement, next_action, step_lines, what_failed
from lab.web.pages.intakes import trail_to
from lab.web.pages.listing import name_of
from lab.web.pages.showing import shown
from lab.web.problems import explain
from lab.web.rendering import fragment, page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/dossiers", include_in_schema=False)

_READ = allowed(Verb.READ, Resource.INTAKE)
_CHANGE = allowed(Verb.CHANGE, Resource.INTAKE)
_DECIDE = allowed(Verb.DECIDE, Resource.INTAKE)


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the history."""

    at: datetime
    text: str
    who: str = ""
    more: str = ""


@router.get("/{intake_id}", dependencies=[Depends(_READ)])
async def show_intake(intake_id: str, actor: Actor, request: Request) -> Response:
    lab, language = lab_of(request), page_language(request)
    intake = await lab.intakes.get(actor, IntakeId(intake_id))
    runs = await lab.intake_runs.runs(actor, intake.id)
    people = await lab.members.names(sorted(_people(intake, runs)))
    return render(
        request,
        "intake.html",
        trail=trail_to(request),
        people=people,
        name_of=name_of,
        history=_history(intake, runs, people, language),
        failures=failures(intake.final, language) if intake.final else [],
        **await state_of(request, actor, intake, runs),
    )


@router.get("/{intake_id}/etat", dependencies=[Depends(_READ)])
async def read_state(intake_id: str, actor: Actor, request: Request) -> JSONResponse:
    lab = lab_of(request)
    intake = await lab.intakes.get(actor, IntakeId(intake_id))
    runs = await lab.intake_runs.runs(actor, intake.id)
    state = await state_of(request, actor, intake, runs)
    return JSONResponse({
        "html": fragment(request, "intake_state.html", **state),
        "announcement": state["announcement"],
        "is_final": state["is_final"],
    })


async def state_of(
    request: Request, actor: Member, intake: Intake, runs: Sequence[Run]
) -> dict[str, Any]:
    """Return what the live part of a dossier's page shows."""
    lab, language = lab_of(request), page_language(request)
    of_it = target(intake)
    can_change, can_decide = can(actor, Verb.CHANGE, of_it), can(actor, Verb.DECIDE, of_it)
    open_run = next((run for run in runs if run.is_open), None)
    is_interested = actor.id in intake.interested
    action = next_action(
        intake, can_change=can_change, can_sign=can_decide, is_interested=is_interested
    )
    least = lab.catalogue.catalogue().privacy.k_for(intake.scope)
    supervisor = (await lab.members.names([intake.supervisor_id])).get(intake.supervisor_id)
    return {
        "intake": intake,
        "state": intake.state.value,
        "lines": step_lines(intake, runs, language, least_k=least),
        "announcement": announcement(intake, runs, language),
        "action": None if open_run else action,
        "run": open_run,
        "supervisor": supervisor.name if supervisor else intake.supervisor_id,
        "is_interested": is_interested,
        "can_change": can_change,
        "can_decide": can_decide,
        "can_refuse": can_decide and _may_move(intake, IntakeMove.REFUSE) and not open_run,
        "can_withdraw": can_change and _may_move(intake, IntakeMove.WITHDRAW) and not open_run,
        # Only whoever had no part in it may answer for it again.
        "can_review": intake.next_review_at is not None
        and can_decide
        and not is_interested
        and not open_run,
        "can_confirm": intake.unconfirmed is not None
        and can_decide
        and not is_interested
        and not open_run
        and intake.next_review_at is not None
        and intake.next_review_at > lab.clock.now(),
        "is_final": open_run is None,
        "iw": intake_words,
    }


@router.post("/{intake_id}/lire", dependencies=[Depends(_CHANGE)])
async def start_reading(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _start(intake_id, Step.READ, actor, request)


@router.post("/{intake_id}/mesurer", dependencies=[Depends(_CHANGE)])
async def start_measuring(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _start(intake_id, Step.MEASURE, actor, request)


@router.post("/{intake_id}/reviser", dependencies=[Depends(_DECIDE)])
async def start_review(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _start(intake_id, Step.REVIEW, actor, request)


@router.post("/{intake_id}/confirmer", dependencies=[Depends(_DECIDE)])
async def confirm_review(intake_id: str, actor: Actor, request: Request) -> Response:
    form = (await form_of(request)).only("version")
    await lab_of(request).intakes.confirm_review(
        actor, IntakeId(intake_id), version=version_of(form)
    )
    return back_to(intake_id)


async def _start(intake_id: str, step: Step, actor: Member, request: Request) -> Response:
    form = (await form_of(request)).only("version")
    await lab_of(request).intake_runs.start(
        actor, IntakeId(intake_id), step, version=version_of(form)
    )
    return back_to(intake_id)


@router.post("/{intake_id}/publier", dependencies=[Depends(_CHANGE)])
async def publish(intake_id: str, actor: Actor, request: Request) -> Response:
    form = (await form_of(request)).only("version")
    await lab_of(request).intake_runs.publish(actor, IntakeId(intake_id), version=version_of(form))
    return back_to(intake_id)


@router.post("/{intake_id}/travaux/{run_id}/annuler", dependencies=[Depends(_CHANGE)])
async def cancel_run(intake_id: str, run_id: str, actor: Actor, request: Request) -> Response:
    (await form_of(request)).only("version")
    await lab_of(request).intake_runs.cancel(actor, IntakeId(intake_id), RunId(run_id))
    return back_to(intake_id)


@router.get("/{intake_id}/refuser", dependencies=[Depends(_DECIDE)])
async def confirm_refusal(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _closing(intake_id, Verb.DECIDE, actor, request)


@router.post("/{intake_id}/refuser", dependencies=[Depends(_DECIDE)])
async def refuse(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _close(intake_id, Verb.DECIDE, actor, request)


@router.get("/{intake_id}/retirer", dependencies=[Depends(_CHANGE)])
async def confirm_withdrawal(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _closing(intake_id, Verb.CHANGE, actor, request)


@router.post("/{intake_id}/retirer", dependencies=[Depends(_CHANGE)])
async def withdraw(intake_id: str, actor: Actor, request: Request) -> Response:
    return await _close(intake_id, Verb.CHANGE, actor, request)


async def _closing(
    intake_id: str,
    verb: Verb,
    actor: Member,
    request: Request,
    *,
    error: Exception | None = None,
    reason: str = "",
) -> Response:
    intake = await lab_of(request).intakes.get(actor, IntakeId(intake_id))
    if not can(actor, verb, target(intake)):
        raise ForbiddenError(verb.value, Resource.INTAKE.value)
    status, problems = problems_of(error, page_language(request))
    return render(
        request,
        "intake_close.html",
        status=status,
        trail=trail_to(request, intake_id),
        intake=intake,
        is_refusal=verb is Verb.DECIDE,
        reason=reason,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
    )


async def _close(intake_id: str, verb: Verb, actor: Member, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    close = lab.intakes.refuse if verb is Verb.DECIDE else lab.intakes.withdraw
    try:
        form.only("version", "reason")
        await close(
            actor, IntakeId(intake_id), reason=form.one("reason"), version=version_of(form)
        )
    except (InvalidError, ConflictError, StateError) as error:
        reason = form.one("reason")
        return await _closing(intake_id, verb, actor, request, error=error, reason=reason)
    return back_to(intake_id)


def problems_of(
    error: Exception | None, language: Language, anchors: dict[str, str] | None = None
) -> tuple[HTTPStatus, list[dict[str, str]]]:
    """Return what a form's summary says of an error, and with which status."""
    if error is None:
        return HTTPStatus.OK, []
    if isinstance(error, InvalidError):
        found = shown(error.problems, language, {"Idempotency-Key": "", **(anchors or {})})
        return HTTPStatus.UNPROCESSABLE_ENTITY, found
    failure = explain(error, language)
    text = f"{failure.title}. {failure.detail}"
    return failure.status, [{"field": "", "text": text, "anchor": ""}]


def back_to(intake_id: str) -> Response:
    """Lead to the dossier's own page."""
    return RedirectResponse(f"/dossiers/{intake_id}", HTTPStatus.SEE_OTHER)


def version_of(form: Form) -> int | None:
    """Return the version that the page was made from, if it said so."""
    text = form.one("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 -- no version is larger


def _may_move(intake: Intake, move: IntakeMove) -> bool:
    return intake.state in INTAKE_TRANSITIONS[move].from_states


def _people(intake: Intake, runs: Sequence[Run]) -> set[MemberId]:
    treated = intake.treatment.by if intake.treatment else None
    signed = intake.signature.by if intake.signature else None
    named = {
        *(intake.depositor_id, intake.supervisor_id, intake.requester_id),
        *(intake.confirmed_by, treated, signed),
        *(run.asked_by for run in runs),
        *(review.confirmation.by for review in intake.reviews if review.confirmation),
    }
    return {person for person in named if person is not None}


def _history(
    intake: Intake, runs: Sequence[Run], people: Any, language: Language
) -> list[Happened]:
    """Return what was done to it, the newest first."""
    said = language.text
    found = [Happened(intake.opened_at, said(msg("Dossier ouvert")),
                      name_of(intake.depositor_id, people))]  # fmt: skip
    if intake.raw:
        found.append(
            Happened(intake.raw.deposited_at, said(msg("Fichier déposé")), "", intake.raw.name)
        )
    for run in runs:
        state = said(intake_words.RUN_STATE[run.state])
        more = what_failed(run, language) if run.error_code else ""
        what = f"{said(intake_words.RUN[run.step])} – {state.lower()}"
        found.append(
            Happened(run.ended_at or run.asked_at, what, name_of(run.asked_by, people), more)
        )
    if intake.signature:
        who, why = name_of(intake.signature.by, people), intake.signature.reason
        found.append(Happened(intake.signature.at, said(msg("Signé")), who, why))
    found.extend(
        Happened(each.at, said(msg("Analyse refaite confirmée")), name_of(each.by, people))
        for each in (review.confirmation for review in intake.reviews)
        if each is not None
    )
    if intake.destruction:
        text = said(msg("Fichier déposé vu détruit"))
        found.append(Happened(intake.destruction.seen_gone_at, text))
    return sorted(found, key=lambda each: each.at, reverse=True)
