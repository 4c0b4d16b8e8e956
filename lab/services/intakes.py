"""Dossiers: open, deposit, confirm, sign, refuse, withdraw; the register."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.dataset import VersionStatus
from lab.domain.errors import (
    InvalidError,
    Problem,
)
from lab.domain.evidence import RawFile, Signature, months_after
from lab.domain.ids import AgencyId, IntakeId
from lab.domain.intake import INTAKE_CHANGED, Intake
from lab.domain.intake_content import confirmed_content, signed_content
from lab.domain.intake_states import IntakeMove
from lab.domain.member import Resource, Role, Target, Verb, can
from lab.domain.text import checked
from lab.ports import Filter
from lab.services.intake_desk import Desk, Made, found, require_idle, target
from lab.services.intake_drafts import IntakeCheck
from lab.services.keys import earlier, remember
from lab.services.revoking import revoke

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from lab.domain.agency import Agency
    from lab.domain.evidence import ColumnChoice
    from lab.domain.ids import DatasetId, MemberId
    from lab.domain.intake_states import IntakeState
    from lab.domain.member import Member
    from lab.ports import Page, Quarantine
    from lab.services.core import Core
    from lab.services.intake_drafts import IntakeDraft
    from lab.services.keys import IdempotencyKey

LONGEST_REASON, LONGEST_NAME = 1000, 200


@dataclass(frozen=True, slots=True)
class Paper:
    """A dossier with its agency and its people."""

    intake: Intake
    agency: Agency | None
    people: Mapping[MemberId, Member]


class IntakeService:
    """What people can do with dossiers. What takes long is a run, done by ``IntakeWork``.

    Args:
        sign: Signs bytes with the lab's key; hexadecimal.
    """

    def __init__(
        self, core: Core, *, quarantine: Quarantine, sign: Callable[[bytes], str]
    ) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._desk = Desk(journal=core.journal, catalogue=core.catalogue)
        self._quarantine = quarantine
        self._new_id, self._sign, self._wake = core.new_id, sign, core.wake

    async def open(
        self, actor: Member, draft: IntakeDraft, *, key: IdempotencyKey | None = None
    ) -> Made:
        """Open a dossier: the purposes (art. 3) and who supervises (art. 4) come first.

        Raises:
            InvalidError: Fields are wrong; nothing was kept.
            KeyReusedError: The key came with another draft before.
        """
        agency_id = AgencyId(draft.agency_id)
        async with self._journal.refusals(actor, "intake.open", agency_id=agency_id):
            self._journal.require(actor, Verb.CREATE, Target(Resource.INTAKE, agency_id))
            async with self._store.begin() as tx:
                await tx.agencies.lock(agency_id)
                before = await earlier(tx, actor.id, key)
                if before is not None:
                    return Made(await found(tx, IntakeId(before)), is_replay=True)
                now = self._clock.now()
                check = IntakeCheck(tx, draft, actor)
                intake = await tx.intakes.put(await check.run(IntakeId(self._new_id("in")), now))
                await self._desk.note(tx, actor, "intake.open", intake)
                await remember(tx, actor.id, key, intake.id, now)
        return Made(intake)

    async def get(self, actor: Member, intake_id: IntakeId) -> Intake:
        """Return one dossier.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        async with self._store.read() as tx:
            intake = await found(tx, intake_id)
        self._journal.require(actor, Verb.READ, target(intake), intake_id)
        return intake

    async def paper(self, actor: Member, intake_id: IntakeId) -> Paper:
        """Return one dossier with whom and what it names, as its report needs them.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        async with self._store.read() as tx:
            intake = await self._desk.mine(tx, actor, intake_id, Verb.READ, None)
            agency = await tx.agencies.get(intake.agency_id)
            return Paper(intake, agency, await tx.members.many(sorted(intake.named)))

    async def page(
        self, actor: Member, *, state: IntakeState | None = None, after: str = "", limit: int = 50
    ) -> Page[Intake]:
        """Return those that the actor may see, newest first."""
        is_staff = bool(actor.roles & {Role.OPERATOR, Role.REVIEWER})
        people = frozenset({actor.id})
        self._journal.require(actor, Verb.LIST, Target(Resource.INTAKE, people=people))
        which = Filter(
            person=None if is_staff else actor.id, intake_state=state, after=after, limit=limit
        )
        async with self._store.read() as tx:
            return await tx.intakes.page(which)

    async def of_dataset(self, actor: Member, dataset_id: DatasetId) -> Sequence[Intake]:
        """Return those of a data set that the actor may see, newest first."""
        async with self._store.read() as tx:
            found_ = await tx.intakes.of_dataset(dataset_id)
        return [intake for intake in found_ if can(actor, Verb.READ, target(intake))]

    async def register(self, actor: Member, agency_id: AgencyId | None = None) -> Sequence[Intake]:
        """Return what the register shows (art. 9): everything that was published."""
        self._journal.require(actor, Verb.LIST, Target(Resource.INTAKE, agency_id))
        async with self._store.read() as tx:
            return await tx.intakes.register(agency_id)

    async def deposit(
        self,
        actor: Member,
        intake_id: IntakeId,
        chunks: AsyncIterator[bytes],
        *,
        name: str,
        version: int | None = None,
    ) -> Intake:
        """Take the raw file in as it comes, encrypted; nothing of it stays in memory.

        Raises:
            InvalidError: It is empty, longer than the policy allows, or its name is not possible.
            StateError: It is too late, or a run is under way.
        """
        action = "intake.deposit"
        async with self._journal.refusals(actor, action, resource_id=intake_id):
            wrong: list[Problem] = []
            name = checked("name", name, longest=LONGEST_NAME, report=wrong.append)
            async with self._store.read() as tx:
                intake = await self._desk.mine(tx, actor, intake_id, Verb.CHANGE, version)
                await require_idle(tx, intake)
            if wrong:
                raise InvalidError(wrong)
            intake.check_move(IntakeMove.DEPOSIT)
            sha256, size_bytes = await self._quarantine.receive(
                intake_id, chunks, limit_bytes=self._desk.policy.raw_limit_bytes
            )
            async with self._store.begin() as tx:
                # Whoever came in between with another file is told; theirs is on record, and a
                # reading compares what it reads with what is on record.
                current = await self._desk.mine(tx, actor, intake_id, Verb.CHANGE, intake.version)
                await require_idle(tx, current)
                raw = RawFile(name, size_bytes, sha256, self._clock.now())
                kept = await tx.intakes.put(current.deposited(raw))
                await self._desk.note(tx, actor, action, kept, sha256=sha256)
        return kept

    async def confirm(
        self,
        actor: Member,
        intake_id: IntakeId,
        choices: Sequence[ColumnChoice],
        *,
        version: int | None = None,
    ) -> Intake:
        """Fix what each column is (art. 5).

        Raises:
            InvalidError: A column is missing or unknown, or an identifier would go on.
            StateError: The table is not read, or it is signed already.
        """
        async with (
            self._journal.refusals(actor, "intake.confirm", resource_id=intake_id),
            self._store.begin() as tx,
        ):
            intake = await self._desk.mine(tx, actor, intake_id, Verb.CHANGE, version)
            await require_idle(tx, intake)
            kept = await tx.intakes.put(intake.confirmed(choices, by=actor.id))
            await self._desk.note(tx, actor, "intake.confirm", kept)
            return kept

    async def sign(
        self,
        actor: Member,
        intake_id: IntakeId,
        *,
        reason: str = "",
        version: int | None = None,
    ) -> Intake:
        """Answer for a very low residual risk (art. 4 and 7).

        Raises:
            InvalidError: The reason is too long, or holds what nobody types.
            ForbiddenError: The actor has a part in it.
            StateError: It is not measured, or its final analysis does not pass.
        """
        async with (
            self._journal.refusals(actor, "intake.sign", resource_id=intake_id),
            self._store.begin() as tx,
        ):
            intake = await self._desk.mine(tx, actor, intake_id, Verb.DECIDE, version)
            await require_idle(tx, intake)
            wrong: list[Problem] = []
            said = reason and checked(
                "reason", reason, longest=LONGEST_REASON, report=wrong.append, lines=True
            )
            if wrong:
                raise InvalidError(wrong)
            blank = Signature(actor.id, self._clock.now(), "", said)
            signature = replace(blank, value=self._sign(signed_content(intake, blank)))
            kept = await tx.intakes.put(intake.signed(signature))
            await self._desk.note(tx, actor, "intake.sign", kept, signature=signature.value)
            return kept

    async def confirm_review(
        self, actor: Member, intake_id: IntakeId, *, version: int | None = None
    ) -> Intake:
        """Answer for an analysis that the lab made again by itself; its next date moves (art. 8).

        Raises:
            ForbiddenError: The actor has a part in it.
            StateError: None waits for it, or its date has passed.
        """
        async with (
            self._journal.refusals(actor, "intake.confirm_review", resource_id=intake_id),
            self._store.begin() as tx,
        ):
            intake = await self._desk.mine(tx, actor, intake_id, Verb.DECIDE, version)
            await require_idle(tx, intake)
            now = self._clock.now()
            review = intake.check_confirmable(now)
            blank = Signature(actor.id, now, "")
            value = self._sign(confirmed_content(intake, review, blank))
            # Counted from the analysis: confirming late gives no more time.
            next_at = months_after(review.at, self._desk.policy.review_months)
            kept = await tx.intakes.put(
                intake.review_confirmed(replace(blank, value=value), next_at)
            )
            if intake.published is not None:
                await tx.datasets.set_status(intake.published, VersionStatus.ACTIVE, next_at)
            await self._desk.note(tx, actor, "intake.confirm_review", kept, signature=value)
            return kept

    async def to_confirm(self, actor: Member) -> Sequence[Intake]:
        """Return those whose new analysis waits for this person, the soonest date first."""
        latest = self._clock.now() + timedelta(days=self._desk.policy.review_lead_days)
        async with self._store.read() as tx:
            soon = await tx.intakes.to_review(latest)
        return [
            intake
            for intake in soon
            if intake.supervisor_id == actor.id
            and intake.unconfirmed is not None
            and intake.next_review_at is not None
            and intake.next_review_at > self._clock.now()
        ]

    async def refuse(
        self, actor: Member, intake_id: IntakeId, *, reason: str, version: int | None = None
    ) -> Intake:
        """Close it: the risk, or the file, cannot be accepted. The raw file is destroyed."""
        return await self._close(actor, intake_id, Verb.DECIDE, reason, version)

    async def withdraw(
        self, actor: Member, intake_id: IntakeId, *, reason: str, version: int | None = None
    ) -> Intake:
        """Take it back, its version too, which leaves running sandboxes."""
        return await self._close(actor, intake_id, Verb.CHANGE, reason, version)

    async def _close(
        self, actor: Member, intake_id: IntakeId, verb: Verb, reason: str, version: int | None
    ) -> Intake:
        action = "intake.refuse" if verb is Verb.DECIDE else "intake.withdraw"
        wrong: list[Problem] = []
        said = checked("reason", reason, longest=LONGEST_REASON, report=wrong.append, lines=True)
        async with (
            self._journal.refusals(actor, action, resource_id=intake_id),
            self._store.begin() as tx,
        ):
            intake = await self._desk.mine(tx, actor, intake_id, verb, version)
            if wrong:
                raise InvalidError(wrong)
            await require_idle(tx, intake)
            closed = intake.refused(said) if verb is Verb.DECIDE else intake.withdrawn(said)
            kept = await tx.intakes.put(closed)
            await self._desk.note(tx, actor, action, kept)
            if intake.published is not None:
                status, ref = VersionStatus.WITHDRAWN, intake.published
                if await tx.datasets.set_status(ref, status, None):
                    await revoke(tx, self._journal, ref, self._clock.now(), actor=actor)
            await tx.outbox.add(INTAKE_CHANGED, kept.id, self._clock.now())
        self._wake()
        return kept
