"""Suspend, stop at once, resume and extend sandboxes; stop all of the lab."""

from fastapi import APIRouter, Depends, Request, Response, status

from lab.domain.ids import MemberId, SandboxId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.conditions import IfMatch
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.routes.sandboxes import written
from lab.web.schemas.common import PageOut
from lab.web.schemas.holding import ExtensionIn, InterventionOut, LabStopOut, StopIn
from lab.web.schemas.requests import ReasonIn
from lab.web.schemas.sandboxes import SandboxOut
from lab.web.wiring import Lab, lab_of

router = APIRouter(prefix="/api/v1", responses=FAILURES)

_DECIDE = allowed(Verb.DECIDE, Resource.SANDBOX)
_OF_ONE = "/sandboxes/{sandbox_id}"


async def _now(lab: Lab, actor: Actor, sandbox_id: str, response: Response) -> SandboxOut:
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    response.headers["Location"] = f"/api/v1/sandboxes/{sandbox_id}"
    return await written(lab, actor, view, response)


@router.post(
    _OF_ONE + "/suspend",
    tags=["sandboxes"],
    summary="Suspendre, avec une raison / Suspend, with a reason",
    description=(
        "Les serveurs s’arrêtent, les accès cessent; les données restent. / "
        "Servers stop, credentials end; data stay."
    ),
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_DECIDE)],
)
async def suspend_sandbox(  # noqa: PLR0917 -- FastAPI gives them by name
    sandbox_id: str,
    body: ReasonIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> SandboxOut:
    lab = lab_of(request)
    await lab.holds.suspend(actor, SandboxId(sandbox_id), reason=body.reason, version=version)
    return await _now(lab, actor, sandbox_id, response)


@router.post(
    _OF_ONE + "/stop",
    tags=["sandboxes"],
    summary="Arrêter tout de suite, avec une raison / Stop at once, with a reason",
    description=(
        "Comme suspendre, mais les portes se ferment d’abord. / "
        "As suspend, but the doors shut first."
    ),
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_DECIDE)],
)
async def stop_sandbox(  # noqa: PLR0917 -- FastAPI gives them by name
    sandbox_id: str,
    body: ReasonIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> SandboxOut:
    lab = lab_of(request)
    await lab.holds.stop(actor, SandboxId(sandbox_id), reason=body.reason, version=version)
    return await _now(lab, actor, sandbox_id, response)


@router.post(
    _OF_ONE + "/resume",
    tags=["sandboxes"],
    summary="Reprendre, avec une raison / Resume, with a reason",
    description=(
        "Les murs sont éprouvés de nouveau avant que rien ne s’ouvre. / "
        "The walls are proved again before anything opens."
    ),
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_DECIDE)],
)
async def resume_sandbox(  # noqa: PLR0917 -- FastAPI gives them by name
    sandbox_id: str,
    body: ReasonIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> SandboxOut:
    lab = lab_of(request)
    await lab.holds.resume(actor, SandboxId(sandbox_id), reason=body.reason, version=version)
    return await _now(lab, actor, sandbox_id, response)


@router.post(
    _OF_ONE + "/extend",
    tags=["sandboxes"],
    summary="Prolonger jusqu’à un jour, avec une raison / Extend to a day, with a reason",
    description=(
        "L’équipe dans les limites des règles d’approbation; l’exploitation au-delà. / "
        "The team within the approval rules; an operator beyond."
    ),
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(allowed(Verb.CHANGE, Resource.SANDBOX))],
)
async def extend_sandbox(  # noqa: PLR0917 -- FastAPI gives them by name
    sandbox_id: str,
    body: ExtensionIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> SandboxOut:
    lab = lab_of(request)
    await lab.extensions.extend(
        actor, SandboxId(sandbox_id), ends_on=body.ends_on, reason=body.reason, version=version
    )
    return await _now(lab, actor, sandbox_id, response)


@router.get(
    _OF_ONE + "/interventions",
    tags=["sandboxes"],
    summary="Lire ce qui lui a été fait / Read what was done to it",
    dependencies=[Depends(allowed(Verb.READ, Resource.SANDBOX))],
)
async def read_interventions(
    sandbox_id: str, actor: Actor, request: Request
) -> PageOut[InterventionOut]:
    lab = lab_of(request)
    acts = await lab.holds.history(actor, SandboxId(sandbox_id))
    people = await lab.members.names([MemberId(act.actor) for act in acts])
    return PageOut(items=[InterventionOut.of(act, people) for act in acts])


@router.get(
    "/stop",
    tags=["stop"],
    summary="Dire si tout est arrêté / Say whether all is stopped",
    dependencies=[Depends(allowed(Verb.LIST, Resource.SANDBOX))],
)
async def read_stop(request: Request) -> LabStopOut:
    return LabStopOut.of(await lab_of(request).holds.lab_stop())


@router.post(
    "/stop",
    tags=["stop"],
    summary="Tout arrêter / Stop all",
    description=(
        "Tous les bacs à sable, tout de suite; rien de neuf n’est bâti jusqu’à la levée. / "
        "Every sandbox, at once; nothing new is built until it is lifted."
    ),
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_DECIDE)],
)
async def stop_all(body: StopIn, actor: Actor, request: Request) -> LabStopOut:
    stop = await lab_of(request).holds.stop_all(
        actor, reason=body.reason, confirmation=body.confirmation
    )
    return LabStopOut.of(stop)


@router.post(
    "/stop/lift",
    tags=["stop"],
    summary="Lever l’arrêt, avec une raison / Lift the stop, with a reason",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_DECIDE)],
)
async def lift_stop(body: ReasonIn, actor: Actor, request: Request) -> LabStopOut:
    lab = lab_of(request)
    await lab.holds.lift(actor, reason=body.reason)
    return LabStopOut.of(await lab.holds.lab_stop())
