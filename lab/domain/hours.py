"""Hours of compute: what sandboxes held while they were ready, by month and by day.

Months and days are civil ones, in the lab's time zone: the day on which clocks go back has 25
hours, and a sandbox that holds one CPU all of that day has used 25. Amounts are whole numbers
of the smallest unit, so that days and sandboxes add up to the same total and a limit is reached
when it is reached, not when it is rounded up to.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from lab.domain.sandbox import USABLE, Seen, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from lab.domain.ids import AgencyId, SandboxId
    from lab.domain.quantity import Resources
    from lab.domain.sandbox import Sandbox

THRESHOLDS = (50, 80, 100)
"""Shares of a budget, in percent, that are told once a month each; the last one suspends."""

_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1) // _MICROSECOND
_MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)


class Metered(Enum):
    """What is counted in hours."""

    CPU = "cpu"
    GPU = "gpu"

    @property
    def hour(self) -> int:
        """One hour of one of it, in the unit that ``Hours`` counts."""
        return 1000 * _HOUR if self is Metered.CPU else _HOUR

    def held_by(self, resources: Resources) -> int:
        """Return how much of it an amount of compute is: millicores, or devices."""
        return resources.cpu_millicores if self is Metered.CPU else resources.gpu_count


@dataclass(frozen=True, slots=True)
class Hours:
    """What was held, and how long.

    Attributes:
        cpu: Millicores times microseconds; ``Metered.CPU.hour`` is one hour of one CPU.
        gpu: Devices times microseconds; ``Metered.GPU.hour`` is one hour of one device.
    """

    cpu: int = 0
    gpu: int = 0

    def __add__(self, other: Hours) -> Hours:
        """Sum each on its own."""
        return Hours(self.cpu + other.cpu, self.gpu + other.gpu)

    def of(self, metered: Metered) -> int:
        """Return one of them."""
        return self.cpu if metered is Metered.CPU else self.gpu

    def thousandths(self, metered: Metered) -> int:
        """Return whole thousandths of an hour; the rest is left out, never rounded up."""
        return self.of(metered) * 1000 // metered.hour


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A civil month."""

    year: int
    number: int

    def __str__(self) -> str:
        """Write it as ``2026-11``."""
        return f"{self.year:04}-{self.number:02}"

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``2026-11``.

        Raises:
            ValueError: It is no month of the years 2000 to 2999.
        """
        match = _MONTH.fullmatch(text)
        if match is None:
            msg = f"a month looks like 2026-11, not '{text}'"
            raise ValueError(msg)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, moment: datetime, zone: ZoneInfo) -> Month:
        """Return the month in which a moment is, where the lab is."""
        there = moment.astimezone(zone)
        return cls(there.year, there.month)

    def shifted(self, by: int) -> Month:
        """Return the month so many later, or earlier."""
        years, place = divmod(self.year * 12 + self.number - 1 + by, 12)
        return Month(years, place + 1)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of it, in order."""
        count = calendar.monthrange(self.year, self.number)[1]
        return tuple(self.first_day + timedelta(days=n) for n in range(count))

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.days[-1]

    def begins(self, zone: ZoneInfo) -> datetime:
        """Return its first instant, in UTC."""
        return _midnight(self.first_day, zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """Return the first instant after it, in UTC."""
        return _midnight(self.last_day + timedelta(days=1), zone)


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of time through which a sandbox was ready.

    Attributes:
        begins: UTC.
        ends: UTC; in the future or nothing while it goes on.
    """

    sandbox_id: SandboxId
    agency_id: AgencyId
    resources: Resources
    begins: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was used in one month, counted twice: by day and by sandbox.

    Attributes:
        days: Every day of the month, in order, those to come too.
        sandboxes: Those that used something, by id.
    """

    month: Month
    days: Mapping[date, Hours]
    sandboxes: Mapping[SandboxId, Hours]

    @property
    def total(self) -> Hours:
        """All of it."""
        return sum(self.days.values(), Hours())


def ledger(spans: Iterable[Span], month: Month, zone: ZoneInfo, now: datetime) -> Ledger:
    """Count what was used in a month, up to ``now`` (UTC)."""
    edges = [(day, _midnight(day, zone)) for day in month.days]
    ends = [begins for _, begins in edges[1:]] + [month.ends(zone)]
    days = dict.fromkeys(month.days, Hours())
    sandboxes: dict[SandboxId, Hours] = {}
    for span in sorted(spans, key=lambda each: each.sandbox_id):
        last = now if span.ends is None else min(span.ends, now)
        for (day, begins), end in zip(edges, ends, strict=True):
            length = (min(last, end) - max(span.begins, begins)) // _MICROSECOND
            if length > 0:
                used = _used(span.resources, length)
                days[day] += used
                sandboxes[span.sandbox_id] = sandboxes.get(span.sandbox_id, Hours()) + used
    return Ledger(month, days, sandboxes)


def turn(
    sandbox: Sandbox, seen: Mapping[Stage, Seen], since: datetime | None, now: datetime
) -> datetime | None:
    """Say whether a sandbox begins or ends to hold its compute, and since when.

    It holds it while it may run and all of it is seen ready. A blind look says nothing, so it
    begins and ends nothing. What was suspended, or came to its end, ended then and not when the
    loop found out.

    Args:
        sandbox: As wanted.
        seen: The last look at each stage.
        since: When it began; nothing where it holds nothing.
        now: UTC.

    Returns:
        The beginning, or the end where ``since`` is given; nothing where nothing turns.
    """
    if since is None:
        is_ready = sandbox.may_run(now) and all(seen.get(stage) in USABLE for stage in Stage)
        return now if is_ready else None
    if not sandbox.may_run(now):
        return max(since, min(now, *stops(sandbox)))
    still = USABLE | {Seen.UNKNOWN}
    return None if all(seen.get(stage, Seen.UNKNOWN) in still for stage in Stage) else now


def stops(sandbox: Sandbox) -> tuple[datetime, ...]:
    """Return the moments after which a sandbox does not run, known or to come."""
    known = (
        sandbox.spec.expires_at,
        sandbox.suspension.at if sandbox.suspension else None,
        sandbox.delete_requested_at,
        sandbox.deleted_at,
    )
    return tuple(at for at in known if at is not None)


@dataclass(frozen=True, slots=True)
class Budget:
    """The most hours of a month. ``None`` is no limit; 0 is none at all."""

    cpu_hours: int | None = None
    gpu_hours: int | None = None

    def __str__(self) -> str:
        """Write it for an operator."""
        amounts = ("none" if self.of(m) is None else f"{self.of(m)} h" for m in Metered)
        return ", ".join(f"{m.value} {text}" for m, text in zip(Metered, amounts, strict=True))

    def of(self, metered: Metered) -> int | None:
        """Return one of them, in hours."""
        return self.cpu_hours if metered is Metered.CPU else self.gpu_hours


@dataclass(frozen=True, slots=True)
class Account:
    """A budget, and what is used of it.

    Attributes:
        next_month_at: UTC; when the month turns and counting starts over.
        told: Thresholds that were reached this month, and when.
    """

    agency_id: AgencyId
    month: Month
    budget: Budget
    used: Hours
    next_month_at: datetime
    told: Mapping[tuple[Metered, int], datetime] = field(default_factory=dict)

    def reaches(self, metered: Metered, percent: int) -> bool:
        """Tell whether that share of the budget is used; of no budget none ever is."""
        most = self.budget.of(metered)
        return most is not None and self.used.of(metered) * 100 >= most * metered.hour * percent

    def is_spent(self, metered: Metered) -> bool:
        """Tell whether nothing is left."""
        return self.reaches(metered, THRESHOLDS[-1])

    def left(self, metered: Metered) -> Hours | None:
        """Return what is left, alone in its unit; nothing where there is no limit."""
        most = self.budget.of(metered)
        if most is None:
            return None
        left = max(0, most * metered.hour - self.used.of(metered))
        return Hours(cpu=left) if metered is Metered.CPU else Hours(gpu=left)

    def share(self, metered: Metered) -> float | None:
        """Return the share used, 1 for all of it: for pictures, not to decide by."""
        most = self.budget.of(metered)
        if most is None:
            return None
        return self.used.of(metered) / (most * metered.hour) if most else 1.0

    def spent_for(self, resources: Resources) -> Metered | None:
        """Return what such compute needs and there is nothing left of, or nothing."""
        lacking = (m for m in Metered if m.held_by(resources) and self.is_spent(m))
        return next(lacking, None)


def _used(resources: Resources, length: int) -> Hours:
    return Hours(*(metered.held_by(resources) * length for metered in Metered))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
