"""Quotas of single people within their agency."""

from fastapi import APIRouter, Depends, Request, Response

from lab.domain.ids import AgencyId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.conditions import IfMatch, set_etag
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.schemas.agencies import PersonQuotaIn, PersonQuotaOut
from lab.web.schemas.common import PageOut
from lab.web.wiring import lab_of

router = APIRouter(
    prefix="/api/v1/agencies/{agency_id}/quota/people", tags=["agencies"], responses=FAILURES
)

_READ = allowed(Verb.READ, Resource.QUOTA)


@router.get(
    "",
    summary="Lister les quotas par personne / List the quotas of people",
    description="De qui a des limites à soi. / Of those who have limits of their own.",
    dependencies=[Depends(_READ)],
)
async def list_person_quotas(
    agency_id: str, actor: Actor, request: Request
) -> PageOut[PersonQuotaOut]:
    views = await lab_of(request).agencies.person_quotas(actor, AgencyId(agency_id))
    return PageOut(items=[PersonQuotaOut.of(view) for view in views])


@router.get(
    "/{login}",
    summary="Lire le quota d’une personne / Read a person’s quota",
    dependencies=[Depends(_READ)],
)
async def read_person_quota(
    agency_id: str, login: str, actor: Actor, request: Request, response: Response
) -> PersonQuotaOut:
    view = await lab_of(request).agencies.person_quota(actor, AgencyId(agency_id), login)
    set_etag(response, view.quota.version)
    return PersonQuotaOut.of(view)


@router.put(
    "/{login}",
    summary="Fixer le quota d’une personne / Set a person’s quota",
    description="Tout à null enlève les limites. / All null takes the limits away.",
    dependencies=[Depends(allowed(Verb.CHANGE, Resource.QUOTA))],
)
async def set_person_quota(  # noqa: PLR0917 -- FastAPI gives them by name
    agency_id: str,
    login: str,
    body: PersonQuotaIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> PersonQuotaOut:
    view = await lab_of(request).agencies.set_person_quota(
        actor, AgencyId(agency_id), login, body.model_dump(), version=version
    )
    set_etag(response, view.quota.version)
    return PersonQuotaOut.of(view)
