"""Requests that are being written, step by step."""

from fastapi import APIRouter, Depends, Request, Response, status

from lab.domain.draft import Step
from lab.domain.ids import AgencyId, DraftId
from lab.domain.member import Resource, Verb
from lab.services.outlook import DraftView
from lab.web.access import allowed, signed_in
from lab.web.conditions import IfMatch, Key, Part, key_for, link_next, set_etag
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.routes.requests import answered
from lab.web.schemas.common import PageOut
from lab.web.schemas.drafts import (
    AnswersIn,
    DraftBriefOut,
    DraftIn,
    DraftOut,
    QuestionnaireOut,
    everyone,
)
from lab.web.schemas.requests import RequestOut
from lab.web.wiring import Lab, lab_of

router = APIRouter(prefix="/api/v1", tags=["drafts"], responses=FAILURES)

_CREATE = allowed(Verb.CREATE, Resource.REQUEST)


async def _answer(lab: Lab, view: DraftView, response: Response) -> DraftOut:
    set_etag(response, view.draft.version)
    response.headers["Location"] = f"/api/v1/drafts/{view.draft.id}"
    people = await lab.members.names(sorted(everyone(view.draft)))
    return DraftOut.of_view(view, people, lab.catalogue.catalogue().questionnaires)


@router.get(
    "/questionnaires",
    summary="Lister les questions qui conseillent / List the questions that advise",
    dependencies=[Depends(signed_in())],
)
async def list_questionnaires(request: Request) -> PageOut[QuestionnaireOut]:
    found = lab_of(request).catalogue.catalogue().questionnaires.values()
    return PageOut(items=[QuestionnaireOut.of(each) for each in found])


@router.post(
    "/drafts",
    summary="Commencer une demande / Begin a request",
    description=(
        "Son identifiant est le numéro de référence. / Its identifier is the reference number."
    ),
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(_CREATE)],
)
async def open_draft(
    body: DraftIn, key: Key, actor: Actor, request: Request, response: Response
) -> DraftOut:
    lab = lab_of(request)
    tied = key_for(key, request, body.model_dump(mode="json"))
    draft = await lab.drafts.open(actor, AgencyId(body.agency_id), key=tied)
    return await _answer(lab, await lab.drafts.view(actor, draft.id), response)


@router.get(
    "/drafts",
    summary="Lister les demandes en cours d’écriture / List the requests being written",
    dependencies=[Depends(_CREATE)],
)
async def list_drafts(
    actor: Actor, part: Part, request: Request, response: Response
) -> PageOut[DraftBriefOut]:
    lab = lab_of(request)
    page = await lab.drafts.page(actor, after=part.after, limit=part.limit)
    link_next(request, response, page.next_cursor)
    people = await lab.members.names(sorted({draft.author_id for draft in page.items}))
    items = [DraftBriefOut.of(draft, people) for draft in page.items]
    return PageOut(items=items, next=page.next_cursor)


@router.get(
    "/drafts/{draft_id}",
    summary="Lire une demande en cours d’écriture / Read a request being written",
    dependencies=[Depends(_CREATE)],
)
async def read_draft(
    draft_id: str, actor: Actor, request: Request, response: Response
) -> DraftOut:
    lab = lab_of(request)
    return await _answer(lab, await lab.drafts.view(actor, DraftId(draft_id)), response)


@router.put(
    "/drafts/{draft_id}/steps/{step}",
    summary="Répondre à une étape / Answer one step",
    dependencies=[Depends(_CREATE)],
)
async def answer_step(  # noqa: PLR0917 -- FastAPI gives them by name
    draft_id: str,
    step: Step,
    body: AnswersIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> DraftOut:
    lab = lab_of(request)
    view = await lab.drafts.answer(
        actor,
        DraftId(draft_id),
        step,
        body.typed(),
        version=version,
        is_partial=body.partial,
    )
    return await _answer(lab, view, response)


@router.delete(
    "/drafts/{draft_id}",
    summary="Jeter une demande en cours d’écriture / Throw a request being written away",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[Depends(_CREATE)],
)
async def delete_draft(draft_id: str, version: IfMatch, actor: Actor, request: Request) -> None:
    await lab_of(request).drafts.delete(actor, DraftId(draft_id), version=version)


@router.post(
    "/drafts/{draft_id}/submit",
    summary="Envoyer la demande / Send the request in",
    description=(
        "Une demande en cours d’écriture devient une seule demande, quel que soit le nombre "
        "d’envois. / It becomes one request, however often it is sent."
    ),
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_CREATE)],
)
async def submit_draft(  # noqa: PLR0917 -- FastAPI gives them by name
    draft_id: str,
    version: IfMatch,
    key: Key,
    actor: Actor,
    request: Request,
    response: Response,
) -> RequestOut:
    lab = lab_of(request)
    tied = key_for(key, request, None)
    filed = await lab.drafts.submit(actor, DraftId(draft_id), version=version, key=tied)
    if filed.is_replay:
        response.headers["Idempotent-Replayed"] = "true"
    return await answered(lab, filed.request, response)
