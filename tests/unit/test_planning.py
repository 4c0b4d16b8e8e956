from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest

from lab.domain.planning import (
    CREDENTIALED,
    Ensure,
    Finish,
    Remove,
    Revoke,
    Wait,
    is_steady,
    next_step,
)
from lab.domain.sandbox import (
    USABLE,
    Phase,
    Sandbox,
    Seen,
    Stage,
    SuspendReason,
    Suspension,
    phase,
)
from tests.conftest import NOON, make_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READY = dict.fromkeys(Stage, Seen.READY)
ABSENT = dict.fromkeys(Stage, Seen.ABSENT)
WANTED = make_sandbox()
UNWANTED = replace(WANTED, delete_requested_at=NOON)
HELD = {reason: replace(WANTED, suspension=Suspension(NOON, reason)) for reason in SuspendReason}
KEPT = frozenset(Remove(stage) for stage in (*CREDENTIALED, Stage.ISOLATION))
SUSPENDED, STOPPED = HELD[SuspendReason.ASKED], HELD[SuspendReason.STOPPED]


def situations(*states: Seen) -> Iterator[tuple[Sandbox, dict[Stage, Seen]]]:
    """Yield every sandbox, wanted, held or not, with every combination of states."""
    for sandbox, *seen in product([WANTED, UNWANTED, SUSPENDED, STOPPED], *[states] * len(Stage)):
        yield sandbox, dict(zip(Stage, seen, strict=True))


def test_situations_are_all_of_them() -> None:
    assert sum(1 for _ in situations(*Seen)) == 4 * 6**5


def test_new_sandbox_is_walled_before_it_can_run() -> None:
    assert next_step(WANTED, ABSENT, NOON) == Ensure(Stage.ISOLATION)
    isolated = ABSENT | {Stage.ISOLATION: Seen.READY}
    assert next_step(WANTED, isolated, NOON) == Ensure(Stage.CONTAINMENT)


@pytest.mark.parametrize("wall", [Seen.ABSENT, Seen.CONVERGING, Seen.REVOKED])
@pytest.mark.parametrize("sandbox", [WANTED, UNWANTED, SUSPENDED, STOPPED])
def test_lost_wall_stops_the_workspace(sandbox: Sandbox, wall: Seen) -> None:
    breached = READY | {Stage.CONTAINMENT: wall}
    assert next_step(sandbox, breached, NOON) == Remove(Stage.WORKSPACE)


def test_unknown_is_not_absent() -> None:
    for stage in Stage:
        assert next_step(WANTED, READY | {stage: Seen.UNKNOWN}, NOON) == Wait()


def test_what_is_due_is_renewed_only_when_all_is_ready() -> None:
    due = READY | {Stage.CONTAINMENT: Seen.DUE}
    assert next_step(WANTED, due, NOON) == Ensure(Stage.CONTAINMENT)
    assert next_step(WANTED, due | {Stage.WORKSPACE: Seen.ABSENT}, NOON) == Ensure(Stage.WORKSPACE)


def test_expired_sandbox_is_taken_down_from_the_top() -> None:
    after = WANTED.spec.expires_at
    assert next_step(WANTED, READY, after - timedelta(seconds=1)) == Wait()
    assert next_step(WANTED, READY, after) == Remove(Stage.WORKSPACE)
    assert next_step(WANTED, ABSENT, after) == Finish()


def test_taking_down_goes_servers_credentials_network_data_place() -> None:
    seen, steps = dict(READY), []
    while (step := next_step(UNWANTED, seen, NOON)) != Finish():
        steps.append(step)
        assert isinstance(step, Remove | Revoke)
        seen[step.stage] = Seen.REVOKED if isinstance(step, Revoke) else Seen.ABSENT
    assert steps == [
        Remove(Stage.WORKSPACE),
        Revoke(Stage.DATA),
        Revoke(Stage.TRACKING),
        Remove(Stage.CONTAINMENT),
        Remove(Stage.DATA),
        Remove(Stage.TRACKING),
        Remove(Stage.ISOLATION),
    ]


@pytest.mark.parametrize("down", list(Stage))
def test_outage_of_one_system_never_keeps_another_door_open(down: Stage) -> None:
    seen = READY | {down: Seen.UNKNOWN}
    for _ in range(20):
        match next_step(UNWANTED, seen, NOON):
            case Remove(stage):
                seen[stage] = Seen.ABSENT
            case Revoke(stage):
                seen[stage] = Seen.REVOKED
            case _:
                break
    for stage in (*CREDENTIALED, Stage.CONTAINMENT):
        assert stage is down or seen[stage] in {Seen.REVOKED, Seen.ABSENT}
    assert seen[Stage.ISOLATION] is not Seen.ABSENT


def test_never_builds_anything_outside_proved_walls() -> None:
    for sandbox, seen in situations(*Seen):
        step = next_step(sandbox, seen, NOON)
        if isinstance(step, Ensure) and step.stage not in {Stage.ISOLATION, Stage.CONTAINMENT}:
            assert seen[Stage.ISOLATION] in USABLE
            assert seen[Stage.CONTAINMENT] in USABLE


def test_never_builds_what_is_not_wanted_nor_takes_down_what_is() -> None:
    for sandbox, seen in situations(*Seen):
        step = next_step(sandbox, seen, NOON)
        if sandbox is not WANTED:
            assert not isinstance(step, Ensure)
        else:
            walls_down = seen[Stage.CONTAINMENT] not in USABLE | {Seen.UNKNOWN}
            assert isinstance(step, Ensure | Wait) or (
                step == Remove(Stage.WORKSPACE) and walls_down
            )


def test_never_acts_on_a_stage_that_it_could_not_see() -> None:
    for sandbox, seen in situations(*Seen):
        step = next_step(sandbox, seen, NOON)
        if isinstance(step, Ensure | Revoke | Remove):
            assert seen[step.stage] is not Seen.UNKNOWN


def test_never_deletes_data_under_a_server_nor_with_live_credentials() -> None:
    for sandbox, seen in situations(*Seen):
        step = next_step(sandbox, seen, NOON)
        if step in {Remove(Stage.DATA), Remove(Stage.TRACKING)}:
            assert seen[Stage.WORKSPACE] is Seen.ABSENT
            assert all(seen[s] in {Seen.REVOKED, Seen.ABSENT, Seen.UNKNOWN} for s in CREDENTIALED)
            assert seen[Stage.CONTAINMENT] in {Seen.ABSENT, Seen.UNKNOWN}


def test_never_finishes_before_all_is_seen_gone() -> None:
    for sandbox, seen in situations(*Seen):
        step = next_step(sandbox, seen, NOON)
        if isinstance(step, Finish):
            assert set(seen.values()) == {Seen.ABSENT}
        if step == Remove(Stage.ISOLATION):
            others = {seen[stage] for stage in Stage if stage is not Stage.ISOLATION}
            assert others == {Seen.ABSENT}


def test_always_settles() -> None:
    for sandbox, first in situations(*(set(Seen) - {Seen.UNKNOWN, Seen.CONVERGING})):
        seen = first
        for _ in range(4 * len(Stage)):
            match next_step(sandbox, seen, NOON):
                case Ensure(stage):
                    seen = seen | {stage: Seen.READY}
                case Revoke(stage):
                    seen = seen | {stage: Seen.REVOKED}
                case Remove(stage):
                    seen = seen | {stage: Seen.ABSENT}
                case Wait() | Finish():
                    break
        if sandbox.suspension:
            assert is_still(seen)
            assert is_steady(sandbox, seen, NOON)
        else:
            assert set(seen.values()) == {Seen.READY if sandbox is WANTED else Seen.ABSENT}


def is_still(seen: Mapping[Stage, Seen]) -> bool:
    no_credential = all(seen[s] in {Seen.REVOKED, Seen.ABSENT} for s in CREDENTIALED)
    return (
        seen[Stage.WORKSPACE] is Seen.ABSENT
        and seen[Stage.CONTAINMENT] is Seen.ABSENT
        and (no_credential)
    )


def steps_of(sandbox: Sandbox, seen: dict[Stage, Seen]) -> list[object]:
    steps: list[object] = []
    while not isinstance(step := next_step(sandbox, seen, NOON), Wait | Finish):
        steps.append(step)
        seen[step.stage] = {Revoke: Seen.REVOKED, Remove: Seen.ABSENT}.get(type(step), Seen.READY)
    return steps


def test_suspension_stops_servers_then_credentials_then_doors_and_deletes_nothing() -> None:
    seen = dict(READY)
    assert steps_of(SUSPENDED, seen) == [
        Remove(Stage.WORKSPACE),
        Revoke(Stage.DATA),
        Revoke(Stage.TRACKING),
        Remove(Stage.CONTAINMENT),
    ]
    assert seen[Stage.ISOLATION] is Seen.READY
    # Taken back: walls are proved first, and only then what was given is given again.
    assert steps_of(WANTED, seen) == [
        Ensure(Stage.CONTAINMENT),
        Ensure(Stage.DATA),
        Ensure(Stage.TRACKING),
        Ensure(Stage.WORKSPACE),
    ]


def test_a_stop_at_once_shuts_the_doors_before_the_servers_end() -> None:
    for reason in (SuspendReason.STOPPED, SuspendReason.LAB_STOPPED):
        assert steps_of(HELD[reason], dict(READY))[:2] == [
            Remove(Stage.CONTAINMENT),
            Remove(Stage.WORKSPACE),
        ]
    for reason in (SuspendReason.ASKED, SuspendReason.BUDGET):
        assert steps_of(HELD[reason], dict(READY))[0] == Remove(Stage.WORKSPACE)
    # Doors that will not close hold up no server.
    stuck = READY | {Stage.CONTAINMENT: Seen.CONVERGING}
    assert next_step(STOPPED, stuck, NOON) == Remove(Stage.WORKSPACE)


def test_what_is_held_keeps_its_data_and_rests_only_once_nothing_is_open() -> None:
    for sandbox, seen in situations(*Seen):
        if sandbox.suspension:
            step = next_step(sandbox, seen, NOON)
            assert not isinstance(step, Finish)
            assert step not in KEPT
            if is_steady(sandbox, seen, NOON):
                assert is_still(seen)


def test_what_is_held_and_never_built_stays_unbuilt() -> None:
    for sandbox in HELD.values():
        assert next_step(sandbox, ABSENT, NOON) == Wait()
        assert is_steady(sandbox, ABSENT, NOON)


@pytest.mark.parametrize("down", list(Stage))
def test_outage_of_one_system_keeps_no_door_of_a_held_sandbox_open(down: Stage) -> None:
    for sandbox in (SUSPENDED, STOPPED):
        seen = READY | {down: Seen.UNKNOWN}
        steps_of(sandbox, seen)
        for stage in (*CREDENTIALED, Stage.CONTAINMENT, Stage.WORKSPACE):
            assert stage is down or seen[stage] in {Seen.REVOKED, Seen.ABSENT}


def test_the_end_date_counts_while_it_is_held() -> None:
    after = WANTED.spec.expires_at
    held = dict(READY)
    steps_of(SUSPENDED, held)
    assert next_step(SUSPENDED, held, after) == Remove(Stage.DATA)
    assert phase(SUSPENDED, held, NOON) is Phase.SUSPENDED
    assert phase(SUSPENDED, held, after) is Phase.DELETING


def test_a_stop_at_once_overrides_a_suspension_and_nothing_overrides_a_stop() -> None:
    for before, after in product(SuspendReason, SuspendReason):
        held = HELD[before].suspended(Suspension(NOON + timedelta(hours=1), after))
        is_escalated = after.is_cut and not before.is_cut
        assert held.suspension is not None
        assert held.suspension.reason is (after if is_escalated else before)
