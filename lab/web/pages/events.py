"""The audit log, to read."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lab.domain.ids import MemberId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.identity import Actor
from lab.web.rendering import render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/journal", include_in_schema=False)


@router.get("", dependencies=[Depends(allowed(Verb.LIST, Resource.EVENT))])
async def list_events(actor: Actor, request: Request, apres: str = "") -> Response:
    lab = lab_of(request)
    page = await lab.audit.page(actor, after=apres, limit=50)
    people = await lab.members.names([MemberId(event.actor) for event in page.items])
    rows = [(e, m.name if (m := people.get(MemberId(e.actor))) else e.actor) for e in page.items]
    first_break = await lab.audit.first_break(actor)
    return render(
        request, "events.html", rows=rows, cursor=page.next_cursor, first_break=first_break
    )
