"""Tells people what happened: writes notices, and hands their mail over.

What people do is taken from the outbox, in the transaction that empties it. What comes by itself
(ready, about to end, suspended, to be signed) is looked for again and again: a person is told
once of each event, however often it is seen, and a lab that was down tells late, not never.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.errors import ConflictError
from lab.domain.ids import MemberId, RequestId, SandboxId
from lab.domain.intake_states import IntakeState
from lab.domain.letter import letter_of
from lab.domain.member import Role, Verb, can
from lab.domain.notice import (
    KEPT_READ,
    NOTICE_DUE,
    Happening,
    MailState,
    Notice,
    NoticeKind,
    is_address,
)
from lab.domain.request import RequestState
from lab.domain.sandbox import USABLE, Phase, Stage, phase
from lab.ports import Filter, PostError
from lab.services.deciding import takes_part, target
from lab.services.hours_again import hours_again

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from lab.domain.member import Member
    from lab.domain.request import SandboxRequest
    from lab.domain.sandbox import Sandbox, StageState
    from lab.ports import Clock, Post, Store, Transaction
    from lab.services.idling import IdleLook

log = logging.getLogger(__name__)

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)
_MOST = 200
_PRUNED_EVERY = timedelta(hours=1)


async def announce(tx: Transaction, at: datetime, *events: Happening) -> None:
    """Have people told of what ``tx`` does, once it is through."""
    for event in events:
        await tx.outbox.add(NOTICE_DUE, event.row(), at)


def of_turn(kind: NoticeKind, request: SandboxRequest, actor: Member | None) -> Happening:
    """Return what was done to a request, as an event of its own at each version."""
    return Happening(kind, request.id, f"v{request.version}", actor.id if actor else "")


class NoticeWork:
    """Writes notices where the loop runs, and sends their mail.

    Args:
        new_id: Makes an identifier from a prefix, never the same twice.
        post: Where mail is handed over.
        url: Of the portal, without a closing slash.
        domain: The lab's own name; where a local folder is the post, people without an address
            are ``login@domain``.
        zone: Whose hours a mail writes.
        idle: Finds the notebooks that end soon for want of use; without it nobody is told.
        every: How often what comes by itself is looked for, and mail is tried.
        guard: Raises where this process may not act any more.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        new_id: Callable[[str], str],
        post: Post,
        url: str,
        domain: str,
        zone: ZoneInfo,
        every: timedelta,
        idle: IdleLook | None = None,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._clock, self._new_id, self._post = store, clock, new_id, post
        self._url, self._domain, self._every, self._guard = url, domain, every, guard
        self._zone, self._idle = zone, idle
        self._news = asyncio.Event()
        self._prune_at: datetime | None = None

    def wake(self) -> None:
        """Have mail sent now. Safe at any time."""
        self._news.set()

    async def run(self) -> None:
        """Run until cancelled; no failure ends it."""
        await self._try(self.recover)
        while True:
            self._news.clear()
            await self._try(self.look)
            await self._try(self.send)
            await self._try(self.prune)
            try:
                await asyncio.wait_for(self._news.wait(), self._every.total_seconds())
            except TimeoutError:
                continue

    async def take_in(self, tx: Transaction, row: str) -> None:
        """Write the notices of one outbox row; a row that says nothing to us is left out."""
        event = Happening.of_row(row)
        if event is not None and event.kind is NoticeKind.INVITED:
            # Still in the team when it is read: who is not may not open the page.
            sandbox = await tx.sandboxes.get(SandboxId(event.subject))
            guest = MemberId(event.mark.partition("/")[0])
            if sandbox is not None and guest in sandbox.spec.members:
                await self._add(tx, event, [guest])
            return
        request = await tx.requests.get(RequestId(event.subject)) if event else None
        if event is not None and request is not None:
            people = await tx.members.many(list(await _told_of(tx, event, request)))
            # A notice leads to a page: who may not open it is not sent there.
            able = [m.id for m in people.values() if can(m, Verb.READ, target(request))]
            await self._add(tx, event, sorted(able))

    async def look(self) -> int:
        """Write the notices of what comes by itself; return how many are new."""
        now, count = self._clock.now(), 0
        async with self._store.read() as tx:
            live = await tx.sandboxes.live()
            stages = await tx.sandboxes.live_stages()
            waiting = Filter(intake_state=IntakeState.MEASURED, limit=_MOST)
            dossiers = (await tx.intakes.page(waiting)).items
            again = await hours_again(tx, live, self._zone, now)
        found: list[tuple[Happening, tuple[MemberId, ...]]] = [
            (event, sandbox.spec.members)
            for sandbox in live
            for event in _of_sandbox(sandbox, stages.get(sandbox.id, {}), now)
        ]
        found += [
            (
                Happening(NoticeKind.NEEDS_SIGNATURE, dossier.id, f"v{dossier.version}"),
                (dossier.supervisor_id,),
            )
            for dossier in dossiers
            if dossier.final is None or dossier.final.passes
        ]
        found += again
        if self._idle is not None:
            found += await self._idle.found(live, now)
        if found:
            async with self._store.begin() as tx:
                self._guard()
                for event, people in found:
                    count += await self._add(tx, event, people)
        return count

    async def prune(self) -> int:
        """Delete what was read long ago; return how many. Now and then is enough."""
        now = self._clock.now()
        if self._prune_at is not None and now < self._prune_at:
            return 0
        self._prune_at = now + _PRUNED_EVERY
        async with self._store.begin() as tx:
            self._guard()
            return await tx.notices.prune(now - KEPT_READ)

    async def recover(self) -> None:
        """Let go of mail that was handed over when the last process ended.

        The server may have it: what is sent twice cannot be taken back, and the notice is in the
        portal all the same.
        """
        async with self._store.read() as tx:
            left = await tx.notices.being_sent()
        for notice in left:
            await self._write(notice.id, lambda found: found.ended(MailState.UNKNOWN))

    async def send(self) -> int:
        """Hand over the mail that is due; return how many left.

        It ends at the first one that could not leave: the others would fare no better now.
        """
        count = 0
        async with self._store.read() as tx:
            due = await tx.notices.to_send(self._clock.now())
            ids = sorted({notice.member_id for notice in due})
            people, given = await tx.members.many(ids), await tx.notices.addresses(ids)
        for notice in due:
            to = self._address(people.get(notice.member_id), given)
            if not to:
                await self._write(notice.id, lambda found: found.ended(MailState.NONE))
                continue
            handed = await self._write(notice.id, Notice.tried)
            if handed is None:
                continue
            self._guard()
            try:
                await self._post.send(letter_of(notice, to=to, url=self._url, zone=self._zone))
            except PostError as error:
                log.warning("mail not sent: %s", error, extra={"notice_id": notice.id})
                if not await self._failed(notice.id, error):
                    break
            else:
                count += 1
                await self._write(notice.id, lambda found: found.ended(MailState.SENT))
        return count

    async def _failed(self, notice_id: str, error: PostError) -> bool:
        """Write down what became of a mail; tell whether the next one may fare better."""
        if error.is_final or error.may_have_left:
            mail = MailState.REFUSED if error.is_final else MailState.UNKNOWN
            await self._write(notice_id, lambda found: found.ended(mail))
            return error.is_final
        now = self._clock.now()
        await self._write(notice_id, lambda found: found.postponed(now))
        return False

    def _address(self, member: Member | None, given: Mapping[MemberId, str]) -> str:
        if member is None or not member.is_active:
            return ""
        for address in (given.get(member.id, ""), member.login):
            if is_address(address):
                return address
        return f"{member.login}@{self._domain}" if self._post.is_local else ""

    async def _write(self, notice_id: str, change: Callable[[Notice], Notice]) -> Notice | None:
        """Change a notice as it is now: its person may just have read it."""
        for _ in range(3):
            try:
                async with self._store.begin() as tx:
                    found = await tx.notices.get(notice_id)
                    return None if found is None else await tx.notices.put(change(found))
            except ConflictError:
                continue
        return None

    async def _add(self, tx: Transaction, event: Happening, people: Iterable[MemberId]) -> int:
        now = self._clock.now()
        new = [
            Notice(
                id=self._new_id("no"),
                member_id=person,
                kind=event.kind,
                subject=event.subject,
                key=event.key,
                at=now,
                next_try_at=now,
            )
            for person in dict.fromkeys(people)
            if person != event.actor
        ]
        return await tx.notices.add(new)

    async def _try(self, job: Callable[[], Awaitable[object]]) -> None:
        try:
            await job()
        except Exception:
            log.exception("notices failed")


async def _told_of(
    tx: Transaction, event: Happening, request: SandboxRequest
) -> Iterable[MemberId]:
    """Return whom an event about a request concerns."""
    team = (request.requester_id, *request.team)
    if event.kind is NoticeKind.NEEDS_APPROVAL:
        if request.state is not RequestState.IN_REVIEW:
            return ()
        return [m for m in await _deciders(tx, request) if m != request.first_by]
    if event.kind is NoticeKind.MESSAGE:
        wrote = [message.author_id for message in await tx.messages.of(request.id)]
        others = {m for m in (*wrote, *(turn.by for turn in request.turns)) if m not in team}
        # Where nobody of the lab has a hand in it yet, all who may decide are asked.
        if not others - {event.actor}:
            others |= set(await _deciders(tx, request)) if event.actor in team else set()
        return (*team, *sorted(others))
    return team


async def _deciders(tx: Transaction, request: SandboxRequest) -> list[MemberId]:
    """Return the lab's staff who may decide about a request."""
    staff = await tx.members.of(None)
    mine = takes_part(request)
    return [
        member.id
        for member in staff
        if member.is_active
        and member.roles & {Role.OPERATOR, Role.REVIEWER}
        and member.id not in mine
    ]


def _of_sandbox(
    sandbox: Sandbox, stages: Mapping[Stage, StageState], now: datetime
) -> Iterator[Happening]:
    """Yield what is to be told of a sandbox as it stands."""
    seen = {stage: state.seen for stage, state in stages.items()}
    ready_at = max((s.ready_at for s in stages.values() if s.ready_at), default=None)
    is_ready = phase(sandbox, seen, now) is Phase.READY and set(seen.values()) <= USABLE
    # Not of those that have been ready for long, when the lab learns to tell of it.
    if is_ready and ready_at is not None and now - ready_at < _DAY:
        yield Happening(NoticeKind.READY, sandbox.id)
    if not sandbox.is_wanted(now):
        return
    if sandbox.suspension is not None:
        since = int(sandbox.suspension.at.timestamp())
        yield Happening(NoticeKind.SUSPENDED, sandbox.id, str(since))
    end, life = sandbox.spec.expires_at, sandbox.spec.expires_at - sandbox.created_at
    mark, left = str(int(end.timestamp())), end - now
    if left <= _DAY < life:
        yield Happening(NoticeKind.EXPIRES_IN_1, sandbox.id, mark)
    elif left <= _WEEK < life:
        yield Happening(NoticeKind.EXPIRES_IN_7, sandbox.id, mark)
