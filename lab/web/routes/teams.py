"""Who is in a sandbox: invite a colleague, and take one out."""

from fastapi import APIRouter, Depends, Request, Response, status

from lab.domain.ids import SandboxId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.conditions import IfMatch
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.routes.sandboxes import written
from lab.web.schemas.sandboxes import InviteIn, SandboxOut
from lab.web.wiring import lab_of

router = APIRouter(
    prefix="/api/v1/sandboxes/{sandbox_id}/members", tags=["sandboxes"], responses=FAILURES
)

_CHANGE = allowed(Verb.CHANGE, Resource.SANDBOX)


@router.post(
    "",
    summary="Inviter un ou une collègue / Invite a colleague",
    description=(
        "Une personne de l’équipe de la demande, ou de l’organisme si une règle d’approbation "
        "permet cette équipe. Inviter qui en est déjà ne change rien. / Somebody of the "
        "request’s team, or of the agency where an approval rule allows such a team. Inviting "
        "who is in it already changes nothing."
    ),
    dependencies=[Depends(_CHANGE)],
)
async def invite_member(  # noqa: PLR0917 -- FastAPI gives them by name
    sandbox_id: str,
    body: InviteIn,
    version: IfMatch,
    actor: Actor,
    request: Request,
    response: Response,
) -> SandboxOut:
    lab = lab_of(request)
    await lab.teams.invite(actor, SandboxId(sandbox_id), body.login, version=version)
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    return await written(lab, actor, view, response)


@router.delete(
    "/{login}",
    summary="Retirer une personne de l’équipe / Take a person out of the team",
    description=(
        "Son carnet s’arrête; les fichiers restent dans le bac à sable. / "
        "Their notebook stops; files stay in the sandbox."
    ),
    # Nothing is told of it: who has left may not look at it any more.
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[Depends(_CHANGE)],
)
async def remove_member(
    sandbox_id: str, login: str, version: IfMatch, actor: Actor, request: Request
) -> None:
    await lab_of(request).teams.remove(actor, SandboxId(sandbox_id), login, version=version)
