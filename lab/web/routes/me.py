"""The caller, and the caller's own API tokens."""

from datetime import timedelta

from fastapi import APIRouter, Depends, Request, Response, status

from lab.domain.errors import NotFoundError, NotSignedInError
from lab.domain.token import TokenKind
from lab.web.access import signed_in
from lab.web.conditions import Key, keep_key, key_for, never_before
from lab.web.describing import FAILURES
from lab.web.identity import Actor, caller_of, csrf_token
from lab.web.schemas.members import MemberOut, MeOut, RevokeIn, TokenIn, TokenOut
from lab.web.wiring import lab_of

router = APIRouter(prefix="/api/v1", tags=["me"], responses=FAILURES)


@router.get("/me", summary="Qui suis-je? / Who am I?", dependencies=[Depends(signed_in())])
async def read_me(actor: Actor, request: Request) -> MeOut:
    caller = await caller_of(request)
    proof = csrf_token(request) if caller and caller.by_cookie else ""
    return MeOut(**MemberOut.of(actor).model_dump(), csrf_token=proof)


@router.post(
    "/tokens",
    summary="Faire un jeton d’API / Make an API token",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(signed_in())],
)
async def create_token(
    body: TokenIn, key: Key, actor: Actor, request: Request, response: Response
) -> TokenOut:
    lab = lab_of(request)
    tied = key_for(key, request, body.model_dump(mode="json"))
    await never_before(lab, actor, tied)
    lifetime = await lab.members.longest(actor, timedelta(days=body.days))
    expires_at = lab.clock.now() + lifetime
    token = await lab.members.issue(
        actor, TokenKind.API, facts={"label": body.label}, lifetime=lifetime
    )
    await keep_key(lab, actor, tied, "token")
    response.headers["Location"] = "/api/v1/tokens/current"
    return TokenOut(token=token, label=body.label, expires_at=expires_at)


@router.post(
    "/tokens/revoke",
    summary="Révoquer un de ses jetons / Revoke one of one's tokens",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[Depends(signed_in())],
)
async def revoke_token(body: RevokeIn, actor: Actor, request: Request) -> None:
    lab = lab_of(request)
    try:
        holder, _ = await lab.members.holder(body.token, TokenKind.API)
    except NotSignedInError:
        return  # It opens nothing already, which is what was asked for.
    if holder.id == actor.id:
        await lab.members.drop(body.token)


@router.delete(
    "/tokens/current",
    summary="Révoquer le jeton de cet appel / Revoke the token of this call",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[Depends(signed_in())],
)
async def revoke_current(request: Request) -> None:
    caller = await caller_of(request)
    if caller is None or caller.by_cookie:
        raise NotFoundError("token", "current")
    await lab_of(request).members.drop(caller.token)
