"""What people write to each other about a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.errors import ForbiddenError, InvalidError, Problem
from lab.domain.member import Resource, Verb, can
from lab.domain.message import LONGEST_MESSAGE, Message
from lab.domain.notice import Happening, NoticeKind
from lab.domain.text import checked
from lab.services.deciding import found, target
from lab.services.telling import announce

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.ids import RequestId
    from lab.domain.member import Member
    from lab.domain.request import SandboxRequest
    from lab.services.core import Core


class MessageService:
    """A conversation beside each request, between who asks for it and who reviews."""

    def __init__(self, core: Core) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._new_id, self._wake = core.new_id, core.wake

    async def of(self, actor: Member, request_id: RequestId) -> Sequence[Message]:
        """Return the messages about a request, first one first.

        Raises:
            NotFoundError: There is no request by that id that the actor may see.
        """
        async with self._store.read() as tx:
            request = await found(tx, request_id)
            self._journal.require(actor, Verb.READ, target(request), request_id)
            return await tx.messages.of(request_id)

    async def say(self, actor: Member, request_id: RequestId, *, text: str) -> Message:
        """Write one.

        Raises:
            InvalidError: It is empty, too long, or holds what is no language.
            ForbiddenError: The actor may read the request and takes no part in it.
        """
        wrong: list[Problem] = []
        said = checked("text", text, longest=LONGEST_MESSAGE, report=wrong.append, lines=True)
        async with (
            self._journal.refusals(actor, "message.write", resource_id=request_id),
            self._store.begin() as tx,
        ):
            request = await found(tx, request_id)
            self._journal.require(actor, Verb.READ, target(request), request_id)
            if not may_write(actor, request):
                raise ForbiddenError("write about", Resource.REQUEST.value)
            if wrong:
                raise InvalidError(wrong)
            now = self._clock.now()
            message = Message(self._new_id("me"), request_id, actor.id, now, said)
            await tx.messages.add(message)
            # That one was written, by whom and when; never what it says.
            await self._journal.done(
                tx,
                actor=actor,
                action="message.write",
                resource_id=request_id,
                agency_id=request.agency_id,
                facts={"message_id": message.id},
            )
            event = Happening(NoticeKind.MESSAGE, request_id, message.id, actor.id)
            await announce(tx, now, event)
        self._wake()
        return message


def may_write(actor: Member, request: SandboxRequest) -> bool:
    """Tell whether the actor takes part: asks, is in the team, may ask for the agency, reviews."""
    whose = target(request)
    return (
        actor.id in request.team
        or can(actor, Verb.DECIDE, whose)
        or can(actor, Verb.CREATE, whose)
    )
