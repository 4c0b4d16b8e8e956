"""Hours of compute on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from lab.domain.hours import Account, Budget, Metered
from lab.services.budgets import UsageView
from lab.web.schemas.common import Body, Out

MOST_HOURS = 10_000_000
"""A budget's largest number; 13,000 CPUs for a month."""

HoursAmount = Annotated[int, Field(ge=0, le=MOST_HOURS)]


class BudgetBody(Body):
    """Hours of one month; null is no limit. / Heures d’un mois; null, sans limite."""

    cpu_hours: HoursAmount | None
    gpu_hours: HoursAmount | None

    def to_domain(self) -> Budget:
        """Return it as the domain knows it."""
        return Budget(self.cpu_hours, self.gpu_hours)


class ReachedOut(Out):
    """A threshold that was reached this month. / Un seuil atteint ce mois-ci."""

    percent: int
    at: datetime


class MeterOut(Out):
    """How one budget stands. / L’état d’un budget.

    Hours are cut to thousandths, never rounded up.

    Attributes:
        budget_hours: Null is no limit.
    """

    resource: Literal["cpu", "gpu"]
    budget_hours: int | None
    used_hours: float
    left_hours: float | None
    is_spent: bool
    reached: list[ReachedOut]

    @classmethod
    def of(cls, account: Account, metered: Metered) -> MeterOut:
        """Write one."""
        left = account.left(metered)
        return cls(
            resource=metered.value,
            budget_hours=account.budget.of(metered),
            used_hours=account.used.thousandths(metered) / 1000,
            left_hours=None if left is None else left.thousandths(metered) / 1000,
            is_spent=account.is_spent(metered),
            reached=[
                ReachedOut(percent=percent, at=at)
                for (which, percent), at in account.told.items()
                if which is metered
            ],
        )

    @classmethod
    def all_of(cls, account: Account) -> list[MeterOut]:
        """Write all."""
        return [cls.of(account, metered) for metered in Metered]


class DayHoursOut(Out):
    """Hours of one day. / Heures d’un jour."""

    day: date
    cpu_hours: float
    gpu_hours: float


class SandboxHoursOut(Out):
    """Hours of one sandbox. / Heures d’un bac à sable."""

    sandbox_id: str
    cpu_hours: float
    gpu_hours: float


class MonthUsageOut(Out):
    """One agency’s hours of one month. / Les heures d’un organisme pour un mois.

    Attributes:
        ends_at: The first instant after the month, where the lab is.
        meters: Against the budget as it is now, also for months gone by.
        days: Every day of the month, also those to come.
        sandboxes: Those that used something.
    """

    agency_id: str
    month: str
    ends_at: datetime
    meters: list[MeterOut]
    days: list[DayHoursOut]
    sandboxes: list[SandboxHoursOut]

    @classmethod
    def of(cls, view: UsageView) -> MonthUsageOut:
        """Write it."""
        return cls(
            agency_id=view.agency.id,
            month=str(view.account.month),
            ends_at=view.account.next_month_at,
            meters=MeterOut.all_of(view.account),
            days=[
                DayHoursOut(
                    day=day,
                    cpu_hours=hours.thousandths(Metered.CPU) / 1000,
                    gpu_hours=hours.thousandths(Metered.GPU) / 1000,
                )
                for day, hours in view.ledger.days.items()
            ],
            sandboxes=[
                SandboxHoursOut(
                    sandbox_id=sandbox_id,
                    cpu_hours=hours.thousandths(Metered.CPU) / 1000,
                    gpu_hours=hours.thousandths(Metered.GPU) / 1000,
                )
                for sandbox_id, hours in view.ledger.sandboxes.items()
            ],
        )
