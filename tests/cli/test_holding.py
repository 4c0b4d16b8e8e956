from __future__ import annotations

import json

import pytest

from tests.cli.answers import AT, BOX, PERSON, ROOT, page, sandbox
from tests.cli.test_nouns import Lab

ACTED = {
    "id": "iv-1",
    "at": AT,
    "act": "extend",
    "reason": "",
    "note": "Il manque une semaine",
    "by": PERSON,
    "until": AT,
}
HELD = sandbox("suspended")
STOPPED = {"is_stopped": True, "since": AT, "note": "x"}
ANSWERS = {
    ("POST", f"{BOX}/suspend"): HELD,
    ("POST", f"{BOX}/stop"): HELD,
    ("POST", f"{BOX}/resume"): sandbox(),
    ("POST", f"{BOX}/extend"): sandbox(),
    ("GET", f"{BOX}/interventions"): page(ACTED),
    ("POST", f"{ROOT}/stop"): STOPPED,
    ("POST", f"{ROOT}/stop/lift"): {"is_stopped": False, "since": None, "note": ""},
}


def lab() -> Lab:
    made = Lab()
    made.answers |= ANSWERS
    return made


@pytest.mark.parametrize(
    ("line", "path", "body"),
    [
        ("suspend sb-0000000001 --reason r", f"{BOX}/suspend", {"reason": "r"}),
        ("stop sb-0000000001 --reason r", f"{BOX}/stop", {"reason": "r"}),
        ("resume sb-0000000001 --reason r", f"{BOX}/resume", {"reason": "r"}),
        (
            "extend sb-0000000001 --until 2026-12-31 --reason r",
            f"{BOX}/extend",
            {"ends_on": "2026-12-31", "reason": "r"},
        ),
        ("resume --all --reason r", f"{ROOT}/stop/lift", {"reason": "r"}),
        ("history sb-0000000001", f"{BOX}/interventions", None),
    ],
)
def test_each_act_asks_the_api_and_writes_for_people_and_for_programs(
    line: str, path: str, body: object
) -> None:
    one = lab()
    shown = one.run("sandbox", *line.split())
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.strip()
    assert one.asked[-1].url.path == path
    if body is not None:
        assert one.sent() == body
    machine = lab().run("sandbox", *line.split(), "-o", "json")
    assert json.loads(machine.stdout)


def test_all_of_the_lab_stops_only_once_it_was_typed() -> None:
    one = lab()
    told = one.run("sandbox", "stop", "--all", "--reason", "r", input="stop all\n")
    assert told.exit_code == 0, told.output
    assert one.sent() == {"reason": "r", "confirmation": "stop all"}
    silent = lab()
    assert silent.run("sandbox", "stop", "--all", "--reason", "r", input="").exit_code != 0
    assert silent.asked == []
    for line in (["stop", "--reason", "r"], ["stop", "sb-1", "--all", "--reason", "r"]):
        wrong = lab()
        assert wrong.run("sandbox", *line).exit_code == 2
        assert wrong.asked == []


def test_waiting_for_a_suspended_sandbox_ends_with_a_word_about_it() -> None:
    one = lab()
    one.answers["GET", BOX] = HELD
    told = one.run("sandbox", "wait", "sb-0000000001")
    assert told.exit_code == 1
    assert "suspended" in told.stderr
