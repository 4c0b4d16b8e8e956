from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.agency import PersonQuota, Usage
from lab.domain.hours import (
    THRESHOLDS,
    Account,
    Budget,
    Hours,
    Metered,
    Month,
    Span,
    ledger,
    turn,
)
from lab.domain.ids import AgencyId, MemberId, SandboxId
from lab.domain.quantity import Resources
from lab.domain.sandbox import USABLE, Sandbox, Seen, Stage, SuspendReason, Suspension
from tests.conftest import NOON, make_sandbox

QUEBEC = ZoneInfo("America/Toronto")
RFT = AgencyId("rft")
NOVEMBER = Month(2026, 11)
READY = dict.fromkeys(Stage, Seen.READY)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    """Read a time of the clocks of Québec."""
    return datetime.fromisoformat(text).replace(tzinfo=QUEBEC).astimezone(UTC)


def span(begins: datetime, ends: datetime | None, cpu: int = 1000, gpu: int = 0) -> Span:
    return Span(SandboxId("sb-1"), RFT, Resources(cpu, 0, 0, gpu), begins, ends)


def account(used: Hours, **hours: int | None) -> Account:
    return Account(RFT, NOVEMBER, Budget(**hours), used, NOVEMBER.ends(QUEBEC))


moments = st.integers(-60 * 86_400_000_000, 140 * 86_400_000_000).map(
    lambda us: NOON + timedelta(microseconds=us)
)
months = st.sampled_from([Month(2026, 10), NOVEMBER, Month(2026, 12), Month(2027, 3)])


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    found = []
    for n in range(draw(st.integers(0, 4))):
        edges = sorted(draw(st.lists(moments, min_size=2, max_size=6, unique=True)))
        resources = Resources(draw(st.integers(0, 64_000)), 0, 0, draw(st.integers(0, 8)))
        for place, (begins, ends) in enumerate(pairwise(edges)):
            if place % 2 == 0:
                last = ends if draw(st.booleans()) else None
                found.append(Span(SandboxId(f"sb-{n}"), RFT, resources, begins, last))
    return found


@settings(max_examples=20, deadline=None)
@given(held=spans(), month=months, now=moments)
def test_days_and_sandboxes_add_up_to_the_same_and_nothing_is_negative(
    held: list[Span], month: Month, now: datetime
) -> None:
    found = ledger(held, month, QUEBEC, now)
    assert found.total == sum(found.sandboxes.values(), Hours())
    assert all(h.cpu >= 0 <= h.gpu for h in (*found.days.values(), *found.sandboxes.values()))
    for day, used in found.days.items():
        if at(f"{day}T00:00") >= now:
            assert used == Hours()
    later = ledger(held, month, QUEBEC, now + HOUR)
    assert later.total.cpu >= found.total.cpu


@settings(max_examples=12, deadline=None)
@given(held=spans(), cut=moments, now=moments)
def test_where_a_span_is_cut_makes_no_difference(
    held: list[Span], cut: datetime, now: datetime
) -> None:
    parts = []
    for one in held:
        if one.begins < cut and (one.ends is None or cut < one.ends):
            parts += [replace(one, ends=cut), replace(one, begins=cut)]
        else:
            parts.append(one)
    assert ledger(parts, NOVEMBER, QUEBEC, now) == ledger(held, NOVEMBER, QUEBEC, now)


@settings(max_examples=20, deadline=None)
@given(
    looks=st.lists(
        st.tuples(st.integers(1, 7200), st.sampled_from(["ready", "held", "lost", "blind"])),
        max_size=25,
    )
)
def test_only_ready_time_counts_whatever_the_loop_sees(looks: list[tuple[int, str]]) -> None:
    since, now, held, expected = None, NOON, [], timedelta()
    is_running = False
    for seconds, what in looks:
        if is_running:
            expected += timedelta(seconds=seconds)
        now += timedelta(seconds=seconds)
        sandbox: Sandbox = make_sandbox()
        seen = dict(READY)
        if what == "held":
            sandbox = replace(sandbox, suspension=Suspension(now, SuspendReason.ASKED))
        elif what == "lost":
            seen[Stage.CONTAINMENT] = Seen.ABSENT
        elif what == "blind":
            seen[Stage.DATA] = Seen.UNKNOWN
        is_running = is_running if what == "blind" else what == "ready"
        turned = turn(sandbox, seen, since, now)
        if turned is None:
            continue
        if since is None:
            since = turned
        else:
            held.append(span(since, turned))
            since = None
    if since is not None:
        held.append(span(since, None))
    total = sum((ledger(held, m, QUEBEC, now).total for m in (NOVEMBER, Month(2026, 12))), Hours())
    assert total.cpu == 1000 * (expected // timedelta(microseconds=1))


def test_an_end_is_when_it_was_wanted_and_not_when_it_was_found_out() -> None:
    sandbox, found = make_sandbox(days=1), NOON + timedelta(days=3)
    held = replace(sandbox, suspension=Suspension(NOON + HOUR, SuspendReason.BUDGET))
    assert turn(held, READY, NOON, found) == NOON + HOUR
    assert turn(held, READY, NOON + 2 * HOUR, found) == NOON + 2 * HOUR
    assert turn(held, READY, None, NOON + HOUR) is None
    assert turn(sandbox, READY, NOON, found) == sandbox.spec.expires_at
    asked = sandbox.with_deletion(NOON + 2 * HOUR, "asked")
    assert turn(asked, READY, NOON, NOON + 3 * HOUR) == NOON + 2 * HOUR
    for look in set(Seen) - USABLE - {Seen.UNKNOWN}:
        seen = READY | {Stage.TRACKING: look}
        assert turn(sandbox, seen, NOON, NOON + HOUR) == NOON + HOUR
        assert turn(sandbox, seen, None, NOON + HOUR) is None


def test_a_month_ends_at_midnight_in_quebec_and_not_in_utc() -> None:
    held = [span(at("2026-11-30T23:00"), at("2026-12-01T02:00"), cpu=2000, gpu=1)]
    now = at("2027-01-01T00:00")
    november, december = (ledger(held, m, QUEBEC, now) for m in (NOVEMBER, Month(2026, 12)))
    assert november.total == Hours(2 * Metered.CPU.hour, Metered.GPU.hour)
    assert november.days[date(2026, 11, 30)] == november.total
    assert december.days[date(2026, 12, 1)] == Hours(4 * Metered.CPU.hour, 2 * Metered.GPU.hour)
    assert Month.of(at("2026-11-30T23:59:59.999999"), QUEBEC) == NOVEMBER
    assert Month.of(at("2026-12-01T00:00"), QUEBEC) == Month(2026, 12)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 11, 1), 25), (date(2027, 3, 14), 23)])
def test_the_day_on_which_clocks_change_has_the_hours_it_has(day: date, hours: int) -> None:
    month = Month(day.year, day.month)
    held = [span(at("2026-10-01T00:00"), None)]
    found = ledger(held, month, QUEBEC, at("2027-05-01T00:00"))
    assert found.days[day].thousandths(Metered.CPU) == hours * 1000
    assert {h.thousandths(Metered.CPU) for d, h in found.days.items() if d != day} == {24_000}
    length = month.ends(QUEBEC) - month.begins(QUEBEC)
    assert found.total.cpu == 1000 * (length // timedelta(microseconds=1))


@settings(max_examples=60, deadline=None)
@given(most=st.integers(0, 10_000), used=st.integers(0, 20_000 * Metered.CPU.hour))
def test_thresholds_are_reached_exactly_and_in_order(most: int, used: int) -> None:
    found = account(Hours(cpu=used), cpu_hours=most)
    reached = [found.reaches(Metered.CPU, percent) for percent in THRESHOLDS]
    assert reached == sorted(reached, reverse=True)
    left = found.left(Metered.CPU)
    assert left is not None
    assert left.cpu >= 0
    assert found.is_spent(Metered.CPU) is (left.cpu == 0)
    assert not found.reaches(Metered.GPU, THRESHOLDS[0])
    one_less = account(Hours(cpu=most * Metered.CPU.hour - 1), cpu_hours=most)
    if most:
        assert not one_less.is_spent(Metered.CPU)
        assert one_less.share(Metered.CPU) is not None


def test_what_needs_no_gpu_goes_on_when_gpu_hours_are_spent() -> None:
    found = account(Hours(gpu=Metered.GPU.hour), cpu_hours=None, gpu_hours=1)
    assert found.spent_for(Resources(1000)) is None
    assert found.spent_for(Resources(1000, gpu_count=1)) is Metered.GPU
    assert found.share(Metered.CPU) is found.left(Metered.CPU) is None
    assert account(Hours(), cpu_hours=0).spent_for(Resources(1)) is Metered.CPU
    assert account(Hours(), cpu_hours=0).share(Metered.CPU) == 1.0


def test_a_month_is_written_and_read_one_way() -> None:
    assert Month.parse("2026-11") == NOVEMBER
    assert str(Month(2027, 3)) == "2027-03"
    assert Month(2027, 2).last_day == date(2027, 2, 28)
    for bad in ("2026-13", "2026-00", "26-11", "2026-1", "1999-12", "٢٠٢٦-11", "2026-11 ", ""):
        with pytest.raises(ValueError, match="a month looks like"):
            Month.parse(bad)


def test_a_persons_limits_go_no_further_than_the_agencys() -> None:
    quota = Usage(Resources(4000, 100, 100, 0), 3)
    own = PersonQuota(RFT, MemberId("m-1"), cpu_millicores=1000, gpu_count=5, sandboxes=9)
    assert own.within(quota) == Usage(Resources(1000, 100, 100, 0), 3)
    assert PersonQuota(RFT, MemberId("m-1")).within(quota) == quota
