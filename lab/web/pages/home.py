"""The home page: what is mine, and what waits for me."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lab.domain.intake import Intake
from lab.domain.intake_states import IntakeState
from lab.domain.member import Resource, Role, Verb
from lab.domain.request import RequestState
from lab.web.access import signed_in
from lab.web.identity import Actor
from lab.web.pages.intake_lines import waits_for_signature
from lab.web.pages.listing import request_rows, sandbox_rows
from lab.web.rendering import may, render
from lab.web.wiring import lab_of

router = APIRouter(include_in_schema=False)

_SHOWN = 6


@router.get("/", dependencies=[Depends(signed_in())])
async def show_home(actor: Actor, request: Request) -> Response:
    lab = lab_of(request)
    is_staff = bool(actor.roles & {Role.OPERATOR, Role.REVIEWER})
    sandboxes, requests, queue, quotas, to_sign = [], [], [], [], []
    to_confirm: Sequence[Intake] = []
    if may(actor, Verb.LIST, Resource.SANDBOX):
        page = await lab.sandboxes.page(actor, live_only=True, limit=50)
        mine = [s for s in page.items if is_staff or actor.id in s.spec.members]
        sandboxes = await sandbox_rows(lab, mine[: 20 if is_staff else _SHOWN])
    if may(actor, Verb.CREATE, Resource.REQUEST) and actor.agency_id:
        mine_asked = (await lab.requests.page(actor, limit=50)).items
        own = [r for r in mine_asked if r.requester_id == actor.id]
        requests = await request_rows(lab, own[:_SHOWN])
    if may(actor, Verb.DECIDE, Resource.REQUEST):
        waiting = await lab.requests.page(actor, state=RequestState.IN_REVIEW, limit=50)
        queue = await request_rows(lab, waiting.items)
    if may(actor, Verb.DECIDE, Resource.INTAKE):
        measured = await lab.intakes.page(actor, state=IntakeState.MEASURED, limit=50)
        to_sign = [i for i in measured.items if waits_for_signature(i, actor.id)]
        to_confirm = await lab.intakes.to_confirm(actor)
    if is_staff:
        quotas = [
            await lab.agencies.quota(actor, agency.id) for agency in await lab.agencies.all(actor)
        ]
    return render(
        request,
        "home.html",
        stop=await lab.holds.lab_stop(),
        is_staff=is_staff,
        sandboxes=sandboxes,
        requests=requests,
        queue=queue,
        quotas=quotas,
        to_sign=to_sign,
        to_confirm=to_confirm,
        can_ask=bool(actor.agency_id) and may(actor, Verb.CREATE, Resource.REQUEST),
    )
