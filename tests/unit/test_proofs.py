from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.ids import SandboxId
from lab.domain.proofs import Judge, seen_shut, sign
from lab.domain.sandbox import Seen
from tests.conftest import NOON

BOX = SandboxId("sb-00000000c1")
KEY = b"a key of this test"
GOOD = Proof(
    sandbox_id=BOX,
    spec_hash="walls",
    started_at=NOON,
    finished_at=NOON,
    results=(ProbeResult("tcp4-internet", Expected.BLOCKED, Outcome.BLOCKED),),
)
LEAKY = replace(GOOD.results[0], outcome=Outcome.OPEN)


def against(proof: Proof, *, age: timedelta = timedelta(hours=1), walls: str = "walls") -> str:
    judge = Judge(
        key=KEY,
        now=NOON + age,
        most=timedelta(hours=24),
        is_of_walls=lambda found: found.spec_hash == walls,
        failures=lambda found: found.results[0].name,
    )
    return judge.against(proof, BOX)


def test_a_proof_counts_while_it_is_genuine_fresh_and_about_these_walls() -> None:
    assert against(sign(GOOD, KEY)) == ""
    assert against(sign(GOOD, KEY), age=timedelta(hours=24)) == ""


@pytest.mark.parametrize("age", [timedelta(hours=24, seconds=1), timedelta(seconds=-1)])
def test_a_proof_too_old_or_of_the_future_does_not_count(age: timedelta) -> None:
    assert against(sign(GOOD, KEY), age=age) == "the proof is too old"


def test_what_speaks_against_a_proof_is_said_and_a_forged_one_is_not_read_further() -> None:
    assert against(sign(GOOD, b"another key")) == "the proof is not genuine"
    assert against(replace(sign(GOOD, KEY), results=())) == "the proof is not genuine"
    other = sign(replace(GOOD, sandbox_id=SandboxId("sb-00000000c2")), KEY)
    assert against(other) == "the proof is not genuine"
    assert against(sign(GOOD, KEY), walls="others") == "the walls changed since the proof"
    leaky = sign(replace(GOOD, results=(LEAKY,)), KEY)
    assert against(leaky) == "does not hold: tcp4-internet"


def test_shut_doors_are_revoked_only_while_nothing_speaks_against() -> None:
    assert seen_shut("", "", (), is_wanted=True).seen is Seen.REVOKED
    wanted = seen_shut("not proved yet", "it broke", (), is_wanted=True)
    assert (wanted.seen, wanted.detail) == (Seen.ABSENT, "it broke")
    unwanted = seen_shut("not proved yet", "", (), is_wanted=False)
    assert (unwanted.seen, unwanted.detail) == (Seen.CONVERGING, "not proved yet")
