"""Dossiers: how an agency's table becomes a version that may be mounted."""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status
from starlette.requests import ClientDisconnect

from lab.domain.ids import IntakeId, RunId
from lab.domain.intake import Intake
from lab.domain.intake_run import Step
from lab.domain.intake_states import IntakeState
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.conditions import IfMatch, Key, Part, key_for, link_next, set_etag
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.problems import WebError
from lab.web.schemas.common import PageOut
from lab.web.schemas.intakes import (
    ColumnsIn,
    ColumnsOut,
    IntakeIn,
    IntakeOut,
    RunIn,
    RunOut,
    SignatureIn,
)
from lab.web.schemas.requests import ReasonIn
from lab.web.wiring import Lab, lab_of

ROOT = "/api/v1/intakes"
router = APIRouter(prefix=ROOT, tags=["intakes"], responses=FAILURES)

_LIST = allowed(Verb.LIST, Resource.INTAKE)
_READ = allowed(Verb.READ, Resource.INTAKE)
_CHANGE = allowed(Verb.CHANGE, Resource.INTAKE)
_DECIDE = allowed(Verb.DECIDE, Resource.INTAKE)
_BYTES = "application/octet-stream"
_BODY = {
    "requestBody": {
        "required": True,
        "content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def written(lab: Lab, intakes: Sequence[Intake]) -> list[IntakeOut]:
    """Write dossiers with the people they name."""
    people = await lab.members.names(sorted({p for i in intakes for p in i.named}))
    return [IntakeOut.of(intake, people) for intake in intakes]


@router.post(
    "",
    summary="Ouvrir un dossier / Open a dossier",
    description="Les fins et la personne compétente d’abord. / Purposes and supervisor first.",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(allowed(Verb.CREATE, Resource.INTAKE))],
)
async def open_intake(
    body: IntakeIn, key: Key, actor: Actor, request: Request, response: Response
) -> IntakeOut:
    lab = lab_of(request)
    tied = key_for(key, request, body.model_dump(mode="json"))
    made = await lab.intakes.open(actor, body.to_draft(), key=tied)
    if made.is_replay:
        response.headers["Idempotent-Replayed"] = "true"
    return await _answer(lab, made.intake, response)


@router.get("", summary="Lister les dossiers / List the dossiers", dependencies=[Depends(_LIST)])
async def list_intakes(
    actor: Actor,
    part: Part,
    request: Request,
    response: Response,
    state: Annotated[IntakeState | None, Query()] = None,
) -> PageOut[IntakeOut]:
    lab = lab_of(request)
    page = await lab.intakes.page(actor, state=state, after=part.after, limit=part.limit)
    link_next(request, response, page.next_cursor)
    return PageOut(items=await written(lab, page.items), next=page.next_cursor)


@router.get("/{intake_id}", summary="Lire un dossier / Read", dependencies=[Depends(_READ)])
async def read_intake(
    intake_id: str, actor: Actor, request: Request, response: Response
) -> IntakeOut:
    lab = lab_of(request)
    return await _answer(lab, await lab.intakes.get(actor, IntakeId(intake_id)), response)


@router.put(
    "/{intake_id}/raw",
    summary="Déposer le fichier / Deposit the file",
    description=(
        "Le corps est le fichier, envoyé au fil de l’eau; chiffré à mesure. / "
        "The body is the file, streamed; encrypted as it comes."
    ),
    dependencies=[Depends(_CHANGE)],
    openapi_extra=_BODY,
)
async def deposit(  # noqa: PLR0917 -- FastAPI gives them by name
    intake_id: str,
    name: Annotated[str, Query(max_length=400, description="Nom du fichier / Its name")],
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> IntakeOut:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _BYTES:
        raise WebError(
            "unsupported_media_type",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            facts={"wanted": _BYTES},
        )
    lab = lab_of(request)
    kept = await lab.intakes.deposit(
        actor, IntakeId(intake_id), _chunks(request), name=name, version=version
    )
    return await _answer(lab, kept, response)


@router.get(
    "/{intake_id}/columns",
    summary="Lire les colonnes / Read the columns",
    dependencies=[Depends(_READ)],
)
async def read_columns(
    intake_id: str, actor: Actor, request: Request, response: Response
) -> ColumnsOut:
    intake = await lab_of(request).intakes.get(actor, IntakeId(intake_id))
    set_etag(response, intake.version)
    return ColumnsOut.of(intake)


@router.put(
    "/{intake_id}/columns",
    summary="Confirmer toutes les colonnes (art. 5) / Confirm every column",
    dependencies=[Depends(_CHANGE)],
)
async def confirm_columns(  # noqa: PLR0917 -- FastAPI gives them by name
    intake_id: str,
    body: ColumnsIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> ColumnsOut:
    choices = [column.to_choice() for column in body.columns]
    kept = await lab_of(request).intakes.confirm(
        actor, IntakeId(intake_id), choices, version=version
    )
    set_etag(response, kept.version)
    return ColumnsOut.of(kept)


@router.post(
    "/{intake_id}/runs",
    summary="Lancer un long travail / Start long work",
    description="Un à la fois par dossier. / One at a time for each dossier.",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_DECIDE)],
)
async def start_run(  # noqa: PLR0917 -- FastAPI gives them by name
    intake_id: str,
    body: RunIn,
    version: IfMatch,
    key: Key,
    actor: Actor,
    request: Request,
    response: Response,
) -> RunOut:
    made = await lab_of(request).intake_runs.start(
        actor,
        IntakeId(intake_id),
        Step(body.step),
        parameters=body.parameters,
        version=version,
        key=key_for(key, request, body.model_dump(mode="json")),
    )
    if made.is_replay:
        response.headers["Idempotent-Replayed"] = "true"
    return _run(RunOut.of(made.run), response) if made.run else _gone(intake_id)


@router.get(
    "/{intake_id}/runs", summary="Lister les travaux / Runs", dependencies=[Depends(_READ)]
)
async def list_runs(intake_id: str, actor: Actor, request: Request) -> PageOut[RunOut]:
    runs = await lab_of(request).intake_runs.runs(actor, IntakeId(intake_id))
    return PageOut(items=[RunOut.of(run) for run in runs])


@router.get(
    "/{intake_id}/runs/{run_id}",
    summary="Suivre un travail / Follow a run",
    dependencies=[Depends(_READ)],
)
async def read_run(
    intake_id: str, run_id: str, actor: Actor, request: Request, response: Response
) -> RunOut:
    run = await lab_of(request).intake_runs.run(actor, IntakeId(intake_id), RunId(run_id))
    return _run(RunOut.of(run), response)


@router.delete(
    "/{intake_id}/runs/{run_id}",
    summary="Annuler un travail / Cancel a run",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_CHANGE)],
)
async def cancel_run(
    intake_id: str, run_id: str, actor: Actor, request: Request, response: Response
) -> RunOut:
    run = await lab_of(request).intake_runs.cancel(actor, IntakeId(intake_id), RunId(run_id))
    return _run(RunOut.of(run), response)


@router.post(
    "/{intake_id}/signature",
    summary="Signer l’analyse finale (art. 7) / Sign the final analysis",
    dependencies=[Depends(_DECIDE)],
)
async def sign(  # noqa: PLR0917 -- FastAPI gives them by name
    intake_id: str,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
    body: SignatureIn | None = None,
) -> IntakeOut:
    lab = lab_of(request)
    reason = body.reason if body else ""
    signed = await lab.intakes.sign(actor, IntakeId(intake_id), reason=reason, version=version)
    return await _answer(lab, signed, response)


@router.post(
    "/{intake_id}/review-confirmation",
    summary="Confirmer l’analyse refaite (art. 8) / Confirm the analysis made again",
    description=(
        "La date de la prochaine évaluation n’avance qu’alors. / "
        "Only then does the next review date move."
    ),
    dependencies=[Depends(_DECIDE)],
)
async def confirm_review(
    intake_id: str, version: IfMatch, actor: Actor, request: Request, response: Response
) -> IntakeOut:
    lab = lab_of(request)
    kept = await lab.intakes.confirm_review(actor, IntakeId(intake_id), version=version)
    return await _answer(lab, kept, response)


@router.post(
    "/{intake_id}/publication",
    summary="Publier / Publish",
    description="Puis le fichier déposé est détruit. / Then the deposited file is destroyed.",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_CHANGE)],
)
async def publish(
    intake_id: str, version: IfMatch, actor: Actor, request: Request, response: Response
) -> RunOut:
    made = await lab_of(request).intake_runs.publish(actor, IntakeId(intake_id), version=version)
    return _run(RunOut.of(made.run), response) if made.run else _gone(intake_id)


@router.post(
    "/{intake_id}/refusal",
    summary="Refuser, avec une raison / Refuse, with a reason",
    dependencies=[Depends(_DECIDE)],
)
async def refuse(  # noqa: PLR0917 -- FastAPI gives them by name
    intake_id: str,
    body: ReasonIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> IntakeOut:
    lab = lab_of(request)
    closed = await lab.intakes.refuse(
        actor, IntakeId(intake_id), reason=body.reason, version=version
    )
    return await _answer(lab, closed, response)


@router.post(
    "/{intake_id}/withdrawal",
    summary="Retirer, avec une raison / Withdraw, with a reason",
    description="La version publiée quitte les bacs à sable. / Its version leaves the sandboxes.",
    dependencies=[Depends(_CHANGE)],
)
async def withdraw(  # noqa: PLR0917 -- FastAPI gives them by name
    intake_id: str,
    body: ReasonIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> IntakeOut:
    lab = lab_of(request)
    closed = await lab.intakes.withdraw(
        actor, IntakeId(intake_id), reason=body.reason, version=version
    )
    return await _answer(lab, closed, response)


async def _answer(lab: Lab, intake: Intake, response: Response) -> IntakeOut:
    set_etag(response, intake.version)
    response.headers["Location"] = f"{ROOT}/{intake.id}"
    return (await written(lab, [intake]))[0]


def _run(run: RunOut, response: Response) -> RunOut:
    set_etag(response, run.version)
    response.headers["Location"] = f"{ROOT}/{run.intake_id}/runs/{run.id}"
    return run


def _gone(intake_id: str) -> RunOut:
    raise WebError("not_found", HTTPStatus.NOT_FOUND, facts={"name": intake_id})


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise WebError("bad_request", HTTPStatus.BAD_REQUEST) from None
