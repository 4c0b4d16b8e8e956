from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest

from lab.domain.planning import CREDENTIALED, Ensure, Finish, Remove, Revoke, Wait, next_step
from lab.domain.sandbox import USABLE, Sandbox, Seen, Stage
from tests.conftest import NOON, make_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

READY = dict.fromkeys(Stage, Seen.READY)
ABSENT = dict.fromkeys(Stage, Seen.ABSENT)
WANTED = make_sandbox()
UNWANTED = replace(WANTED, delete_requested_at=NOON)


def situations(*states: Seen) -> Iterator[tuple[Sandbox, dict[Stage, Seen]]]:
    """Yield every sandbox, wanted or not, with every combination of states."""
    for sandbox, *seen in product([WANTED, UNWANTED], *[states] * len(Stage)):
        yield sandbox, dict(zip(Stage, seen, strict=True))


def test_situations_are_all_of_them() -> None:
    assert sum(1 for _ in situations(*Seen)) == 2 * 6**5


def test_new_sandbox_is_walled_before_it_can_run() -> None:
    assert next_step(WANTED, ABSENT, NOON) == Ensure(Stage.ISOLATION)
    isolated = ABSENT | {Stage.ISOLATION: Seen.READY}
    assert next_step(WANTED, isolated, NOON) == Ensure(Stage.CONTAINMENT)


@pytest.mark.parametrize("wall", [Seen.ABSENT, Seen.CONVERGING, Seen.REVOKED])
@pytest.mark.parametrize("sandbox", [WANTED, UNWANTED])
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
        if sandbox is UNWANTED:
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
        if next_step(sandbox, seen, NOON) == Finish():
            assert set(seen.values()) == {Seen.ABSENT}
        if next_step(sandbox, seen, NOON) == Remove(Stage.ISOLATION):
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
        assert set(seen.values()) == {Seen.READY if sandbox is WANTED else Seen.ABSENT}
