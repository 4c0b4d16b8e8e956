"""What only the hub asks, and whether the control plane lives. Never through the front."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from lab.domain.ids import MemberId, SandboxId
from lab.web.access import hub_only, public
from lab.web.wiring import lab_of

router = APIRouter(include_in_schema=False)

LONGEST_WAIT_SECONDS = 60
"""A controller reads the outbox at once, or once a second; a new leader is there after 20."""


@router.get("/internal/v1/sandboxes/{sandbox_id}/launch", dependencies=[Depends(hub_only())])
async def read_launch(
    sandbox_id: str, member: Annotated[str, Query(max_length=40)], request: Request
) -> JSONResponse:
    lab = lab_of(request)
    member_id = MemberId(member)
    sandbox = await lab.sandboxes.launchable(SandboxId(sandbox_id), member_id)
    order: dict[str, Any] = dict(await lab.launcher.launch(sandbox, member_id))
    return JSONResponse(order)


@router.get("/health/live", dependencies=[Depends(public())])
async def read_live() -> dict[str, bool]:
    return {"live": True}


@router.get("/health/ready", dependencies=[Depends(public())])
async def read_ready(request: Request) -> dict[str, bool]:
    async with lab_of(request).store.read() as tx:
        await tx.agencies.all()
    return {"ready": True}


@router.get("/health/reconciled", dependencies=[Depends(public())])
async def read_reconciled(request: Request) -> JSONResponse:
    """Say whether what was asked for is being worked on: nothing waits long to be seen."""
    lab = lab_of(request)
    async with lab.store.read() as tx:
        oldest = await tx.outbox.oldest()
    waiting = 0.0 if oldest is None else (lab.clock.now() - oldest).total_seconds()
    is_fine = waiting <= LONGEST_WAIT_SECONDS
    status = HTTPStatus.OK if is_fine else HTTPStatus.SERVICE_UNAVAILABLE
    body = {"reconciled": is_fine, "waiting_seconds": round(max(waiting, 0))}
    return JSONResponse(body, status_code=status)


@router.get("/health/contained", dependencies=[Depends(public())])
async def read_contained(request: Request) -> JSONResponse:
    """Say whether the walls of every sandbox that may run something are known to hold."""
    count = len(await lab_of(request).sandboxes.uncontained())
    status = HTTPStatus.SERVICE_UNAVAILABLE if count else HTTPStatus.OK
    return JSONResponse({"contained": not count, "uncontained": count}, status_code=status)
