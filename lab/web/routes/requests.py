"""Requests for sandboxes."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from lab.domain.dataset import DataClass
from lab.domain.ids import AgencyId, RequestId
from lab.domain.member import Resource, Verb
from lab.domain.request import RequestState, SandboxRequest
from lab.services.deciding import measured
from lab.services.filing import Narrowed
from lab.web.access import allowed
from lab.web.conditions import IfMatch, Key, Part, key_for, link_next, set_etag
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.schemas.common import PageOut
from lab.web.schemas.requests import (
    AnswersToIn,
    PreviewOut,
    QuestionsIn,
    ReasonIn,
    RequestIn,
    RequestOut,
    named_in,
)
from lab.web.wiring import Lab, lab_of

router = APIRouter(prefix="/api/v1/requests", tags=["requests"], responses=FAILURES)

_CREATE = allowed(Verb.CREATE, Resource.REQUEST)
_DECIDE = allowed(Verb.DECIDE, Resource.REQUEST)


def _narrowed(
    agency: Annotated[str, Query(max_length=64, description="Organisme / Agency")] = "",
    data_class: Annotated[
        DataClass | None, Query(description="Classe d’un de ses jeux / Class of one data set")
    ] = None,
    waiting_days: Annotated[
        int, Query(ge=0, le=3650, description="Attend depuis tant de jours / Waits for so long")
    ] = 0,
    second: Annotated[  # noqa: FBT002 -- a query parameter
        bool, Query(description="Deux approbations / Two approvals")
    ] = False,
    mine: Annotated[  # noqa: FBT002 -- a query parameter
        bool, Query(description="Que je peux décider, ou à moi / For me to decide, or mine")
    ] = False,
) -> Narrowed:
    return Narrowed(
        agency_id=AgencyId(agency) if agency else None,
        data_class=data_class,
        waiting_days=waiting_days,
        needs_two=second,
        is_mine=mine,
    )


ByWhat = Annotated[Narrowed, Depends(_narrowed)]


async def written(lab: Lab, requests: Sequence[SandboxRequest]) -> list[RequestOut]:
    """Write requests with the people they name."""
    people = await lab.members.names(sorted({each for r in requests for each in named_in(r)}))
    catalogue, zone = lab.catalogue.catalogue(), lab.settings.zone
    return [RequestOut.of(r, people, measured(r, catalogue, zone)) for r in requests]


async def answered(lab: Lab, request: SandboxRequest, response: Response) -> RequestOut:
    """Write a request, with where it is and which version of it this is."""
    set_etag(response, request.version)
    response.headers["Location"] = f"/api/v1/requests/{request.id}"
    return (await written(lab, [request]))[0]


@router.post(
    "",
    summary="Déposer une demande / File a request",
    description=(
        "Approuvée aussitôt par une règle, ou mise en révision. / "
        "Approved at once by a rule, or put in review."
    ),
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_CREATE)],
)
async def file_request(
    body: RequestIn, key: Key, actor: Actor, request: Request, response: Response
) -> RequestOut:
    lab = lab_of(request)
    tied = key_for(key, request, body.model_dump(mode="json"))
    filed = await lab.requests.file(actor, body.to_draft(), key=tied)
    if filed.is_replay:
        response.headers["Idempotent-Replayed"] = "true"
    return await answered(lab, filed.request, response)


@router.post(
    "/preview",
    summary="Dire ce que le dépôt ferait / Say what filing would do",
    dependencies=[Depends(_CREATE)],
)
async def preview_request(body: RequestIn, actor: Actor, request: Request) -> PreviewOut:
    return PreviewOut.of(await lab_of(request).requests.preview(actor, body.to_draft()))


@router.get(
    "",
    summary="Lister les demandes / List the requests",
    dependencies=[Depends(allowed(Verb.LIST, Resource.REQUEST))],
)
async def list_requests(  # noqa: PLR0917 -- FastAPI gives them by name
    actor: Actor,
    part: Part,
    request: Request,
    response: Response,
    narrowed: ByWhat,
    state: Annotated[RequestState | None, Query()] = None,
) -> PageOut[RequestOut]:
    lab = lab_of(request)
    page = await lab.requests.page(
        actor, state=state, after=part.after, limit=part.limit, narrowed=narrowed
    )
    link_next(request, response, page.next_cursor)
    return PageOut(items=await written(lab, page.items), next=page.next_cursor)


@router.get(
    "/{request_id}",
    summary="Lire une demande / Read a request",
    dependencies=[Depends(allowed(Verb.READ, Resource.REQUEST))],
)
async def read_request(
    request_id: str, actor: Actor, request: Request, response: Response
) -> RequestOut:
    lab = lab_of(request)
    return await answered(lab, await lab.requests.get(actor, RequestId(request_id)), response)


@router.post(
    "/{request_id}/approve",
    summary="Approuver / Approve",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_DECIDE)],
)
async def approve_request(
    request_id: str, version: IfMatch, actor: Actor, request: Request, response: Response
) -> RequestOut:
    lab = lab_of(request)
    approved = await lab.requests.approve(actor, RequestId(request_id), version=version)
    return await answered(lab, approved, response)


@router.post(
    "/{request_id}/reject",
    summary="Refuser, avec une raison / Refuse, with a reason",
    dependencies=[Depends(_DECIDE)],
)
async def reject_request(  # noqa: PLR0917 -- FastAPI gives them by name
    request_id: str,
    body: ReasonIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> RequestOut:
    lab = lab_of(request)
    rejected = await lab.requests.reject(
        actor, RequestId(request_id), reason=body.reason, version=version
    )
    return await answered(lab, rejected, response)


@router.post(
    "/{request_id}/return",
    summary="Retourner avec des questions / Send back with questions",
    description=(
        "La demande garde sa référence et sa place dans le quota; ses réponses se changent dans "
        "l’ébauche `draft_id`. / It keeps its reference and its place in the quota; its answers "
        "are changed in the draft `draft_id`."
    ),
    dependencies=[Depends(_DECIDE)],
)
async def return_request(  # noqa: PLR0917 -- FastAPI gives them by name
    request_id: str,
    body: QuestionsIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> RequestOut:
    lab = lab_of(request)
    returned = await lab.reviews.send_back(
        actor, RequestId(request_id), questions=body.questions, version=version
    )
    return await answered(lab, returned, response)


@router.post(
    "/{request_id}/answer",
    summary="Répondre aux questions et envoyer de nouveau / Answer and send in again",
    description="Une réponse par question, dans l’ordre. / One answer a question, in order.",
    dependencies=[Depends(_CREATE)],
)
async def answer_request(  # noqa: PLR0917 -- FastAPI gives them by name
    request_id: str,
    body: AnswersToIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> RequestOut:
    lab = lab_of(request)
    sent = await lab.reviews.answer(
        actor, RequestId(request_id), answers=body.answers, version=version
    )
    return await answered(lab, sent, response)


@router.post(
    "/{request_id}/withdraw",
    summary="Retirer sa demande / Withdraw one's request",
    dependencies=[Depends(allowed(Verb.CHANGE, Resource.REQUEST))],
)
async def withdraw_request(
    request_id: str, version: IfMatch, actor: Actor, request: Request, response: Response
) -> RequestOut:
    lab = lab_of(request)
    withdrawn = await lab.requests.withdraw(actor, RequestId(request_id), version=version)
    return await answered(lab, withdrawn, response)
