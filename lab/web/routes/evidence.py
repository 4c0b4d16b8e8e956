"""What only the gateway of a cluster asks and brings. Never through the front."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from lab.domain.errors import ConflictError, NotFoundError
from lab.domain.ids import SandboxId
from lab.grants import DOORS, STORAGE, TRACKING
from lab.web.access import gateway_only
from lab.web.problems import WebError
from lab.web.schemas.evidence import (
    NONCE,
    RUN,
    SANDBOX_ID,
    BatchIn,
    GrantOut,
    GrantsOut,
    TakenOut,
)
from lab.web.wiring import lab_of

router = APIRouter(include_in_schema=False, prefix="/internal/v1")

MOST_BYTES = 256 * 1024
INJECTED = frozenset({DOORS, STORAGE, TRACKING})
"""What a gateway needs; other grants are none of its business."""


@router.get("/grants", dependencies=[Depends(gateway_only())])
async def read_grants(request: Request) -> Response:
    source = lab_of(request).grants
    if source is None:
        raise NotFoundError("grants", "of one machine")
    known = request.headers.get("if-none-match", "").strip().strip('"')
    mark, held = await source.snapshot(known)
    headers = {"ETag": f'"{mark}"'}
    if held is None:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    out = GrantsOut(
        grants=[
            GrantOut(sandbox_id=one.sandbox_id, name=one.name, values=dict(one.values))
            for one in held
            if one.name in INJECTED
        ]
    )
    return Response(out.model_dump_json(), media_type="application/json", headers=headers)


@router.post("/attempts", dependencies=[Depends(gateway_only())])
async def add_attempts(body: BatchIn, request: Request) -> TakenOut:
    found = [attempt.attempt() for attempt in body.attempts]
    return TakenOut(kept=await lab_of(request).evidence.attempts(found))


@router.put(
    "/sandboxes/{sandbox_id}/report",
    dependencies=[Depends(gateway_only())],
    status_code=HTTPStatus.NO_CONTENT,
)
async def put_report(
    sandbox_id: Annotated[str, Path(pattern=SANDBOX_ID)],
    run: Annotated[str, Query(pattern=RUN)],
    content: dict[str, Any],
    request: Request,
) -> None:
    if len(await request.body()) > MOST_BYTES:
        raise WebError("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not await lab_of(request).evidence.report(SandboxId(sandbox_id), run, content):
        raise ConflictError("probe report", run, expected=0, found=1)


@router.post(
    "/tickets/{nonce}/use",
    dependencies=[Depends(gateway_only())],
    status_code=HTTPStatus.NO_CONTENT,
)
async def use_ticket(nonce: Annotated[str, Path(pattern=NONCE)], request: Request) -> None:
    if not await lab_of(request).evidence.use(nonce):
        raise ConflictError("ticket", nonce, expected=0, found=1)
