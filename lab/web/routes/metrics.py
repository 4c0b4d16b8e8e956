"""What monitoring reads."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lab.web.access import monitor_only
from lab.web.metrics import MEDIA_TYPE, exposition
from lab.web.wiring import lab_of

router = APIRouter(include_in_schema=False)


@router.get("/metrics", dependencies=[Depends(monitor_only())])
async def read_metrics(request: Request) -> Response:
    lab, state = lab_of(request), request.app.state
    backlog = lab.controller.backlog() if state.has_loop else None
    body = exposition(state.traffic, await lab.figures.look(), backlog)
    return Response(body, media_type=MEDIA_TYPE)
