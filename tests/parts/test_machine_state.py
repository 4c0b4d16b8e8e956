from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.parts import checks, lifecycle, marks, record, usage
from lab.parts.checks import Verdict
from lab.parts.listeners import taken
from lab.parts.message import MachineError
from lab.providers.local.processes import ProcessId, end, identify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lab.parts.message import Message
    from lab.parts.progress import Progress
    from lab.settings import Settings


class Said:
    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: Message) -> None:
        self.sentences.append(str(sentence))

    def show(self, progress: Sequence[Progress]) -> None:
        pass


@pytest.fixture
def sleeper(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    env = dict(os.environ) | marks.mark("tracking", settings.state_dir)
    process = subprocess.Popen([sys.executable, "-c", "input()"], env=env, stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def failed(found: list[checks.Check]) -> dict[str, str]:
    return {each.name: str(each.detail) for each in found if each.verdict is Verdict.FAILED}


def test_a_taken_port_is_told_with_its_part_its_holder_and_another_port(
    settings: Settings,
) -> None:
    with socket.create_server(("127.0.0.1", settings.ports.tracking)):
        (found,) = checks.ports(settings)
    assert found.verdict is Verdict.FAILED
    assert f"port {settings.ports.tracking}, which tracking needs" in str(found.detail)
    assert f"process {os.getpid()}" in str(found.detail)
    assert "--port" in str(found.remedy)


def test_a_free_port_has_no_holder(settings: Settings) -> None:
    assert taken(settings.port) is None
    assert [each.verdict for each in checks.ports(settings)] == [Verdict.OK]


def test_nothing_is_made_where_the_machine_lacks_something(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MachineError) as caught:
        lifecycle.check(settings)
    assert caught.value.exit_code == 2
    assert "bubblewrap" in str(caught.value.what).lower()
    assert caught.value.remedy is not None
    assert not settings.state_dir.exists()
    assert not settings.run_dir.exists()


def test_a_missing_notebook_environment_is_told(settings: Settings, tmp_path: Path) -> None:
    without = settings.model_copy(update={"notebook_env": tmp_path / "nothing"})
    assert "notebooks" in failed(checks.before_start(without))


def test_a_run_folder_that_somebody_else_could_have_made_is_refused(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    settings.run_dir.symlink_to(tmp_path / "real")
    assert "sockets" in failed(checks.before_start(settings))
    settings.run_dir.unlink()
    settings.run_dir.mkdir(mode=0o755)
    assert "sockets" in failed(checks.before_start(settings))


def test_a_path_too_long_for_sockets_is_refused(settings: Settings) -> None:
    long = settings.model_copy(update={"run_dir": Path("/tmp") / ("x" * 80)})
    assert "too long" in failed(checks.before_start(long))["sockets"]


def test_a_process_is_found_by_its_mark_and_by_no_other(
    settings: Settings, sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (found,) = marks.find(settings.state_dir)
    assert (found.part, found.process.pid) == ("tracking", sleeper.pid)
    assert marks.find(tmp_path) == ()


def test_what_was_left_over_is_ended_and_told(
    settings: Settings, sleeper: subprocess.Popen[bytes]
) -> None:
    lifecycle.make_places(settings)
    (settings.run_dir / "supervisord.pid").write_text("1\n")
    gone = ProcessId(sleeper.pid, 1, "another boot")
    said = Said()
    whole = lifecycle.Lifecycle(settings, said)
    whole._clean(record.Record("", gone, {"hub": gone}))
    assert sleeper.wait(5) != 0
    assert said.sentences == [
        "the lab had not been stopped; found down: supervisor, hub",
        f"left over from before and ended: tracking ({sleeper.pid})",
        "removed what nobody held any more: supervisord.pid",
    ]


def test_a_pid_that_another_process_has_by_now_is_left_alone(
    sleeper: subprocess.Popen[bytes],
) -> None:
    known = identify(sleeper.pid)
    assert known is not None
    other = ProcessId(known.pid, known.started + 1, known.boot)
    assert end(other, grace_s=0)
    assert sleeper.poll() is None


def test_only_one_command_at_a_time_works_on_a_lab(settings: Settings) -> None:
    with (
        lifecycle.alone(settings),
        pytest.raises(MachineError, match="at work"),
        lifecycle.alone(settings),
    ):
        pass
    with lifecycle.alone(settings):
        pass


def test_a_record_is_read_back_and_a_broken_one_is_none(settings: Settings) -> None:
    settings.state_dir.mkdir()
    here = identify(os.getpid())
    assert here is not None
    written = record.Record("digest", here, {"hub": here})
    record.write(settings.state_dir, written)
    assert record.read(settings.state_dir) == written
    record.path(settings.state_dir).write_text('{"digest": 1}')
    assert record.read(settings.state_dir) is None
    record.forget(settings.state_dir)
    assert record.read(settings.state_dir) is None


def test_only_a_labs_own_folder_is_ever_destroyed(settings: Settings) -> None:
    settings.state_dir.mkdir()
    (settings.state_dir / "precious").touch()
    whole = lifecycle.Lifecycle(settings, Said())
    whole.destroy()
    assert (settings.state_dir / "precious").exists()
    lifecycle.make_places(settings)
    (settings.state_dir / "datasets" / "x").mkdir(parents=True)
    (settings.state_dir / "datasets" / "x").chmod(0o555)
    whole.destroy()
    assert not settings.state_dir.exists()


def test_a_lab_that_does_not_run_is_looked_at_without_a_fault(settings: Settings) -> None:
    found = usage.look(settings)
    assert not found.is_up
    assert {part.state for part in found.parts} == {"stopped"}
    assert (found.sandboxes, found.contained) == (None, None)


def test_our_own_memory_is_seen() -> None:
    rss, pss = usage.memory(os.getpid(), {})
    assert rss >= pss > 0
