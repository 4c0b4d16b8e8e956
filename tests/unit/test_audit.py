from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lab.domain.audit import FIRST_HASH, AuditEvent, Chain, altered, first_break
from tests.conftest import NOON


def rows(count: int = 5) -> list[AuditEvent]:
    made: list[AuditEvent] = []
    for number in range(count):
        event = AuditEvent(
            NOON + timedelta(seconds=number), "lab", "sandbox.delete", "sandbox", f"sb-{number}"
        )
        last = made[-1].hash if made else FIRST_HASH
        made.append(event.chained(seq=number + 1, previous_hash=last))
    return made


def test_a_chain_read_in_parts_holds_as_one_read_at_once() -> None:
    made = rows()
    whole = Chain().and_then(made)
    assert Chain().and_then(made[:2]).and_then(made[2:]) == whole
    assert whole == Chain(5, made[-1].hash, None)
    assert Chain().and_then([]) == Chain()


@pytest.mark.parametrize("broken", [0, 2, 4])
def test_a_changed_row_and_a_missing_row_are_named(broken: int) -> None:
    made = rows()
    changed = [*made[:broken], replace(made[broken], outcome="refused"), *made[broken + 1 :]]
    assert first_break(changed) == broken + 1
    assert altered(changed) == broken + 1
    lost = Chain().and_then(made[:broken]).and_then(made[broken + 1 :])
    assert lost.first_break == (broken + 1 if broken < 4 else None)
    if lost.first_break:
        assert lost.and_then(made) == lost, "nothing is read after a break"


def test_a_filtered_part_is_verified_row_by_row_and_where_rows_meet() -> None:
    made = rows()
    assert altered([]) is None
    assert altered([made[0], made[1], made[4]]) is None
    assert altered([made[1], made[0]]) == 1
    forged = replace(made[1], actor="m-1", previous_hash="f" * 64)
    forged = forged.chained(seq=2, previous_hash="f" * 64)
    assert altered([made[0], forged]) == 2, "its own hash is right, and it does not follow"
