"""The long work on dossiers, as people ask for it: start, look, cancel, publish."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lab.domain.errors import InvalidError, Problem, StateError
from lab.domain.evidence import Technique, spent
from lab.domain.ids import RunId
from lab.domain.intake import INTAKE_CHANGED
from lab.domain.intake_room import check_room
from lab.domain.intake_run import Run, Step
from lab.domain.intake_states import IntakeMove
from lab.domain.member import Verb
from lab.services.intake_desk import Desk, Made, found_run, require_idle, target, unchanged
from lab.services.keys import earlier, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.domain.evidence import PrivacyPolicy
    from lab.domain.ids import IntakeId
    from lab.domain.intake import Intake
    from lab.domain.member import Member
    from lab.ports import Spend, Transaction
    from lab.services.core import Core
    from lab.services.keys import IdempotencyKey

_MOVES = {
    Step.READ: IntakeMove.READ,
    Step.TREAT: IntakeMove.TREAT,
    Step.MEASURE: IntakeMove.MEASURE,
}


def left_of(policy: PrivacyPolicy, taken: Sequence[Spend]) -> Decimal:
    """Return what of the budget is left after what was taken; never below zero."""
    return max(Decimal(0), policy.epsilon_total - spent([one.epsilon for one in taken]))


async def queue(
    tx: Transaction, desk: Desk, blank: Run, intake: Intake, actor: Member | None
) -> Run:
    """Have a run wait for its turn, and say so."""
    run = await tx.intakes.put_run(blank)
    await desk.note(tx, actor, f"intake.{run.step.value}", intake, run=run.id)
    await tx.outbox.add(INTAKE_CHANGED, intake.id, run.asked_at)
    return run


class IntakeRunService:
    """What people can do with runs. ``IntakeWork`` does them, where the loop runs.

    Args:
        room: Says how much memory the process that does the runs may take, in bytes; ``None``
            where this one does not know.
    """

    def __init__(self, core: Core, *, room: Callable[[], int | None] = lambda: None) -> None:
        self._room = room
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._desk = Desk(journal=core.journal, catalogue=core.catalogue)
        self._new_id, self._wake = core.new_id, core.wake

    async def start(
        self,
        actor: Member,
        intake_id: IntakeId,
        step: Step,
        *,
        parameters: Mapping[str, Any] | None = None,
        version: int | None = None,
        key: IdempotencyKey | None = None,
    ) -> Made:
        """Ask for a run that reads, treats, measures or reviews; one at a time.

        Raises:
            InvalidError: A parameter is wrong, or no ε is left for the source.
            StateError: The dossier is not there yet, or a run is under way.
        """
        verb = Verb.DECIDE if step is Step.REVIEW else Verb.CHANGE
        async with (
            self._journal.refusals(actor, f"intake.{step.value}", resource_id=intake_id),
            self._store.begin() as tx,
        ):
            intake = await self._desk.mine(tx, actor, intake_id, verb, None)
            await tx.agencies.lock(intake.agency_id)
            before = await earlier(tx, actor.id, key)
            if before is not None:
                run = await tx.intakes.get_run(RunId(before))
                return Made(intake, run, is_replay=True)
            unchanged(intake, version)
            await require_idle(tx, intake)
            await self._check_step(tx, intake, step, actor, parameters or {})
            run = await self._queue(tx, actor, intake, step, parameters or {})
            await remember(tx, actor.id, key, run.id, self._clock.now())
        self._wake()
        return Made(intake, run)

    async def publish(
        self, actor: Member, intake_id: IntakeId, *, version: int | None = None
    ) -> Made:
        """Ask for its publication. Asking again changes nothing, or tries again what failed.

        Raises:
            StateError: It is not signed.
        """
        async with (
            self._journal.refusals(actor, "intake.publish", resource_id=intake_id),
            self._store.begin() as tx,
        ):
            intake = await self._desk.mine(tx, actor, intake_id, Verb.CHANGE, version)
            runs = await tx.intakes.runs_of(intake_id)
            last = next((run for run in runs if run.step is Step.PUBLISH), None)
            if last is not None and (intake.published is not None or last.is_open):
                return Made(intake, last, is_replay=True)
            await require_idle(tx, intake)
            asked = intake.publishable(self._clock.now())
            if asked != intake:
                asked = await tx.intakes.put(asked)
            run = await self._queue(tx, actor, asked, Step.PUBLISH, {})
        self._wake()
        return Made(asked, run)

    async def run(self, actor: Member, intake_id: IntakeId, run_id: RunId) -> Run:
        """Return one run.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        async with self._store.read() as tx:
            intake, run = await found_run(tx, intake_id, run_id)
        self._journal.require(actor, Verb.READ, target(intake), intake_id)
        return run

    async def runs(self, actor: Member, intake_id: IntakeId) -> Sequence[Run]:
        """Return a dossier's runs, newest first."""
        async with self._store.read() as tx:
            await self._desk.mine(tx, actor, intake_id, Verb.READ, None)
            return await tx.intakes.runs_of(intake_id)

    async def cancel(self, actor: Member, intake_id: IntakeId, run_id: RunId) -> Run:
        """Ask for the end of a run. It ends at its next step; nothing half made is kept.

        Raises:
            StateError: It has ended.
        """
        async with (
            self._journal.refusals(actor, "intake.cancel", resource_id=intake_id),
            self._store.begin() as tx,
        ):
            intake, run = await found_run(tx, intake_id, run_id)
            self._journal.require(actor, Verb.CHANGE, target(intake), intake_id)
            kept = await tx.intakes.put_run(run.cancelled(self._clock.now()))
            await self._desk.note(tx, actor, "intake.cancel", intake, run=run_id)
            return kept

    async def epsilon_left(self, actor: Member, intake_id: IntakeId) -> Decimal:
        """Return what syntheses of its source may still spend."""
        async with self._store.read() as tx:
            intake = await self._desk.mine(tx, actor, intake_id, Verb.READ, None)
            return await self._left(tx, intake)

    async def _check_step(
        self,
        tx: Transaction,
        intake: Intake,
        step: Step,
        actor: Member,
        parameters: Mapping[str, Any],
    ) -> None:
        if step is Step.REVIEW:
            intake.check_signer(actor.id)
            if intake.published is None or intake.next_review_at is None:
                raise StateError("intake", intake.id, state=intake.state.value, wanted="review")
            return
        intake.check_move(_MOVES[step])
        if step is not Step.READ:
            check_room(intake.row_count, intake.kept_count, self._room())
        if step is Step.TREAT:
            await self._check_treatment(tx, intake, parameters)

    async def _check_treatment(
        self, tx: Transaction, intake: Intake, parameters: Mapping[str, Any]
    ) -> None:
        named = parameters.get("technique")
        if not named:
            raise InvalidError([Problem("technique", "required")])
        technique = Technique(named)
        intake.check_technique(technique)
        least = self._desk.policy.k_for(intake.scope)
        if technique is Technique.K_ANONYMITY and int(parameters.get("k") or least) < least:
            raise InvalidError([Problem("k", "below_threshold", (("least", str(least)),))])
        if technique is Technique.SYNTHESIS:
            asked, left = Decimal(parameters.get("epsilon") or 0), await self._left(tx, intake)
            if asked <= 0:
                raise InvalidError([Problem("epsilon", "required")])
            if asked > left:
                raise InvalidError([Problem("epsilon", "over_budget", (("left", f"{left:f}"),))])

    async def _left(self, tx: Transaction, intake: Intake) -> Decimal:
        sha256 = intake.raw.sha256 if intake.raw else ""
        taken = await tx.intakes.spends(intake.dataset_id, sha256)
        return max(
            Decimal(0), self._desk.policy.epsilon_total - spent([one.epsilon for one in taken])
        )

    async def _queue(
        self,
        tx: Transaction,
        actor: Member,
        intake: Intake,
        step: Step,
        parameters: Mapping[str, Any],
    ) -> Run:
        run_id = RunId(self._new_id("run"))
        blank = Run(
            id=run_id,
            intake_id=intake.id,
            step=step,
            asked_by=actor.id,
            asked_at=self._clock.now(),
            parameters=parameters,
        )
        return await queue(tx, self._desk, blank, intake, actor)
