"""The audit log."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.conditions import Part, link_next
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.schemas.common import PageOut
from lab.web.schemas.members import EventOut, VerificationOut
from lab.web.wiring import lab_of

router = APIRouter(prefix="/api/v1/events", tags=["events"], responses=FAILURES)

_LIST = allowed(Verb.LIST, Resource.EVENT)


@router.get("", summary="Lire le journal / Read the audit log", dependencies=[Depends(_LIST)])
async def list_events(  # noqa: PLR0917 -- FastAPI gives them by name
    actor: Actor,
    part: Part,
    request: Request,
    response: Response,
    agency_id: Annotated[str, Query(max_length=20)] = "",
    action: Annotated[str, Query(max_length=64)] = "",
) -> PageOut[EventOut]:
    page = await lab_of(request).audit.page(
        actor, agency_id=agency_id, action=action, after=part.after, limit=part.limit
    )
    link_next(request, response, page.next_cursor)
    return PageOut(items=[EventOut.of(event) for event in page.items], next=page.next_cursor)


@router.get(
    "/verification",
    summary="Vérifier la chaîne / Verify the chain",
    dependencies=[Depends(_LIST)],
)
async def verify_events(actor: Actor, request: Request) -> VerificationOut:
    first_break = await lab_of(request).audit.first_break(actor)
    return VerificationOut(holds=first_break is None, first_break=first_break)
