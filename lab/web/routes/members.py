"""People with an account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from lab.domain.ids import AgencyId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed, signed_in
from lab.web.conditions import Key, keep_key, key_for, made_before, never_before
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.links import sign_in_url
from lab.web.schemas.common import PageOut
from lab.web.schemas.members import LinkIn, LinkOut, MemberIn, MemberOut, PasswordIn
from lab.web.wiring import lab_of

router = APIRouter(prefix="/api/v1/members", tags=["members"], responses=FAILURES)

_CHANGE = allowed(Verb.CHANGE, Resource.MEMBER)


@router.get(
    "",
    summary="Lister les personnes d’un organisme / List the people of a public body",
    dependencies=[Depends(allowed(Verb.LIST, Resource.MEMBER))],
)
async def list_members(
    actor: Actor,
    request: Request,
    agency_id: Annotated[
        str,
        Query(
            max_length=20,
            description="Sans lui: son propre organisme / Without it: one's own public body",
        ),
    ] = "",
) -> PageOut[MemberOut]:
    wanted = AgencyId(agency_id) if agency_id else actor.agency_id
    members = await lab_of(request).members.of(actor, wanted)
    return PageOut(items=[MemberOut.of(member) for member in members])


@router.post(
    "",
    summary="Ajouter une personne / Add a person",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(allowed(Verb.CREATE, Resource.MEMBER))],
)
async def create_member(
    body: MemberIn, key: Key, actor: Actor, request: Request, response: Response
) -> MemberOut:
    lab = lab_of(request)
    tied = key_for(key, request, body.model_dump(mode="json"))
    before = await made_before(lab, actor, tied)
    if before is None:
        member = await lab.members.create(actor, body.to_new())
        await keep_key(lab, actor, tied, member.login)
    else:
        member = await lab.members.by_login(actor, before)
    response.headers["Location"] = f"/api/v1/members/{member.login}"
    return MemberOut.of(member)


@router.get(
    "/{login}",
    summary="Lire une personne / Read a person",
    dependencies=[Depends(allowed(Verb.READ, Resource.MEMBER))],
)
async def read_member(login: str, actor: Actor, request: Request) -> MemberOut:
    return MemberOut.of(await lab_of(request).members.by_login(actor, login))


@router.put(
    "/{login}/password",
    summary="Fixer un mot de passe; les sessions finissent / Set a password; sessions end",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[Depends(signed_in())],
)
async def set_password(login: str, body: PasswordIn, actor: Actor, request: Request) -> None:
    await lab_of(request).members.set_password(actor, login, body.password)


@router.post(
    "/{login}/deactivate",
    summary="Désactiver un compte; tout accès finit / Close an account; all access ends",
    dependencies=[Depends(_CHANGE)],
)
async def deactivate(login: str, actor: Actor, request: Request) -> MemberOut:
    return MemberOut.of(await lab_of(request).accounts.deactivate(actor, login))


@router.post(
    "/{login}/activate",
    summary="Rouvrir un compte / Open an account again",
    dependencies=[Depends(_CHANGE)],
)
async def activate(login: str, actor: Actor, request: Request) -> MemberOut:
    return MemberOut.of(await lab_of(request).accounts.activate(actor, login))


@router.post(
    "/{login}/link",
    summary="Faire un lien de connexion / Make a sign-in link",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(_CHANGE)],
)
async def make_link(login: str, body: LinkIn, key: Key, actor: Actor, request: Request) -> LinkOut:
    lab = lab_of(request)
    tied = key_for(key, request, body.model_dump(mode="json"))
    await never_before(lab, actor, tied)
    token = await lab.members.link(actor, login, facts={"next": body.next})
    await keep_key(lab, actor, tied, login)
    return LinkOut(url=sign_in_url(lab.settings.public_url, token))
