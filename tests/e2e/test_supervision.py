from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from lab.parts import machine, marks, record
from lab.parts.readiness import client, is_ready
from lab.parts.supervision import Supervisor
from tests.e2e.a_lab import RunningLab, a_lab, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.providers.local.processes import ProcessId

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with a_lab(tmp_path_factory.mktemp("supervised")) as found:
        yield found


def processes(lab: RunningLab) -> dict[str, ProcessId]:
    written = record.read(lab.settings.state_dir)
    assert written is not None
    return {"supervisor": written.supervisor, **written.parts}


def sandboxes(lab: RunningLab) -> dict[str, str]:
    return {each["id"]: each["phase"] for each in lab.json("sandbox", "list", "--all")}


def requests(lab: RunningLab) -> list[Any]:
    return sorted(each["id"] for each in lab.json("request", "list"))


def test_one_up_starts_everything_and_brings_a_first_sandbox_to_ready(lab: RunningLab) -> None:
    assert not lab.was_running
    assert sandboxes(lab) == {lab.sandbox_id: "ready"}
    assert len(requests(lab)) == 1
    assert {"demandeur", "scientifique", "operateur", "reviseur"} <= lab.accounts.keys()
    assert all(len(account.password) >= 16 for account in lab.accounts.values())
    members = lab.json("sandbox", "show", lab.sandbox_id)["members"]
    assert [each["login"] for each in members] == ["demandeur", "scientifique"]
    status = lab.json("status")
    assert status["is_up"]
    assert status["contained"]


def test_a_second_up_changes_nothing_and_says_so(lab: RunningLab) -> None:
    before, links = processes(lab), {a.link for a in lab.accounts.values()}
    lab.up()
    assert lab.was_running
    assert processes(lab) == before
    assert len(requests(lab)) == 1
    assert links.isdisjoint({account.link for account in lab.accounts.values()})


@pytest.fixture(scope="module")
def killed(lab: RunningLab) -> dict[str, int]:
    """Each part killed, none waited for: they come back side by side, as after a bad minute."""
    states = Supervisor(lab.settings).states()
    pids = {name: states[name].pid for name in machine.NAMES}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    return pids


@pytest.mark.parametrize("name", machine.NAMES)
def test_a_part_that_is_killed_comes_back_by_itself(
    lab: RunningLab, killed: dict[str, int], name: str
) -> None:
    supervisor = Supervisor(lab.settings)
    part = next(each for each in machine.parts(lab.settings) if each.name == name)

    def is_back() -> bool:
        state = supervisor.states()[name]
        with client() as asking:
            return state.pid not in {0, killed[name]} and is_ready(part, asking)

    assert eventually(is_back, 120), lab.logs()


def test_the_next_up_says_what_was_restarted_meanwhile(lab: RunningLab) -> None:
    lab.up()
    for name in machine.NAMES:
        assert f"{name} had ended and was restarted" in lab.said


def test_killing_the_supervisor_leaves_nothing_and_a_taken_port_is_told_before_anything_starts(
    lab: RunningLab,
) -> None:
    before = processes(lab)
    os.kill(before["supervisor"].pid, signal.SIGKILL)
    assert eventually(lambda: not any(who.is_alive for who in before.values()), 20)
    assert marks.find(lab.settings.state_dir) == ()
    assert lab.lab("status").returncode == 3
    with socket.create_server(("127.0.0.1", lab.settings.ports.tracking)):
        refused = lab.lab("up")
    assert refused.returncode == 2
    assert f"port {lab.settings.ports.tracking}, which tracking needs" in refused.stderr
    assert str(os.getpid()) in refused.stderr
    assert "--port" in refused.stderr
    assert marks.find(lab.settings.state_dir) == ()


def test_up_brings_all_of_it_back(lab: RunningLab) -> None:
    lab.up()
    assert "had not been stopped; found down: supervisor, " in lab.said
    assert not lab.was_running
    assert len(requests(lab)) == 1
    assert sandboxes(lab) == {lab.sandbox_id: "ready"}


def test_killing_everything_at_once_loses_nothing(lab: RunningLab) -> None:
    before, asked, boxes = processes(lab), requests(lab), sandboxes(lab)
    for who in before.values():
        os.kill(who.pid, signal.SIGKILL)
    assert eventually(lambda: not any(who.is_alive for who in before.values()), 20)
    lab.up()
    for name in machine.NAMES:
        assert name in lab.said.partition("found down: ")[2].partition("\n")[0]
    assert "removed what nobody held any more: supervisor.sock" in lab.said
    assert (requests(lab), sandboxes(lab)) == (asked, boxes)
    assert lab.json("audit", "verify")["holds"]


def test_after_down_nothing_is_left(lab: RunningLab) -> None:
    before = processes(lab)
    done = lab.lab("down")
    assert done.returncode == 0, done.stderr
    assert not any(who.is_alive for who in before.values())
    assert marks.find(lab.settings.state_dir) == ()
    assert not lab.settings.run_dir.exists()
    assert lab.lab("status").returncode == 3
