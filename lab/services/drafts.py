"""Write a request step by step, alone or with colleagues of the agency, and send it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.draft import Draft, Step, asks_of, checked_values
from lab.domain.errors import ConflictError, InvalidError, NotFoundError, Problem, StateError
from lab.domain.ids import DraftId
from lab.domain.member import Resource, Role, Target, Verb
from lab.ports import Filter
from lab.services.checks import DraftCheck
from lab.services.filing import Filed
from lab.services.keys import earlier, remember
from lab.services.outlook import view_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lab.domain.agency import Agency
    from lab.domain.ids import AgencyId
    from lab.domain.member import Member
    from lab.ports import Page, Transaction
    from lab.services.core import Core
    from lab.services.keys import IdempotencyKey
    from lab.services.outlook import DraftView
    from lab.services.requests import RequestService

    Typed = Mapping[str, Sequence[str]]


class DraftService:
    """What people can do with requests that are being written.

    Whoever may ask for an agency may read and go on with any of its drafts.

    Args:
        most_open: How many an agency may have that were not sent in.
    """

    def __init__(self, core: Core, *, requests: RequestService, most_open: int = 100) -> None:
        self._most_open = most_open
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._catalogue, self._requests = core.catalogue, requests
        self._new_id, self._zone, self._wake = core.new_id, core.zone, core.wake

    async def open(
        self, actor: Member, agency_id: AgencyId, *, key: IdempotencyKey | None = None
    ) -> Draft:
        """Begin a request; its id is the reference number.

        Raises:
            InvalidError: There is no such agency, or it has begun too many.
            KeyReusedError: The key came with another body before.
        """
        async with self._journal.refusals(actor, "draft.open", agency_id=agency_id):
            self._journal.require(actor, Verb.CREATE, Target(Resource.REQUEST, agency_id))
            async with self._store.begin() as tx:
                if await tx.agencies.lock(agency_id) is None:
                    facts = (("name", agency_id[:64]),)
                    raise InvalidError([Problem("agency_id", "unknown", facts)])
                before = await earlier(tx, actor.id, key)
                if before is not None:
                    return await self._found(tx, actor, DraftId(before))
                # Under the agency's lock: two who begin at once are counted one after the other.
                which = Filter(agency_id=agency_id, limit=self._most_open)
                if len((await tx.drafts.page(which)).items) >= self._most_open:
                    facts = (("most", str(self._most_open)),)
                    raise InvalidError([Problem("agency_id", "too_many_drafts", facts)])
                now = self._clock.now()
                draft_id = DraftId(self._new_id("rd"))
                draft = await tx.drafts.put(Draft(draft_id, agency_id, actor.id, now, now))
                await self._note(tx, actor, "draft.open", draft)
                await remember(tx, actor.id, key, draft.id, now)
                return draft

    async def get(self, actor: Member, draft_id: DraftId) -> Draft:
        """Return one draft.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        async with self._store.read() as tx:
            return await self._found(tx, actor, draft_id)

    async def view(self, actor: Member, draft_id: DraftId) -> DraftView:
        """Return one draft with what follows from its answers.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        async with self._store.read() as tx:
            return await self._view(tx, await self._found(tx, actor, draft_id))

    async def page(self, actor: Member, *, after: str = "", limit: int = 50) -> Page[Draft]:
        """Return those that the actor may go on with, last changed first."""
        is_operator = Role.OPERATOR in actor.roles
        agency_id = None if is_operator else actor.agency_id
        self._journal.require(actor, Verb.CREATE, Target(Resource.REQUEST, agency_id))
        async with self._store.read() as tx:
            return await tx.drafts.page(Filter(agency_id=agency_id, after=after, limit=limit))

    async def preview(
        self, actor: Member, draft_id: DraftId, step: Step, typed: Typed
    ) -> DraftView:
        """Say what the draft would come to with these answers, and keep nothing.

        Raises:
            InvalidError: Fields of the step are wrong.
        """
        async with self._store.read() as tx:
            draft = await self._found(tx, actor, draft_id)
            values = await self._checked(tx, actor, draft, step, typed, is_partial=True)
            now = self._clock.now()
            return await self._view(tx, draft.answered(step, values, by=actor.id, at=now))

    async def answer(
        self,
        actor: Member,
        draft_id: DraftId,
        step: Step,
        typed: Typed,
        *,
        version: int | None = None,
        is_partial: bool = False,
    ) -> DraftView:
        """Save one step.

        Args:
            actor: Who answers.
            draft_id: Of which draft.
            step: Which page.
            typed: From field to values.
            version: That the actor has read; ``None`` writes over whatever is there.
            is_partial: Whether what is missing may be missing for now.

        Raises:
            InvalidError: Fields of the step are wrong; nothing was kept.
            ConflictError: Somebody saved something since; nothing was kept.
            StateError: It was sent in already.
        """
        async with (
            self._journal.refusals(actor, "draft.answer", resource_id=draft_id),
            self._store.begin() as tx,
        ):
            draft = await self._open_one(tx, actor, draft_id, version)
            values = await self._checked(tx, actor, draft, step, typed, is_partial=is_partial)
            if step in draft.answers and draft.values(step) == values:
                return await self._view(tx, draft)
            now = self._clock.now()
            draft = await tx.drafts.put(draft.answered(step, values, by=actor.id, at=now))
            await self._note(tx, actor, "draft.answer", draft, step=step.value)
            return await self._view(tx, draft)

    async def delete(
        self, actor: Member, draft_id: DraftId, *, version: int | None = None
    ) -> None:
        """Throw a draft away.

        Raises:
            StateError: It was sent in, or changes a returned request; withdraw that instead.
        """
        async with (
            self._journal.refusals(actor, "draft.delete", resource_id=draft_id),
            self._store.begin() as tx,
        ):
            draft = await self._open_one(tx, actor, draft_id, version)
            _require_own(draft, "delete")
            await tx.drafts.drop(draft.id)
            await self._note(tx, actor, "draft.delete", draft)

    async def submit(
        self,
        actor: Member,
        draft_id: DraftId,
        *,
        version: int | None = None,
        key: IdempotencyKey | None = None,
    ) -> Filed:
        """Send it in, in the actor's name. A draft becomes one request, however often it is sent.

        Raises:
            KeyReusedError: The key came with another draft before.
            InvalidError: Something is missing or wrong; names every field of every step.
            StateError: It changes a returned request: the answers to its questions send it in.
            ConflictError: Somebody saved something since.
            QuotaExceededError: The agency has no room; the draft stays.
        """
        async with (
            self._journal.refusals(actor, "draft.submit", resource_id=draft_id),
            self._store.begin() as tx,
        ):
            agency_id = (await self._found(tx, actor, draft_id)).agency_id
            agency = await tx.agencies.lock(agency_id)
            # Read again under the lock: a colleague may have sent it in the meantime.
            draft = await self._found(tx, actor, draft_id)
            await earlier(tx, actor.id, key)
            if draft.request_id is not None:
                before = await tx.requests.get(draft.request_id)
                assert before is not None  # noqa: S101 -- requests are never deleted
                return Filed(before, is_replay=True)
            _require_own(draft, "submit")
            _unchanged(draft, version)
            problems = await self._all_problems(tx, actor, draft, agency)
            if problems:
                raise InvalidError(problems)
            asked = draft.asked(otherwise=self._today())
            request = await self._requests.file_in(
                tx, actor, asked, agency, answers=draft.content(), writers=draft.writers
            )
            draft = await tx.drafts.put(draft.filed(request.id, self._clock.now()))
            await remember(tx, actor.id, key, request.id, self._clock.now())
            await self._note(tx, actor, "draft.submit", draft, request_id=request.id)
        self._wake()
        return Filed(request)

    async def _view(self, tx: Transaction, draft: Draft) -> DraftView:
        catalogue = self._catalogue.catalogue()
        return await view_of(tx, draft, catalogue, self._zone, self._clock.now())

    def _today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()

    async def _found(self, tx: Transaction, actor: Member, draft_id: DraftId) -> Draft:
        draft = await tx.drafts.get(draft_id)
        if draft is None:
            raise NotFoundError("draft", draft_id)
        target = Target(Resource.REQUEST, draft.agency_id)
        self._journal.require(actor, Verb.CREATE, target, draft_id)
        return draft

    async def _open_one(
        self, tx: Transaction, actor: Member, draft_id: DraftId, version: int | None
    ) -> Draft:
        draft = await self._found(tx, actor, draft_id)
        if draft.request_id is not None:
            raise StateError("draft", draft_id, state="submitted", wanted="change")
        _unchanged(draft, version)
        return draft

    async def _note(
        self, tx: Transaction, actor: Member, action: str, draft: Draft, **facts: str
    ) -> None:
        await self._journal.done(
            tx,
            actor=actor,
            action=action,
            resource_id=draft.id,
            agency_id=draft.agency_id,
            facts=facts,
        )

    async def _checked(
        self,
        tx: Transaction,
        actor: Member,
        draft: Draft,
        step: Step,
        typed: Typed,
        *,
        is_partial: bool,
    ) -> dict[str, tuple[str, ...]]:
        asks = asks_of(step, self._catalogue.catalogue().questionnaires)
        values, problems = checked_values(asks, typed, is_partial=is_partial)
        if not problems:
            now = self._clock.now()
            written = draft.answered(step, values, by=actor.id, at=now)
            agency = await tx.agencies.get(draft.agency_id)
            found = await self._problems(tx, actor, written, agency)
            # What other steps lack is for them to say.
            problems = [p for p in found if p.field in values and p.code != "required"]
        if problems:
            raise InvalidError(problems)
        return values

    async def _problems(
        self, tx: Transaction, actor: Member, draft: Draft, agency: Agency | None
    ) -> Sequence[Problem]:
        """Check what only the lab knows, as for any request."""
        check = DraftCheck(
            catalogue=self._catalogue.catalogue(), zone=self._zone, now=self._clock.now()
        )
        try:
            asked = draft.asked(otherwise=self._today())
            await check.run(tx, asked, agency=agency, requester=actor)
        except InvalidError as error:
            return error.problems
        return ()

    async def _all_problems(
        self, tx: Transaction, actor: Member, draft: Draft, agency: Agency | None
    ) -> list[Problem]:
        missing = draft.missing()
        known = {problem.field for problem in missing}
        found = await self._problems(tx, actor, draft, agency)
        return missing + [p for p in found if p.field not in known]


def _require_own(draft: Draft, wanted: str) -> None:
    """Refuse what belongs to a returned request."""
    if draft.revises_id is not None:
        raise StateError("draft", draft.id, state="revises", wanted=wanted)


def _unchanged(draft: Draft, version: int | None) -> None:
    """Refuse a caller who has read an older version."""
    if version is not None and version != draft.version:
        raise ConflictError("draft", draft.id, expected=version, found=draft.version)
