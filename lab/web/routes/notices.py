"""One's own notices, and messages about requests."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, status

from lab.domain.ids import RequestId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed, signed_in
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.schemas.common import PageOut
from lab.web.schemas.notices import (
    AddressBody,
    AddressOut,
    MessageIn,
    MessageOut,
    NoticeOut,
    NoticesOut,
    ReadOut,
)
from lab.web.wiring import lab_of

router = APIRouter(prefix="/api/v1", tags=["notices"], responses=FAILURES)

_READ = allowed(Verb.READ, Resource.REQUEST)


@router.get(
    "/notices",
    summary="Lister ses avis / List one’s notices",
    description="Les 100 derniers. / The last 100.",
    dependencies=[Depends(signed_in())],
)
async def list_notices(
    actor: Actor,
    request: Request,
    unread: Annotated[  # noqa: FBT002 -- a query parameter
        bool, Query(description="Seulement ceux qui ne sont pas lus / Unread ones only")
    ] = False,
) -> NoticesOut:
    notices = lab_of(request).notices
    found = await notices.mine(actor, unread_only=unread)
    items = [NoticeOut.of(notice) for notice in found]
    return NoticesOut(items=items, unread=await notices.unread(actor))


@router.post(
    "/notices/read",
    summary="Marquer tous ses avis comme lus / Mark all as read",
    dependencies=[Depends(signed_in())],
)
async def read_all(actor: Actor, request: Request) -> ReadOut:
    return ReadOut(read=await lab_of(request).notices.read_all(actor))


@router.get(
    "/notices/address",
    summary="Dire où va son courriel / Say where one’s mail goes",
    dependencies=[Depends(signed_in())],
)
async def read_address(actor: Actor, request: Request) -> AddressOut:
    return AddressOut(address=await lab_of(request).notices.address(actor))


@router.put(
    "/notices/address",
    summary="Fixer où va son courriel / Set where one’s mail goes",
    dependencies=[Depends(signed_in())],
)
async def set_address(body: AddressBody, actor: Actor, request: Request) -> AddressOut:
    kept = await lab_of(request).notices.set_address(actor, body.address)
    return AddressOut(address=kept)


@router.post(
    "/notices/{notice_id}/read",
    summary="Marquer un avis comme lu / Mark one as read",
    dependencies=[Depends(signed_in())],
)
async def read_notice(notice_id: str, actor: Actor, request: Request) -> NoticeOut:
    return NoticeOut.of(await lab_of(request).notices.read(actor, notice_id))


@router.get(
    "/requests/{request_id}/messages",
    summary="Lire les messages sur une demande / Read the messages about a request",
    description="Les 200 derniers, le premier d’abord. / The last 200, first one first.",
    dependencies=[Depends(_READ)],
)
async def list_messages(request_id: str, actor: Actor, request: Request) -> PageOut[MessageOut]:
    lab = lab_of(request)
    found = await lab.messages.of(actor, RequestId(request_id))
    people = await lab.members.names(sorted({message.author_id for message in found}))
    return PageOut(items=[MessageOut.of(message, people) for message in found])


@router.post(
    "/requests/{request_id}/messages",
    summary="Écrire un message sur une demande / Write a message about a request",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(_READ)],
)
async def write_message(
    request_id: str, body: MessageIn, actor: Actor, request: Request
) -> MessageOut:
    lab = lab_of(request)
    message = await lab.messages.say(actor, RequestId(request_id), text=body.text)
    return MessageOut.of(message, {actor.id: actor})
