"""Hours of compute: look at them, hold them against budgets, suspend what has used them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.audit import AuditEvent
from lab.domain.errors import BudgetSpentError, NotFoundError
from lab.domain.hours import THRESHOLDS, Account, Metered, Month, ledger
from lab.domain.intervention import Act, Intervention
from lab.domain.member import Resource, Role, Target, Verb
from lab.domain.sandbox import SANDBOX_CHANGED, SuspendReason, Suspension
from lab.services.journal import LAB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from lab.domain.agency import Agency
    from lab.domain.hours import Ledger
    from lab.domain.ids import AgencyId
    from lab.domain.member import Member
    from lab.domain.quantity import Resources
    from lab.domain.sandbox import Sandbox
    from lab.ports import Clock, Store, Transaction
    from lab.services.core import Core


@dataclass(frozen=True, slots=True)
class UsageView:
    """One agency's hours of one month.

    Attributes:
        account: Held against the budget as it is today, whatever it was in that month.
    """

    agency: Agency
    account: Account
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class BudgetHold:
    """What stands between a sandbox that its agency's budget suspended and its going on.

    Attributes:
        lacking: What there are still no hours of; nothing where it may go on.
        is_new_month: It was suspended in an earlier month than now.
    """

    account: Account
    lacking: Metered | None
    is_new_month: bool


async def usage_of(
    tx: Transaction, agency: Agency, month: Month, zone: ZoneInfo, now: datetime
) -> UsageView:
    """Count one agency's month."""
    begins, ends = month.begins(zone), month.ends(zone)
    spans = await tx.hours.spans(begins, ends, agency.id)
    told = await tx.hours.marks(agency.id, month)
    counted = ledger(spans, month, zone, now)
    account = Account(agency.id, month, agency.budget, counted.total, ends, told)
    return UsageView(agency, account, counted)


async def account_of(tx: Transaction, agency: Agency, zone: ZoneInfo, now: datetime) -> Account:
    """Return how an agency stands this month."""
    return (await usage_of(tx, agency, Month.of(now, zone), zone, now)).account


async def require_hours(
    tx: Transaction, agency: Agency, resources: Resources, zone: ZoneInfo, now: datetime
) -> None:
    """Refuse to let such compute run where the agency has no hours left for it.

    Raises:
        BudgetSpentError: They are used until the month turns.
    """
    if all(agency.budget.of(metered) is None for metered in Metered):
        return
    account = await account_of(tx, agency, zone, now)
    lacking = account.spent_for(resources)
    if lacking is not None:
        raise BudgetSpentError(account, lacking)


class UsageService:
    """What people can see of the hours."""

    def __init__(self, core: Core) -> None:
        self._store, self._clock, self._journal, self._zone = (
            core.store,
            core.clock,
            core.journal,
            core.zone,
        )

    @property
    def this_month(self) -> Month:
        """The month that it is, where the lab is."""
        return Month.of(self._clock.now(), self._zone)

    async def of(
        self, actor: Member, agency_id: AgencyId, month: Month | None = None
    ) -> UsageView:
        """Return one agency's hours; of this month unless another is named.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        target = Target(Resource.QUOTA, agency_id)
        self._journal.require(actor, Verb.READ, target, agency_id)
        async with self._store.read() as tx:
            agency = await tx.agencies.get(agency_id)
            if agency is None:
                raise NotFoundError("agency", agency_id)
            return await self._view(tx, agency, month)

    async def all(self, actor: Member, month: Month | None = None) -> Sequence[UsageView]:
        """Return the hours of every agency that the actor may see: all, or one's own."""
        is_staff = bool(actor.roles & {Role.OPERATOR, Role.REVIEWER})
        own = None if is_staff else actor.agency_id
        self._journal.require(actor, Verb.READ, Target(Resource.QUOTA, own))
        async with self._store.read() as tx:
            found = await tx.agencies.all()
            seen = [agency for agency in found if is_staff or agency.id == own]
            return [await self._view(tx, agency, month) for agency in seen]

    async def hold(self, sandbox: Sandbox) -> BudgetHold | None:
        """Say whether a sandbox may go on that its agency's budget suspended.

        Whoever calls it has asked for the right to see the sandbox.
        """
        held = sandbox.suspension
        if held is None or held.reason is not SuspendReason.BUDGET:
            return None
        async with self._store.read() as tx:
            agency = await tx.agencies.get(sandbox.spec.agency_id)
            if agency is None:
                return None
            account = await account_of(tx, agency, self._zone, self._clock.now())
        lacking = account.spent_for(sandbox.spec.resources)
        return BudgetHold(account, lacking, Month.of(held.at, self._zone) != account.month)

    async def _view(self, tx: Transaction, agency: Agency, month: Month | None) -> UsageView:
        now = self._clock.now()
        return await usage_of(tx, agency, month or self.this_month, self._zone, now)


class BudgetWatch:
    """Tells thresholds once, and suspends what runs on hours that are used up.

    It looks at what is and remembers nothing, so it may be run twice, late, or by another
    process: a threshold is told by whoever writes its mark first.

    Args:
        new_id: Makes an identifier from a prefix, never the same twice.
        zone: Where the lab's months begin and end.
        guard: Raises where this process may not act any more.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        new_id: Callable[[str], str],
        zone: ZoneInfo,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._clock, self._new_id = store, clock, new_id
        self._zone, self._guard = zone, guard

    async def run(self) -> None:
        """Look at every agency once. What is suspended is in the outbox."""
        now = self._clock.now()
        async with self._store.read() as tx:
            accounts = {
                agency.id: await account_of(tx, agency, self._zone, now)
                for agency in await tx.agencies.all()
            }
            live = await tx.sandboxes.live()
        running = [sandbox for sandbox in live if sandbox.may_run(now)]
        for agency_id, account in accounts.items():
            if _untold(account) or any(
                account.spent_for(s.spec.resources)
                for s in running
                if s.spec.agency_id == agency_id
            ):
                await self._act(agency_id)

    async def _act(self, agency_id: AgencyId) -> None:
        """Count again under the agency's lock, then tell and suspend in one commit."""
        async with self._store.begin() as tx:
            agency = await tx.agencies.lock(agency_id)
            if agency is None:
                return
            now = self._clock.now()
            account = await account_of(tx, agency, self._zone, now)
            events = []
            for metered, percent in _untold(account):
                if await tx.hours.mark(agency_id, account.month, (metered, percent), now):
                    facts = {"percent": str(percent)} | _facts(account, metered)
                    events.append(self._event("budget.reach", account, facts))
            for metered in Metered:
                if account.is_spent(metered):
                    count = await self._suspend(tx, agency_id, metered, now)
                    if count:
                        facts = {"sandboxes": str(count)} | _facts(account, metered)
                        events.append(self._event("budget.suspend", account, facts))
            # After all the rows, as everybody does who writes rows and the log.
            for event in events:
                await tx.audit.append(event)
            self._guard()

    async def _suspend(
        self, tx: Transaction, agency_id: AgencyId, metered: Metered, now: datetime
    ) -> int:
        why = SuspendReason.BUDGET
        held = await tx.holds.suspend_all(Suspension(now, why), agency_id, holding=metered)
        if not held:
            return 0
        await tx.hours.end(held, now)
        await tx.holds.add([
            Intervention(self._new_id("iv"), each, now, LAB, Act.SUSPEND, why.value)
            for each in held
        ])
        for each in held:
            await tx.outbox.add(SANDBOX_CHANGED, each, now)
        return len(held)

    def _event(self, action: str, account: Account, facts: Mapping[str, str]) -> AuditEvent:
        return AuditEvent(
            at=self._clock.now(),
            actor=LAB,
            action=action,
            resource="budget",
            resource_id=account.agency_id,
            agency_id=account.agency_id,
            facts=facts,
        )


def _untold(account: Account) -> list[tuple[Metered, int]]:
    every = ((metered, percent) for metered in Metered for percent in THRESHOLDS)
    return [one for one in every if account.reaches(*one) and one not in account.told]


def _facts(account: Account, metered: Metered) -> dict[str, str]:
    used = account.used.thousandths(metered)
    return {
        "month": str(account.month),
        "resource": metered.value,
        "used_hours": f"{used // 1000}.{used % 1000:03}",
        "budget_hours": str(account.budget.of(metered)),
    }
