"""Agencies and their quotas."""

from fastapi import APIRouter, Depends, Request, Response, status

from lab.domain.errors import NotFoundError
from lab.domain.ids import AgencyId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.conditions import IfMatch, Key, keep_key, key_for, made_before, set_etag
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.schemas.agencies import AgencyIn, AgencyOut, QuotaIn, QuotaOut
from lab.web.schemas.common import PageOut
from lab.web.wiring import lab_of

router = APIRouter(prefix="/api/v1/agencies", tags=["agencies"], responses=FAILURES)

_READ = allowed(Verb.READ, Resource.AGENCY)


@router.get(
    "", summary="Lister les organismes / List public bodies", dependencies=[Depends(_READ)]
)
async def list_agencies(actor: Actor, request: Request) -> PageOut[AgencyOut]:
    agencies = await lab_of(request).agencies.all(actor)
    return PageOut(items=[AgencyOut.of(agency) for agency in agencies])


@router.post(
    "",
    summary="Ajouter un organisme / Add a public body",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(allowed(Verb.CREATE, Resource.AGENCY))],
)
async def create_agency(
    body: AgencyIn, key: Key, actor: Actor, request: Request, response: Response
) -> AgencyOut:
    lab = lab_of(request)
    tied = key_for(key, request, body.model_dump(mode="json"))
    before = await made_before(lab, actor, tied)
    if before is None:
        agency = await lab.agencies.create(actor, body.to_domain())
        await keep_key(lab, actor, tied, agency.id)
    else:
        agency = (await lab.agencies.quota(actor, AgencyId(before))).agency
    response.headers["Location"] = f"/api/v1/agencies/{agency.id}"
    set_etag(response, agency.version)
    return AgencyOut.of(agency)


@router.get(
    "/{agency_id}",
    summary="Lire un organisme / Read a public body",
    dependencies=[Depends(_READ)],
)
async def read_agency(
    agency_id: str, actor: Actor, request: Request, response: Response
) -> AgencyOut:
    for agency in await lab_of(request).agencies.all(actor):
        if agency.id == agency_id:
            set_etag(response, agency.version)
            return AgencyOut.of(agency)
    raise NotFoundError("agency", agency_id)


@router.get(
    "/{agency_id}/quota",
    summary="Lire un quota / Read a quota",
    dependencies=[Depends(allowed(Verb.READ, Resource.QUOTA))],
)
async def read_quota(
    agency_id: str, actor: Actor, request: Request, response: Response
) -> QuotaOut:
    view = await lab_of(request).agencies.quota(actor, AgencyId(agency_id))
    set_etag(response, view.agency.version)
    return QuotaOut.of(view)


@router.put(
    "/{agency_id}/quota",
    summary="Fixer un quota / Set a quota",
    dependencies=[Depends(allowed(Verb.CHANGE, Resource.QUOTA))],
)
async def set_quota(  # noqa: PLR0917 -- FastAPI gives them by name
    agency_id: str,
    body: QuotaIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> QuotaOut:
    view = await lab_of(request).agencies.set_quota(
        actor,
        AgencyId(agency_id),
        body.quota.to_usage(),
        max_days=body.max_days,
        budget=body.budget.to_domain() if body.budget else None,
        version=version,
    )
    set_etag(response, view.agency.version)
    return QuotaOut.of(view)
