"""Hold sandboxes still and let them go on; stop one, or all of the lab, at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.errors import InvalidError, NotFoundError, Problem, StateError
from lab.domain.hours import Month
from lab.domain.intervention import Act, Intervention, LabStop
from lab.domain.member import Resource, Target, Verb
from lab.domain.sandbox import SANDBOX_CHANGED, SuspendReason, Suspension
from lab.domain.text import checked
from lab.services.budgets import require_hours
from lab.services.journal import LAB
from lab.services.sandboxes import target, unchanged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.ids import SandboxId
    from lab.domain.member import Member
    from lab.domain.sandbox import Sandbox
    from lab.ports import Transaction
    from lab.services.core import Core

LONGEST_REASON = 1000
CONFIRMATIONS = ("tout arrêter", "stop all")
"""What is typed to stop all, in either language and any letter case."""

_ACTS = {SuspendReason.ASKED: Act.SUSPEND, SuspendReason.STOPPED: Act.STOP}


def reason_of(text: str, wrong: list[Problem]) -> str:
    """Return a reason as it is kept, and add what is wrong with it."""
    return checked("reason", text, longest=LONGEST_REASON, report=wrong.append, lines=True)


async def wanted_one(tx: Transaction, sandbox_id: SandboxId) -> Sandbox:
    """Return a sandbox that is to be changed.

    Raises:
        NotFoundError: There is none.
    """
    sandbox = await tx.sandboxes.get(sandbox_id)
    if sandbox is None:
        raise NotFoundError("sandbox", sandbox_id)
    return sandbox


def require_alive(sandbox: Sandbox, now: datetime, *, wanted: str) -> None:
    """Refuse what is on its way out.

    Raises:
        StateError: Its end has come, or was asked for.
    """
    if not sandbox.is_wanted(now):
        state = "deleted" if sandbox.deleted_at else "deleting"
        raise StateError("sandbox", sandbox.id, state=state, wanted=wanted)


class HoldService:
    """What operators can do to stop what runs, and to let it go on.

    Only what is wanted is written here; the loop does the rest.
    """

    def __init__(self, core: Core) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._new_id, self._zone, self._wake = core.new_id, core.zone, core.wake

    async def suspend(
        self, actor: Member, sandbox_id: SandboxId, *, reason: str, version: int | None = None
    ) -> Sandbox:
        """Stop its servers, then its credentials, then its doors; data and quota stay.

        Raises:
            InvalidError: No reason is given.
            StateError: It is being deleted.
        """
        return await self._hold(actor, sandbox_id, SuspendReason.ASKED, reason, version)

    async def stop(
        self, actor: Member, sandbox_id: SandboxId, *, reason: str, version: int | None = None
    ) -> Sandbox:
        """The same at once: the doors shut first, and nothing is waited for.

        Raises:
            InvalidError: No reason is given.
            StateError: It is being deleted.
        """
        return await self._hold(actor, sandbox_id, SuspendReason.STOPPED, reason, version)

    async def resume(
        self, actor: Member, sandbox_id: SandboxId, *, reason: str, version: int | None = None
    ) -> Sandbox:
        """Let it be built again: its walls are proved anew before anything opens.

        Resuming what runs changes nothing.

        Raises:
            InvalidError: No reason is given.
            StateError: It is being deleted, or all of the lab is stopped.
            BudgetSpentError: Its agency has no hours left this month.
        """
        wrong: list[Problem] = []
        note = reason_of(reason, wrong)
        async with (
            self._journal.refusals(actor, "sandbox.resume", resource_id=sandbox_id),
            self._store.begin() as tx,
        ):
            stop = await tx.holds.lock(shared=True)
            sandbox = await wanted_one(tx, sandbox_id)
            self._journal.require(actor, Verb.DECIDE, target(sandbox), sandbox_id)
            unchanged(sandbox, version)
            if wrong:
                raise InvalidError(wrong)
            require_alive(sandbox, self._clock.now(), wanted="resume")
            if sandbox.suspension is None:
                return sandbox
            if stop is not None:
                raise StateError("sandbox", sandbox_id, state="lab_stopped", wanted="resume")
            before = sandbox.suspension.reason
            facts = await self._affordable(tx, sandbox)
            resumed = await tx.sandboxes.put(replace(sandbox, suspension=None))
            act = self._act(actor, sandbox_id, Act.RESUME, before, note)
            await self._done(tx, actor, resumed, act, "sandbox.resume", facts=facts)
        self._wake()
        return resumed

    async def stop_all(self, actor: Member, *, reason: str, confirmation: str) -> LabStop:
        """Stop every sandbox at once, and let nothing new be made until the stop is lifted.

        Stopping twice changes nothing but what may have come since.

        Raises:
            InvalidError: No reason is given, or the confirmation is not what it must be.
        """
        wrong: list[Problem] = []
        note = reason_of(reason, wrong)
        if " ".join(confirmation.split()).casefold() not in CONFIRMATIONS:
            wrong.append(Problem("confirmation", "not_confirmed"))
        async with (
            self._journal.refusals(actor, "lab.stop", resource_id="lab"),
            self._store.begin() as tx,
        ):
            self._journal.require(actor, Verb.DECIDE, Target(Resource.SANDBOX))
            if wrong:
                raise InvalidError(wrong)
            now = self._clock.now()
            stop = await tx.holds.lock() or LabStop(now, actor.id, note)
            await tx.holds.put(stop)
            suspension = Suspension(now, SuspendReason.LAB_STOPPED, stop.note)
            stopped = await tx.holds.suspend_all(suspension)
            await tx.hours.end(stopped, now)
            acts = [
                self._act(actor, each, Act.STOP, SuspendReason.LAB_STOPPED, note)
                for each in stopped
            ]
            await self._all_done(tx, actor, acts, "lab.stop")
        self._wake()
        return stop

    async def lift(self, actor: Member, *, reason: str) -> None:
        """Lift the stop of the lab; what it stopped, and nothing else, goes on.

        Raises:
            InvalidError: No reason is given.
            StateError: The lab is not stopped.
        """
        wrong: list[Problem] = []
        note = reason_of(reason, wrong)
        async with (
            self._journal.refusals(actor, "lab.resume", resource_id="lab"),
            self._store.begin() as tx,
        ):
            self._journal.require(actor, Verb.DECIDE, Target(Resource.SANDBOX))
            if wrong:
                raise InvalidError(wrong)
            if await tx.holds.lock() is None:
                raise StateError("lab", "lab", state="running", wanted="resume")
            await tx.holds.put(None)
            resumed = await tx.holds.resume_all(SuspendReason.LAB_STOPPED)
            acts = [
                self._act(actor, each, Act.RESUME, SuspendReason.LAB_STOPPED, note)
                for each in resumed
            ]
            await self._all_done(tx, actor, acts, "lab.resume")
        self._wake()

    async def lab_stop(self) -> LabStop | None:
        """Return the stop of the lab that is in force, or nothing."""
        async with self._store.read() as tx:
            return await tx.holds.lab_stop()

    async def history(self, actor: Member, sandbox_id: SandboxId) -> Sequence[Intervention]:
        """Return what was done to a sandbox, first act first.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        async with self._store.read() as tx:
            sandbox = await wanted_one(tx, sandbox_id)
            self._journal.require(actor, Verb.READ, target(sandbox), sandbox_id)
            return await tx.holds.of(sandbox_id)

    async def _hold(
        self,
        actor: Member,
        sandbox_id: SandboxId,
        why: SuspendReason,
        reason: str,
        version: int | None,
    ) -> Sandbox:
        wrong: list[Problem] = []
        note = reason_of(reason, wrong)
        act, action = _ACTS[why], f"sandbox.{_ACTS[why].value}"
        async with (
            self._journal.refusals(actor, action, resource_id=sandbox_id),
            self._store.begin() as tx,
        ):
            sandbox = await wanted_one(tx, sandbox_id)
            self._journal.require(actor, Verb.DECIDE, target(sandbox), sandbox_id)
            unchanged(sandbox, version)
            if wrong:
                raise InvalidError(wrong)
            now = self._clock.now()
            require_alive(sandbox, now, wanted=act.value)
            held = sandbox.suspended(Suspension(now, why, note))
            if held is sandbox:
                return sandbox
            held = await tx.sandboxes.put(held)
            await tx.hours.end([sandbox_id], now)
            done = self._act(actor, sandbox_id, act, why, note)
            await self._done(tx, actor, held, done, action)
        self._wake()
        return held

    def _act(
        self, actor: Member | None, sandbox_id: SandboxId, act: Act, why: SuspendReason, note: str
    ) -> Intervention:
        return Intervention(
            id=self._new_id("iv"),
            sandbox_id=sandbox_id,
            at=self._clock.now(),
            actor=actor.id if actor else LAB,
            act=act,
            reason=why.value,
            note=note,
        )

    async def _affordable(self, tx: Transaction, sandbox: Sandbox) -> dict[str, str]:
        """Refuse what there are no hours for; say what makes it possible again, for the audit."""
        agency, now = await tx.agencies.get(sandbox.spec.agency_id), self._clock.now()
        if agency is not None:
            await require_hours(tx, agency, sandbox.spec.resources, self._zone, now)
        held = sandbox.suspension
        if held is None or held.reason is not SuspendReason.BUDGET:
            return {}
        is_new = Month.of(held.at, self._zone) != Month.of(now, self._zone)
        return {"because": "month" if is_new else "budget"}

    async def _done(
        self,
        tx: Transaction,
        actor: Member,
        sandbox: Sandbox,
        act: Intervention,
        action: str,
        *,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        await tx.holds.add([act])
        await self._journal.done(
            tx,
            actor=actor,
            action=action,
            resource_id=sandbox.id,
            agency_id=sandbox.spec.agency_id,
            facts={"reason": act.reason, "note": act.id, **(facts or {})},
        )
        await tx.outbox.add(SANDBOX_CHANGED, sandbox.id, act.at)

    async def _all_done(
        self, tx: Transaction, actor: Member, acts: Sequence[Intervention], action: str
    ) -> None:
        """Write down one event of the lab, and an act for each sandbox.

        After all the rows: who writes a row and then the log must never wait for who does both
        the other way round.
        """
        await tx.holds.add(acts)
        now = self._clock.now()
        for act in acts:
            await tx.outbox.add(SANDBOX_CHANGED, act.sandbox_id, now)
        await self._journal.done(
            tx, actor=actor, action=action, resource_id="lab", facts={"sandboxes": str(len(acts))}
        )
