"""What a notebook's pod waits for before anything of a person's runs in it."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

INSIDE = Path(__file__).parents[2] / "images" / "notebook" / "inside"
HOST = "127.0.0.1"


@pytest.fixture
def walls(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(INSIDE))
    return importlib.import_module("walls")


@pytest.fixture
def door() -> Iterator[socket.socket]:
    with closing(socket.create_server((HOST, 0), backlog=256)) as made:
        yield made


@pytest.fixture
def wall() -> Iterator[socket.socket]:
    with closing(socket.create_server((HOST, 0), backlog=256)) as made:
        yield made


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def closed_port() -> int:
    with closing(socket.create_server((HOST, 0))) as made:
        return port_of(made)


def test_closed_walls_let_the_pod_go_on_after_two_looks(walls: Any, door: socket.socket) -> None:
    began = time.monotonic()
    walls.wait(walls.Gateway(HOST, port_of(door), closed_port()), 5)
    assert walls.PAUSE_SECONDS <= time.monotonic() - began < 2


def test_open_walls_are_waited_for_until_they_close(
    walls: Any, door: socket.socket, wall: socket.socket
) -> None:
    began, after = time.monotonic(), 0.7
    threading.Timer(after, wall.close).start()
    walls.wait(walls.Gateway(HOST, port_of(door), port_of(wall)), 10)
    assert after <= time.monotonic() - began < 5


def test_a_network_that_answers_nothing_is_closed_too(
    walls: Any, door: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walls, "ANSWER_SECONDS", 0.1)
    full = socket.create_server((HOST, 0), backlog=0)
    waiting = [socket.socket() for _ in range(3)]
    for each in waiting:
        each.settimeout(0)
        each.connect_ex(full.getsockname())
    began = time.monotonic()
    walls.wait(walls.Gateway(HOST, port_of(door), port_of(full)), 5)
    assert time.monotonic() - began >= walls.LOOKS * 0.1
    for each in (*waiting, full):
        each.close()


def test_one_closed_look_is_not_enough(
    walls: Any, door: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look is closed, the second open, the others closed: it begins to count anew."""
    seen = iter([False, True, False, False])
    looks: list[bool] = []

    def answers(_: str, port: int) -> bool:
        if port == port_of(door):
            return True
        looks.append(next(seen))
        return looks[-1]

    monkeypatch.setattr(walls, "_answers", answers)
    walls.wait(walls.Gateway(HOST, port_of(door), 1), 5)
    assert looks == [False, True, False, False]


def test_a_door_that_does_not_answer_says_nothing_of_the_walls(
    walls: Any, wall: socket.socket
) -> None:
    with pytest.raises(walls.WallsError, match="la porte du laboratoire ne répond pas"):
        walls.wait(walls.Gateway(HOST, closed_port(), closed_port()), 0.5)
    with pytest.raises(walls.WallsError, match="does not answer"):
        walls.wait(walls.Gateway(HOST, closed_port(), port_of(wall)), 0)


def run(env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the program of the image with an end to its patience that a test can wait for."""
    for name in ("lab-wait-for-walls", "walls.py"):
        text = (INSIDE / name).read_text()
        text = text.replace("/opt/notebook/bin/python", sys.executable)
        text = text.replace("PATIENCE_SECONDS = 60.0", "PATIENCE_SECONDS = 0.5")
        (folder / name).write_text(text.replace("/dev/termination-log", str(folder / "told")))
    (folder / "told").touch()
    program = folder / "lab-wait-for-walls"
    program.chmod(0o755)
    return subprocess.run([program], env=env, capture_output=True, text=True, check=False)


def test_the_program_ends_well_or_says_in_a_line_what_is_open(
    tmp_path: Path, door: socket.socket, wall: socket.socket
) -> None:
    told = {"LAB_GATEWAY": HOST, "LAB_OPEN_PORT": str(port_of(door))}
    well = run(told | {"LAB_SHUT_PORT": str(closed_port())}, tmp_path)
    assert (well.returncode, well.stderr) == (0, "")
    badly = run(told | {"LAB_SHUT_PORT": str(port_of(wall))}, tmp_path)
    assert badly.returncode == 75
    (line,) = badly.stderr.splitlines()
    assert "le réseau laisse passer ce qu’il doit fermer" in line
    assert line.endswith("the network lets through what it must close.")
    assert (tmp_path / "told").read_text() == line
    untold = run({}, tmp_path)
    assert untold.returncode == 75
    assert "LAB_GATEWAY" in untold.stderr
    assert "Traceback" not in untold.stderr


def test_the_program_can_be_run() -> None:
    program = INSIDE / "lab-wait-for-walls"
    assert os.access(program, os.X_OK)
    assert program.read_text().startswith("#!/opt/notebook/bin/python -I\n")
