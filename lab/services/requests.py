"""Ask for a sandbox; approve, reject or withdraw what was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.agency import Reservation, Usage
from lab.domain.approval import Asked, decide
from lab.domain.errors import (
    InvalidError,
    Problem,
    SecondPersonError,
    StateError,
)
from lab.domain.ids import AgencyId, RequestId, SandboxId
from lab.domain.member import Resource, Role, Target, Verb
from lab.domain.notice import NoticeKind
from lab.domain.request import Move, SandboxRequest
from lab.domain.review import TurnKind
from lab.domain.sandbox import (
    SANDBOX_CHANGED,
    Sandbox,
    SandboxSpec,
    SuspendReason,
    Suspension,
)
from lab.domain.text import checked
from lab.ports import Filter
from lab.services.budgets import account_of, require_hours
from lab.services.checks import DraftCheck
from lab.services.deciding import (
    decidable,
    measured,
    require_active,
    require_unchanged,
    target,
    turn_of,
)
from lab.services.deciding import found as found_one
from lab.services.filing import Filed, Narrowed, Preview
from lab.services.keys import earlier, remember
from lab.services.person_quotas import own_left, require_room
from lab.services.telling import announce, of_turn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from lab.domain.agency import Agency
    from lab.domain.approval import Decision
    from lab.domain.ids import MemberId
    from lab.domain.member import Member
    from lab.domain.request import RequestDraft, RequestState
    from lab.ports import Page, Transaction
    from lab.services.checks import CheckedDraft
    from lab.services.core import Core
    from lab.services.keys import IdempotencyKey

    Answers = Mapping[str, Mapping[str, tuple[str, ...]]]

LONGEST_REASON = 1000


class RequestService:
    """What people can do with requests."""

    def __init__(self, core: Core) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._catalogue, self._new_id, self._zone = core.catalogue, core.new_id, core.zone
        self._wake = core.wake

    async def file(
        self, actor: Member, draft: RequestDraft, *, key: IdempotencyKey | None = None
    ) -> Filed:
        """File a request; where a rule approves it, its sandbox is made at once.

        Raises:
            InvalidError: Fields are wrong; nothing was kept.
            QuotaExceededError: The agency, or the person, has no room; nothing was kept.
            BudgetSpentError: The agency has no hours left this month; nothing was kept.
            KeyReusedError: The key came with another draft before.
        """
        async with self._journal.refusals(actor, "request.file", agency_id=draft.agency_id):
            self._journal.require(
                actor, Verb.CREATE, Target(Resource.REQUEST, AgencyId(draft.agency_id))
            )
            async with self._store.begin() as tx:
                # The lock comes first: the same key sent twice at once waits here for its twin.
                agency = await tx.agencies.lock(AgencyId(draft.agency_id))
                # Before the audit log is written to, as whoever stops all of the lab does: else
                # each of the two could hold what the other waits for.
                await tx.holds.lock(shared=True)
                before = await earlier(tx, actor.id, key)
                if before is not None:
                    return Filed(await found_one(tx, RequestId(before)), is_replay=True)
                request = await self.file_in(tx, actor, draft, agency)
                await remember(tx, actor.id, key, request.id, self._clock.now())
        self._wake()
        return Filed(request)

    async def file_in(
        self,
        tx: Transaction,
        actor: Member,
        draft: RequestDraft,
        agency: Agency | None,
        *,
        answers: Answers | None = None,
        writers: AbstractSet[MemberId] = frozenset(),
    ) -> SandboxRequest:
        """Check, reserve, write, decide: in a transaction that holds the agency's lock.

        Whoever calls it asks for the right before, and wakes the controller after.

        Args:
            tx: Its writes land with the caller's.
            actor: Who asks.
            draft: What is asked for.
            agency: As the lock gave it.
            answers: What else the guided request asked, kept with the request.
            writers: Whose answers those are.

        Raises:
            InvalidError: Fields are wrong.
            QuotaExceededError: The agency, or the person, has no room.
            BudgetSpentError: The agency has no hours left this month.
        """
        found = await self._check(tx, actor, draft, agency)
        assert agency is not None  # noqa: S101 -- the check refuses an unknown agency
        asked = Usage(found.size.resources, 1)
        await require_room(tx, agency, actor.id, asked)
        await require_hours(tx, agency, asked.resources, self._zone, self._clock.now())
        request = SandboxRequest(
            id=RequestId(self._new_id("rq")),
            agency_id=agency.id,
            requester_id=actor.id,
            purpose=found.purpose,
            datasets=found.datasets,
            template_id=found.template_id,
            size=found.size.id,
            resources=found.size.resources,
            profile_id=found.profile_id,
            ends_on=draft.ends_on,
            expires_at=found.expires_at,
            team=found.team,
            filed_at=self._clock.now(),
            answers=answers or {},
            writers=frozenset(writers),
            data_classes=found.data_classes,
        ).moved(Move.SUBMIT)
        decision = self._decide(found, draft)
        # Written before it is reserved for: the reservation names the request.
        request = await tx.requests.put(request)
        await tx.agencies.reserve(
            Reservation(agency.id, request.id, asked, member_id=request.requester_id)
        )
        await self._journal.done(
            tx, actor=actor, action="request.file", resource_id=request.id, agency_id=agency.id
        )
        if decision.rule is None:
            needed = self._needed(request)
            waiting = replace(
                request.moved(Move.REVIEW),
                waiting_since=request.filed_at,
                approvals_needed=needed,
            )
            filed = await tx.requests.put(waiting)
            needs = of_turn(NoticeKind.NEEDS_APPROVAL, filed, actor)
            submitted = of_turn(NoticeKind.SUBMITTED, filed, actor)
            await announce(tx, filed.filed_at, submitted, needs)
            return filed
        return await self._make_sandbox(
            tx, replace(request.moved(Move.APPROVE), rule=decision.rule.id), None
        )

    async def preview(self, actor: Member, draft: RequestDraft) -> Preview:
        """Say what filing the draft would do, and do nothing.

        Raises:
            InvalidError: Fields are wrong.
        """
        agency_id = AgencyId(draft.agency_id)
        self._journal.require(actor, Verb.CREATE, Target(Resource.REQUEST, agency_id))
        async with self._store.read() as tx:
            agency = await tx.agencies.get(agency_id)
            found = await self._check(tx, actor, draft, agency)
            assert agency is not None  # noqa: S101 -- the check refuses an unknown agency
            left = agency.quota.less(await tx.agencies.held(agency_id))
            own = await own_left(tx, agency, actor.id)
            account = await account_of(tx, agency, self._zone, self._clock.now())
        return Preview(
            decision=self._decide(found, draft),
            asked=Usage(found.size.resources, 1),
            left=left if own is None else left.least(own),
            own_left=own,
            account=account,
        )

    async def get(self, actor: Member, request_id: RequestId) -> SandboxRequest:
        """Return one request.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        async with self._store.read() as tx:
            request = await found_one(tx, request_id)
        self._journal.require(actor, Verb.READ, target(request), request_id)
        return request

    async def page(
        self,
        actor: Member,
        *,
        state: RequestState | None = None,
        after: str = "",
        limit: int = 50,
        narrowed: Narrowed | None = None,
    ) -> Page[SandboxRequest]:
        """Return those that the actor may see, newest first.

        Args:
            actor: Who looks.
            state: Only those in it.
            after: A cursor from the page before.
            limit: As many at most.
            narrowed: By what else.
        """
        is_staff = bool(actor.roles & {Role.OPERATOR, Role.REVIEWER})
        agency_id = None if is_staff else actor.agency_id
        self._journal.require(actor, Verb.LIST, Target(Resource.REQUEST, agency_id))
        by = narrowed or Narrowed()
        which = Filter(
            # Of another agency there is nothing to find, and that is what is said.
            agency_id=(by.agency_id or None) if is_staff else agency_id,
            request_state=state,
            after=after,
            limit=limit,
            data_class=by.data_class,
            waiting_before=by.waiting_before(self._clock.now()),
            needs_two=by.needs_two,
            undecided_by=actor.id if by.is_mine and is_staff else None,
            person=actor.id if by.is_mine and not is_staff else None,
        )
        async with self._store.read() as tx:
            return await tx.requests.page(which)

    async def approve(
        self, actor: Member, request_id: RequestId, *, version: int | None = None
    ) -> SandboxRequest:
        """Approve a request in review; its sandbox is made in the same transaction.

        Approving what is approved already changes nothing. Where two people must approve, the
        first approval is kept and the request stays in review.

        Raises:
            ForbiddenError: The actor may not decide, or asked for it in person.
            SecondPersonError: The actor approved it already, and another one must too.
            StateError: It is not in review, or its last day is over.
            BudgetSpentError: The agency has no hours left this month.
        """
        async with (
            self._journal.refusals(actor, "request.approve", resource_id=request_id),
            self._store.begin() as tx,
        ):
            request = await decidable(tx, self._journal, actor, request_id, version)
            if request.sandbox_id is not None and version is None:
                return request
            if request.expires_at <= self._clock.now():
                raise StateError("request", request_id, state="expired", wanted="approve")
            await require_active(tx, request)
            agency = await tx.agencies.get(request.agency_id)
            if agency is not None:
                now = self._clock.now()
                await require_hours(tx, agency, request.resources, self._zone, now)
            moved = request.moved(Move.APPROVE)
            if request.first_by == actor.id:
                raise SecondPersonError
            if request.first_by is None and self._needed(request) > 1:
                return await self._approve_once(tx, actor, request)
            turn = turn_of(request, TurnKind.APPROVED, actor, self._clock.now())
            moved = replace(moved.told(turn), decided_by=actor.id)
            approved = await self._make_sandbox(tx, moved, actor)
        self._wake()
        return approved

    async def reject(
        self, actor: Member, request_id: RequestId, *, reason: str, version: int | None = None
    ) -> SandboxRequest:
        """Refuse a request that is not decided and give its reservation back.

        Raises:
            InvalidError: No reason is given.
            StateError: It is decided already.
        """
        wrong: list[Problem] = []
        said = checked("reason", reason, longest=LONGEST_REASON, report=wrong.append, lines=True)
        async with (
            self._journal.refusals(actor, "request.reject", resource_id=request_id),
            self._store.begin() as tx,
        ):
            request = await decidable(tx, self._journal, actor, request_id, version)
            if wrong:
                raise InvalidError(wrong)
            turn = turn_of(request, TurnKind.REJECTED, actor, self._clock.now())
            moved = request.moved(Move.REJECT).told(turn)
            moved = replace(moved, decided_by=actor.id, reason=said)
            closed = await self._close(tx, moved, actor, "request.reject")
            await announce(tx, self._clock.now(), of_turn(NoticeKind.REFUSED, closed, actor))
        self._wake()
        return closed

    async def withdraw(
        self, actor: Member, request_id: RequestId, *, version: int | None = None
    ) -> SandboxRequest:
        """Take one's own request back, before it is decided.

        Raises:
            StateError: It is decided already.
        """
        async with (
            self._journal.refusals(actor, "request.withdraw", resource_id=request_id),
            self._store.begin() as tx,
        ):
            request = await found_one(tx, request_id)
            self._journal.require(actor, Verb.CHANGE, target(request), request_id)
            require_unchanged(request, version)
            turn = turn_of(request, TurnKind.WITHDRAWN, actor, self._clock.now())
            moved = request.moved(Move.WITHDRAW).told(turn)
            return await self._close(tx, moved, actor, "request.withdraw")

    async def _check(
        self, tx: Transaction, actor: Member, draft: RequestDraft, agency: Agency | None
    ) -> CheckedDraft:
        check = DraftCheck(
            catalogue=self._catalogue.catalogue(), zone=self._zone, now=self._clock.now()
        )
        return await check.run(tx, draft, agency=agency, requester=actor)

    def _decide(self, found: CheckedDraft, draft: RequestDraft) -> Decision:
        asked = Asked(
            resources=found.size.resources,
            today=found.today,
            ends_on=draft.ends_on,
            team_size=len(found.team),
            data_classes=found.data_classes,
            profile_id=found.profile_id,
        )
        catalogue = self._catalogue.catalogue()
        return decide(catalogue.approval, asked, catalogue.two_approvals)

    def _needed(self, request: SandboxRequest) -> int:
        """Return how many people must approve, by the rules of then and of today."""
        today = measured(request, self._catalogue.catalogue(), self._zone)
        return max(request.approvals_needed, 2 if today.two else 1)

    async def _approve_once(
        self, tx: Transaction, actor: Member, request: SandboxRequest
    ) -> SandboxRequest:
        turn = turn_of(request, TurnKind.APPROVED_ONCE, actor, self._clock.now())
        told = replace(request.told(turn), first_by=actor.id, approvals_needed=2)
        await self._journal.done(
            tx,
            actor=actor,
            action="request.approve_once",
            resource_id=request.id,
            agency_id=request.agency_id,
        )
        return await tx.requests.put(told)

    async def _make_sandbox(
        self, tx: Transaction, request: SandboxRequest, actor: Member | None
    ) -> SandboxRequest:
        """Write the sandbox, which takes over the reservation, and wake the controller."""
        now = self._clock.now()
        # Shared: a stop of the lab sees this sandbox, or this sandbox sees the stop.
        stop = await tx.holds.lock(shared=True)
        sandbox = Sandbox(
            id=SandboxId(self._new_id("sb")),
            request_id=request.id,
            spec=SandboxSpec(
                agency_id=request.agency_id,
                template_id=request.template_id,
                profile_id=request.profile_id,
                resources=request.resources,
                members=request.team,
                datasets=request.datasets,
                expires_at=request.expires_at,
            ),
            created_at=now,
            suspension=Suspension(now, SuspendReason.LAB_STOPPED, stop.note) if stop else None,
        )
        await tx.sandboxes.put(sandbox)
        await tx.agencies.reserve(
            Reservation(
                request.agency_id,
                request.id,
                Usage(request.resources, 1),
                sandbox.id,
                request.requester_id,
            )
        )
        approved = await tx.requests.put(
            replace(request, sandbox_id=sandbox.id, decided_at=now, waiting_since=None)
        )
        await self._journal.done(
            tx,
            actor=actor,
            action="request.approve",
            resource_id=request.id,
            agency_id=request.agency_id,
            facts={"sandbox_id": sandbox.id, "rule": request.rule},
        )
        await tx.outbox.add(SANDBOX_CHANGED, sandbox.id, now)
        await announce(tx, now, of_turn(NoticeKind.APPROVED, approved, actor))
        return approved

    async def _close(
        self, tx: Transaction, request: SandboxRequest, actor: Member, action: str
    ) -> SandboxRequest:
        if request.draft_id is not None:
            await tx.drafts.drop(request.draft_id)
        closed = await tx.requests.put(
            replace(request, decided_at=self._clock.now(), waiting_since=None, draft_id=None)
        )
        await tx.agencies.give_back(request.id)
        await self._journal.done(
            tx, actor=actor, action=action, resource_id=request.id, agency_id=request.agency_id
        )
        return closed
