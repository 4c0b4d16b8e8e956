"""Ask for a sandbox; approve, reject or withdraw what was asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.domain.agency import Reservation, Usage
from lab.domain.approval import Asked, decide
from lab.domain.dataset import VersionStatus
from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    Problem,
    QuotaExceededError,
    StateError,
)
from lab.domain.ids import AgencyId, RequestId, SandboxId
from lab.domain.member import Resource, Role, Target, Verb
from lab.domain.request import Move, SandboxRequest
from lab.domain.sandbox import (
    SANDBOX_CHANGED,
    Sandbox,
    SandboxSpec,
    SuspendReason,
    Suspension,
)
from lab.domain.text import checked
from lab.ports import Filter
from lab.services.checks import DraftCheck
from lab.services.keys import earlier, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from lab.domain.agency import Agency
    from lab.domain.approval import Decision
    from lab.domain.member import Member
    from lab.domain.request import RequestDraft, RequestState
    from lab.ports import CatalogueSource, Clock, Page, Store, Transaction
    from lab.services.checks import CheckedDraft
    from lab.services.journal import Journal
    from lab.services.keys import IdempotencyKey

    Answers = Mapping[str, Mapping[str, tuple[str, ...]]]

LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a draft that was sent in.

    Attributes:
        is_replay: The same key had filed it before; nothing was done now.
    """

    request: SandboxRequest
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a draft.

    Attributes:
        left: What the agency's quota has left before it.
    """

    decision: Decision
    asked: Usage
    left: Usage


def target(request: SandboxRequest) -> Target:
    """Tell whose request it is. Its own person is the requester, not the team."""
    return Target(Resource.REQUEST, request.agency_id, frozenset({request.requester_id}))


class RequestService:
    """What people can do with requests.

    Args:
        new_id: Makes an identifier from a prefix, never the same twice.
        zone: Where the lab's days begin and end.
        wake: Told after each commit that wrote to the outbox.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        journal: Journal,
        catalogue: CatalogueSource,
        new_id: Callable[[str], str],
        zone: ZoneInfo,
        wake: Callable[[], None],
    ) -> None:
        self._store, self._clock, self._journal = store, clock, journal
        self._catalogue, self._new_id, self._zone = catalogue, new_id, zone
        self._wake = wake

    async def file(
        self, actor: Member, draft: RequestDraft, *, key: IdempotencyKey | None = None
    ) -> Filed:
        """File a request; where a rule approves it, its sandbox is made at once.

        Raises:
            InvalidError: Fields are wrong; nothing was kept.
            QuotaExceededError: The agency has no room; nothing was kept.
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
                    return Filed(await self._found(tx, RequestId(before)), is_replay=True)
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
    ) -> SandboxRequest:
        """Check, reserve, write, decide: in a transaction that holds the agency's lock.

        Whoever calls it asks for the right before, and wakes the controller after.

        Args:
            tx: Its writes land with the caller's.
            actor: Who asks.
            draft: What is asked for.
            agency: As the lock gave it.
            answers: What else the guided request asked, kept with the request.

        Raises:
            InvalidError: Fields are wrong.
            QuotaExceededError: The agency has no room.
        """
        found = await self._check(tx, actor, draft, agency)
        assert agency is not None  # noqa: S101 -- the check refuses an unknown agency
        asked = Usage(found.size.resources, 1)
        left = agency.quota.less(await tx.agencies.held(agency.id))
        if not asked.fits_in(left):
            raise QuotaExceededError(agency.id, asked=asked, left=left)
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
        ).moved(Move.SUBMIT)
        decision = self._decide(found, draft)
        # Written before it is reserved for: the reservation names the request.
        request = await tx.requests.put(request)
        await tx.agencies.reserve(Reservation(agency.id, request.id, asked))
        await self._journal.done(
            tx, actor=actor, action="request.file", resource_id=request.id, agency_id=agency.id
        )
        if decision.rule is None:
            return await tx.requests.put(request.moved(Move.REVIEW))
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
            held = await tx.agencies.held(agency_id)
        quota = agency.quota if agency else Usage()
        return Preview(
            self._decide(found, draft), Usage(found.size.resources, 1), quota.less(held)
        )

    async def get(self, actor: Member, request_id: RequestId) -> SandboxRequest:
        """Return one request.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        async with self._store.read() as tx:
            request = await self._found(tx, request_id)
        self._journal.require(actor, Verb.READ, target(request), request_id)
        return request

    async def page(
        self, actor: Member, *, state: RequestState | None = None, after: str = "", limit: int = 50
    ) -> Page[SandboxRequest]:
        """Return those that the actor may see, newest first."""
        is_staff = bool(actor.roles & {Role.OPERATOR, Role.REVIEWER})
        agency_id = None if is_staff else actor.agency_id
        self._journal.require(actor, Verb.LIST, Target(Resource.REQUEST, agency_id))
        which = Filter(agency_id=agency_id, request_state=state, after=after, limit=limit)
        async with self._store.read() as tx:
            return await tx.requests.page(which)

    async def approve(
        self, actor: Member, request_id: RequestId, *, version: int | None = None
    ) -> SandboxRequest:
        """Approve a request in review; its sandbox is made in the same transaction.

        Approving what is approved already changes nothing.

        Raises:
            ForbiddenError: The actor may not decide, or asked for it in person.
            StateError: It is not in review, or its last day is over.
        """
        async with (
            self._journal.refusals(actor, "request.approve", resource_id=request_id),
            self._store.begin() as tx,
        ):
            request = await self._decidable(tx, actor, request_id, version)
            if request.sandbox_id is not None and version is None:
                return request
            if request.expires_at <= self._clock.now():
                raise StateError("request", request_id, state="expired", wanted="approve")
            await _require_active(tx, request)
            moved = replace(request.moved(Move.APPROVE), decided_by=actor.id)
            approved = await self._make_sandbox(tx, moved, actor)
        self._wake()
        return approved

    async def reject(
        self, actor: Member, request_id: RequestId, *, reason: str, version: int | None = None
    ) -> SandboxRequest:
        """Refuse a request in review and give its reservation back.

        Raises:
            InvalidError: No reason is given.
            StateError: It is not in review.
        """
        wrong: list[Problem] = []
        said = checked("reason", reason, longest=LONGEST_REASON, report=wrong.append, lines=True)
        async with (
            self._journal.refusals(actor, "request.reject", resource_id=request_id),
            self._store.begin() as tx,
        ):
            request = await self._decidable(tx, actor, request_id, version)
            if wrong:
                raise InvalidError(wrong)
            moved = replace(request.moved(Move.REJECT), decided_by=actor.id, reason=said)
            return await self._close(tx, moved, actor, "request.reject")

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
            request = await self._found(tx, request_id)
            self._journal.require(actor, Verb.CHANGE, target(request), request_id)
            _unchanged(request, version)
            return await self._close(tx, request.moved(Move.WITHDRAW), actor, "request.withdraw")

    async def _found(self, tx: Transaction, request_id: RequestId) -> SandboxRequest:
        request = await tx.requests.get(request_id)
        if request is None:
            raise NotFoundError("request", request_id)
        return request

    async def _decidable(
        self, tx: Transaction, actor: Member, request_id: RequestId, version: int | None
    ) -> SandboxRequest:
        request = await self._found(tx, request_id)
        self._journal.require(actor, Verb.DECIDE, target(request), request_id)
        if actor.id in request.team:
            raise ForbiddenError(Verb.DECIDE.value, "request of your own")
        _unchanged(request, version)
        return request

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
        return decide(self._catalogue.catalogue().approval, asked)

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
            Reservation(request.agency_id, request.id, Usage(request.resources, 1), sandbox.id)
        )
        approved = await tx.requests.put(replace(request, sandbox_id=sandbox.id, decided_at=now))
        await self._journal.done(
            tx,
            actor=actor,
            action="request.approve",
            resource_id=request.id,
            agency_id=request.agency_id,
            facts={"sandbox_id": sandbox.id, "rule": request.rule},
        )
        await tx.outbox.add(SANDBOX_CHANGED, sandbox.id, now)
        return approved

    async def _close(
        self, tx: Transaction, request: SandboxRequest, actor: Member, action: str
    ) -> SandboxRequest:
        closed = await tx.requests.put(replace(request, decided_at=self._clock.now()))
        await tx.agencies.give_back(request.id)
        await self._journal.done(
            tx, actor=actor, action=action, resource_id=request.id, agency_id=request.agency_id
        )
        return closed


def _unchanged(request: SandboxRequest, version: int | None) -> None:
    """Refuse a caller who has read an older version."""
    if version is not None and version != request.version:
        raise ConflictError("request", request.id, expected=version, found=request.version)


async def _require_active(tx: Transaction, request: SandboxRequest) -> None:
    """Refuse data that were taken back since they were asked for."""
    for ref in request.datasets:
        version = await tx.datasets.version(ref)
        if version is None or version.status is not VersionStatus.ACTIVE:
            state = version.status.value if version else "gone"
            name = f"{ref.dataset_id}@{ref.version}"
            raise StateError("dataset version", name, state=state, wanted="mount")
