from __future__ import annotations

import pytest

from tests.cli.answers import LIMITS
from tests.cli.test_nouns import Lab


def test_hours_that_are_not_given_stay_as_they_are() -> None:
    lab = Lab()
    told = lab.run("quota", "set", "rft", "--gpu-hours", "20")
    assert told.exit_code == 0, told.output
    assert lab.sent()["budget"] == {"cpu_hours": 100, "gpu_hours": 20}
    assert lab.asked[-1].headers["if-match"] == '"3"'
    assert "50.5" in told.stdout
    assert "50 %" in told.stdout
    lab.run("quota", "set", "rft", "--cpu-hours", "none")
    assert lab.sent()["budget"] == {"cpu_hours": None, "gpu_hours": None}
    lab.run("quota", "set", "rft", "--cpu", "2")
    assert "budget" not in lab.sent()


def test_a_persons_limits_are_set_one_by_one_and_taken_away_together() -> None:
    lab = Lab()
    told = lab.run("quota", "set", "rft", "--person", "demandeur", "--cpu", "2")
    assert told.exit_code == 0, told.output
    assert lab.sent() == LIMITS | {"cpu_millicores": 2000}
    lab.run("quota", "set", "rft", "--person", "demandeur", "--no-limits")
    assert lab.sent() == dict.fromkeys(LIMITS)


@pytest.mark.parametrize(
    "line",
    [
        "--cpu-hours -1",
        "--cpu-hours 1.5",
        "--cpu-hours ٣",
        "--person demandeur",
        "--person demandeur --cpu-hours 3",
        "--person demandeur --max-days 3",
        "--person demandeur --cpu 1 --no-limits",
        "--no-limits",
        "",
    ],
)
def test_what_makes_no_sense_is_said_before_the_lab_is_asked(line: str) -> None:
    lab = Lab()
    told = lab.run("quota", "set", "rft", *line.split())
    assert told.exit_code == 2
    assert "Traceback" not in told.output
    assert lab.asked == []


def test_usage_of_a_month_shows_the_days_that_used_something() -> None:
    lab = Lab()
    shown = lab.run("usage", "rft", "--month", "2026-11")
    assert lab.asked[-1].url.query == b"month=2026-11"
    assert "2026-11-20" in shown.stdout
    assert "2026-11-21" not in shown.stdout
    assert "sb-0000000001" in shown.stdout
