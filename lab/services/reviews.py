"""Send a request back with questions; answer them, change it, and send it in again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.agency import Reservation, Usage
from lab.domain.draft import Answered, Draft, Step
from lab.domain.errors import InvalidError, NotFoundError, Problem
from lab.domain.ids import DraftId
from lab.domain.member import Resource, Target, Verb
from lab.domain.notice import NoticeKind
from lab.domain.request import Move
from lab.domain.review import (
    LONGEST_LINE,
    MOST_QUESTIONS,
    TurnKind,
    changes_between,
    last_of,
)
from lab.domain.text import checked
from lab.services.budgets import require_hours
from lab.services.checks import DraftCheck
from lab.services.deciding import (
    decidable,
    found,
    measured,
    require_unchanged,
    turn_of,
)
from lab.services.person_quotas import require_room
from lab.services.telling import announce, of_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.agency import Agency
    from lab.domain.ids import MemberId, RequestId
    from lab.domain.member import Member
    from lab.domain.request import SandboxRequest
    from lab.ports import Transaction
    from lab.services.checks import CheckedDraft
    from lab.services.core import Core


class ReviewService:
    """What a reviewer asks of a request, and what comes back.

    A returned request keeps its reference and its place in the quota. Its answers are changed in
    a draft, step by step, by whoever may ask for the agency; answering the questions sends it in
    again, always to a person.
    """

    def __init__(self, core: Core) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._catalogue, self._new_id, self._zone = core.catalogue, core.new_id, core.zone
        self._wake = core.wake

    async def send_back(
        self,
        actor: Member,
        request_id: RequestId,
        *,
        questions: Sequence[str],
        version: int | None = None,
    ) -> SandboxRequest:
        """Return a request in review to whoever asked, with questions.

        A first approval counts no more: it was of what may now change.

        Raises:
            InvalidError: No question is asked, or one cannot be kept.
            ForbiddenError: The actor may not decide, or asked for it in person.
            StateError: It is not in review.
        """
        async with (
            self._journal.refusals(actor, "request.return", resource_id=request_id),
            self._store.begin() as tx,
        ):
            request = await decidable(tx, self._journal, actor, request_id, version)
            moved = request.moved(Move.RETURN)
            asked = _lines("questions", [text for text in questions if text.strip()])
            turn = turn_of(request, TurnKind.RETURNED, actor, self._clock.now())
            draft = await tx.drafts.put(await self._revision(tx, request))
            returned = await tx.requests.put(
                replace(
                    moved.told(replace(turn, lines=asked)),
                    draft_id=draft.id,
                    first_by=None,
                    waiting_since=None,
                )
            )
            await self._note(tx, actor, "request.return", returned)
            event = of_turn(NoticeKind.RETURNED, returned, actor)
            await announce(tx, turn.at, event)
        self._wake()
        return returned

    async def answer(
        self,
        actor: Member,
        request_id: RequestId,
        *,
        answers: Sequence[str],
        version: int | None = None,
    ) -> SandboxRequest:
        """Answer the questions and send the request in again, as its draft now says.

        Raises:
            InvalidError: A question has no answer, or a field of the request is wrong.
            QuotaExceededError: The agency has no room for what it asks for now.
            StateError: It is not returned.
        """
        async with (
            self._journal.refusals(actor, "request.answer", resource_id=request_id),
            self._store.begin() as tx,
        ):
            agency_id = (await found(tx, request_id)).agency_id
            whose = Target(Resource.REQUEST, agency_id)
            self._journal.require(actor, Verb.CREATE, whose, request_id)
            agency = await tx.agencies.lock(agency_id)
            # Read again under the lock: a colleague may have answered in the meantime.
            request = await found(tx, request_id)
            require_unchanged(request, version)
            moved = request.moved(Move.ANSWER)
            sent = await self._rewritten(tx, moved, actor, agency, answers)
            await self._note(tx, actor, "request.answer", sent)
            event = of_turn(NoticeKind.NEEDS_APPROVAL, sent, actor)
            await announce(tx, self._clock.now(), event)
        self._wake()
        return sent

    async def _rewritten(
        self,
        tx: Transaction,
        request: SandboxRequest,
        actor: Member,
        agency: Agency | None,
        answers: Sequence[str],
    ) -> SandboxRequest:
        draft = await tx.drafts.get(request.draft_id) if request.draft_id else None
        assert draft is not None  # noqa: S101 -- returning it opened one; nothing drops it
        said = _answers(request, answers)
        checked_draft = await self._checked(tx, request, draft, agency)
        before = request.content(await self._logins(tx, request))
        after = draft.content()
        now = self._clock.now()
        turn = replace(
            turn_of(request, TurnKind.ANSWERED, actor, now),
            lines=said,
            changes=changes_between(before, after),
            writers=tuple(sorted({actor.id, *_writers(draft)})),
        )
        rewritten = replace(
            request,
            purpose=checked_draft.purpose,
            datasets=checked_draft.datasets,
            template_id=checked_draft.template_id,
            size=checked_draft.size.id,
            resources=checked_draft.size.resources,
            profile_id=checked_draft.profile_id,
            ends_on=draft.asked(otherwise=checked_draft.today).ends_on,
            expires_at=checked_draft.expires_at,
            team=checked_draft.team,
            answers=after if request.answers else {},
            data_classes=checked_draft.data_classes,
            waiting_since=now,
            draft_id=None,
        )
        await self._reserve(tx, rewritten, agency)
        two = measured(rewritten, self._catalogue.catalogue(), self._zone).two
        await tx.drafts.put(draft.filed(request.id, now))
        return await tx.requests.put(
            replace(rewritten.told(turn), approvals_needed=2 if two else 1)
        )

    async def _checked(
        self, tx: Transaction, request: SandboxRequest, draft: Draft, agency: Agency | None
    ) -> CheckedDraft:
        # What the guided request asks besides cannot be asked of one that was filed without it.
        missing = draft.missing() if request.answers else []
        requester = await tx.members.get(request.requester_id)
        if requester is None:
            raise NotFoundError("member", request.requester_id)
        now = self._clock.now()
        check = DraftCheck(catalogue=self._catalogue.catalogue(), zone=self._zone, now=now)
        asked = draft.asked(otherwise=now.astimezone(self._zone).date())
        try:
            done = await check.run(tx, asked, agency=agency, requester=requester)
        except InvalidError as error:
            known = {problem.field for problem in missing}
            others = [p for p in error.problems if p.field not in known]
            raise InvalidError([*missing, *others]) from None
        if missing:
            raise InvalidError(missing)
        return done

    async def _reserve(
        self, tx: Transaction, request: SandboxRequest, agency: Agency | None
    ) -> None:
        """Take the reservation anew: what it held itself is not in its own way."""
        assert agency is not None  # noqa: S101 -- the check refuses an unknown agency
        await tx.agencies.give_back(request.id)
        asked = Usage(request.resources, 1)
        await require_room(tx, agency, request.requester_id, asked)
        await require_hours(tx, agency, asked.resources, self._zone, self._clock.now())
        await tx.agencies.reserve(
            Reservation(agency.id, request.id, asked, member_id=request.requester_id)
        )

    async def _revision(self, tx: Transaction, request: SandboxRequest) -> Draft:
        """Return a draft that says what the request says."""
        now, by = self._clock.now(), request.requester_id
        content = request.content(await self._logins(tx, request))
        return Draft(
            id=DraftId(self._new_id("rd")),
            agency_id=request.agency_id,
            author_id=by,
            opened_at=now,
            updated_at=now,
            answers={Step(step): Answered(v, 1, by, now) for step, v in content.items()},
            revises_id=request.id,
        )

    async def _logins(self, tx: Transaction, request: SandboxRequest) -> dict[MemberId, str]:
        return {m.id: m.login for m in (await tx.members.many(request.team)).values()}

    async def _note(
        self, tx: Transaction, actor: Member, action: str, request: SandboxRequest
    ) -> None:
        # Neither questions nor answers: the log says that there were some.
        await self._journal.done(
            tx, actor=actor, action=action, resource_id=request.id, agency_id=request.agency_id
        )


def _writers(draft: Draft) -> set[MemberId]:
    """Return who changed a step since the request came back."""
    return {each.by for each in draft.answers.values() if each.version > 1}


def _answers(request: SandboxRequest, answers: Sequence[str]) -> tuple[str, ...]:
    turn = last_of(request.turns, TurnKind.RETURNED)
    questions = turn.lines if turn else ()
    if len(answers) > len(questions):
        most = (("most", str(len(questions))),)
        raise InvalidError([Problem("answers", "too_many", most)])
    return _lines("answers", [*answers, *[""] * (len(questions) - len(answers))])


def _lines(field: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return each text as it is kept.

    Raises:
        InvalidError: One cannot be, there is none, or there are too many; names each by number.
    """
    if not texts:
        raise InvalidError([Problem(field, "required")])
    if len(texts) > MOST_QUESTIONS:
        raise InvalidError([Problem(field, "too_many", (("most", str(MOST_QUESTIONS)),))])
    wrong: list[Problem] = []
    kept = tuple(
        checked(f"{field}.{n}", text, longest=LONGEST_LINE, report=wrong.append, lines=True)
        for n, text in enumerate(texts, 1)
    )
    if wrong:
        raise InvalidError(wrong)
    return kept
