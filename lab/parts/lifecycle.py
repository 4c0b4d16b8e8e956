"""Start, find again and stop all parts together."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lab.parts import checks, machine, marks, record, supervision, vault
from lab.parts.message import MachineError, Message, message
from lab.parts.readiness import Wait
from lab.parts.supervision import SUPERVISOR, Supervisor
from lab.providers.local import launch, processes

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from lab.parts.part import Part
    from lab.parts.progress import Progress
    from lab.settings import Settings

OWNED = ".vase-clos"
"""A file that says: this folder is a lab's, ``lab down --destroy`` may delete it."""
_CODE = Path(__file__).resolve().parent.parent


class Reporter(Protocol):
    """Shows an operator what is done."""

    def say(self, sentence: Message) -> None:
        """Show one sentence."""
        ...

    def show(self, progress: Sequence[Progress]) -> None:
        """Show how far the parts are."""
        ...


@dataclass(frozen=True, slots=True)
class Started:
    """What a start did.

    Attributes:
        was_running: Everything ran already.
        took: Seconds until each part was ready.
    """

    was_running: bool
    took: dict[str, float]


@contextmanager
def alone(settings: Settings) -> Generator[None]:
    """Let one ``lab up`` or ``lab down`` at a time work on a lab.

    Raises:
        MachineError: Another one does.
    """
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(settings.state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise MachineError(
            message(
                "another 'lab up' or 'lab down' is at work on {path}", path=settings.state_dir
            ),
            message("Wait until it has ended."),
        ) from error
    try:
        yield
    finally:
        os.close(handle)


def check(settings: Settings) -> None:
    """Refuse to start where the machine cannot run the lab. Changes nothing.

    Raises:
        MachineError: Names what is wrong and what to do.
    """
    failed = [
        each for each in checks.before_start(settings) if each.verdict is checks.Verdict.FAILED
    ]
    if failed:
        first, *others = failed
        detail = "\n".join(f"{each.name}: {each.detail}" for each in others)
        raise MachineError(first.detail, first.remedy, detail=detail)


def make_places(settings: Settings) -> tuple[str, ...]:
    """Make the folders and the missing secrets; return the names of the new secrets."""
    for folder in (settings.state_dir, settings.run_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    (settings.state_dir / OWNED).touch(mode=0o600)
    for name in ("logs", "sandboxes", "grants"):
        (settings.state_dir / name).mkdir(mode=0o700, exist_ok=True)
    for name in ("doors", "keepers"):
        (settings.run_dir / name).mkdir(mode=0o700, exist_ok=True)
    return vault.ensure(settings.secrets_dir)


class Lifecycle:
    """The parts of one lab on this machine, together."""

    def __init__(self, settings: Settings, reporter: Reporter) -> None:
        self._settings, self._reporter = settings, reporter
        self._supervisor = Supervisor(settings)

    def start(self, *, timeout_s: float) -> Started:
        """Bring every part up, whatever state they were left in, and say what was done.

        Raises:
            MachineError: A part does not become ready.
        """
        before = record.read(self._settings.state_dir)
        parts = machine.parts(self._settings)
        conf = supervision.configuration(self._settings, parts)
        digest = _digest(conf, self._settings)
        running = self._supervisor.process()
        if running is not None and (before is None or before.digest != digest):
            self._reporter.say(message("the lab's code or settings changed: parts are restarted"))
            self.stop()
            running = before = None
        was_running = running is not None and self._wake(before)
        if running is None:
            self._clean(before)
            self._start_supervisor(parts, conf)
        took = Wait(
            parts,
            self._supervisor,
            logs=self._settings.state_dir / "logs",
            show=self._reporter.show,
        ).run(timeout_s)
        self.remember(digest)
        return Started(was_running, took)

    def remember(self, digest: str | None = None) -> None:
        """Write down which processes run now."""
        known = record.read(self._settings.state_dir)
        running = self._supervisor.process()
        if running is None or (digest is None and known is None):
            return
        found = {
            name: processes.identify(state.pid)
            for name, state in self._supervisor.states().items()
            if state.pid
        }
        now = record.Record(
            digest or (known.digest if known else ""),
            running,
            {name: who for name, who in found.items() if who is not None},
        )
        record.write(self._settings.state_dir, now)

    def keepers(self) -> tuple[launch.Keeper, ...]:
        """Return the sandboxed programs that run."""
        return launch.running(self._settings.run_dir)

    def stop(self, *, notebooks: bool = False) -> None:
        """Stop every part, and the notebooks where asked. Data stay.

        Raises:
            MachineError: Something does not end.
        """
        process = self._supervisor.process()
        if process is not None:
            # All at once: supervisord would wait for each before it asks the next.
            for name in reversed(machine.NAMES):
                self._supervisor.stop(name)
        if notebooks:
            # Only once nobody is left who could start another behind our back.
            self._wait_stopped("control-plane", "hub")
            self.stop_notebooks()
        if process is not None:
            self._wait_stopped(*machine.NAMES)
            self._supervisor.shut_down()
            if not processes.wait_gone(process, 60.0):
                processes.end(process, grace_s=1.0)
        self._end_leftovers()
        self._remove_stale()
        if notebooks:
            _remove_tree(self._settings.run_dir)
        record.forget(self._settings.state_dir)

    def stop_notebooks(self) -> int:
        """End every sandboxed program; return how many there were."""
        keepers = self.keepers()
        for keeper in keepers:
            launch.stop(keeper.run_dir)
        return len(keepers)

    def destroy(self) -> None:
        """Delete everything the lab keeps on this machine. It must be stopped."""
        if (self._settings.state_dir / OWNED).exists():
            _remove_tree(self._settings.state_dir)
        _remove_tree(self._settings.run_dir)

    def _wake(self, before: record.Record | None) -> bool:
        """Start what was given up or stopped; tell whether all ran all the time."""
        was_running = True
        for name, state in self._supervisor.states().items():
            if state.state in {"STOPPED", "EXITED", "FATAL"}:
                self._reporter.say(message("{part} was stopped: it is started", part=name))
                self._supervisor.start(name)
                was_running = False
                continue
            known = before.parts.get(name) if before else None
            if known is not None and state.pid and known.pid != state.pid:
                self._reporter.say(
                    message("{part} had ended and was restarted by the supervisor", part=name)
                )
        return was_running

    def _clean(self, before: record.Record | None) -> None:
        """Say what was lost, and end what is left of it."""
        if before is not None:
            down = [name for name, who in before.parts.items() if not who.is_alive]
            if not before.supervisor.is_alive:
                down.insert(0, SUPERVISOR)
            self._reporter.say(
                message("the lab had not been stopped; found down: {parts}", parts=", ".join(down))
            )
        ended = self._end_leftovers()
        if ended:
            self._reporter.say(
                message("left over from before and ended: {parts}", parts=", ".join(ended))
            )
        removed = self._remove_stale()
        if removed:
            self._reporter.say(
                message("removed what nobody held any more: {names}", names=", ".join(removed))
            )
        kept = len(self.keepers())
        if kept:
            self._reporter.say(message("notebook servers still running: {count}", count=kept))

    def _wait_stopped(self, *names: str) -> None:
        """Wait until these parts have no process; supervisord kills those that take too long."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            states = self._supervisor.states()
            if not any(states[name].pid for name in names if name in states):
                return
            time.sleep(0.05)

    def _end_leftovers(self) -> list[str]:
        """End what carries our mark and has no supervisor; return what it was."""
        found = sorted(
            marks.find(self._settings.state_dir), key=lambda each: each.part != SUPERVISOR
        )
        ended: list[str] = []
        for each in found:
            if each.process.pid == os.getpid() or not each.process.is_alive:
                continue
            if not processes.end(each.process, grace_s=10.0):
                raise MachineError(
                    message(
                        "process {pid} ({part}) does not end", pid=each.process.pid, part=each.part
                    ),
                    exit_code=3,
                )
            ended.append(f"{each.part} ({each.process.pid})")
        return ended

    def _remove_stale(self) -> list[str]:
        names = ("supervisor.sock", "supervisord.pid")
        stale = [self._settings.run_dir / name for name in names]
        found = [path for path in stale if path.exists() or path.is_symlink()]
        for path in found:
            path.unlink(missing_ok=True)
        return [path.name for path in found]

    def _start_supervisor(self, parts: Sequence[Part], conf: str) -> None:
        for part in parts:
            part.cwd.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = supervision.config_path(self._settings)
        draft = target.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(conf, "utf-8")
        draft.replace(target)
        try:
            supervision.start(self._settings)
        except OSError as error:
            raise MachineError(
                message("the supervisor did not start: {why}", why=error), exit_code=3
            ) from error
        deadline = time.monotonic() + 15
        while self._supervisor.process() is None:
            if time.monotonic() > deadline:
                raise MachineError(message("the supervisor does not answer"), exit_code=3)
            time.sleep(0.05)


def with_port(settings: Settings, port: int) -> Settings:
    """Return the settings with another first port."""
    return settings.with_port(port)


def _digest(conf: str, settings: Settings) -> str:
    """Identify what the parts are started from: their configuration, the settings, our code."""
    # Parts read settings by themselves: another object store shows in no command line.
    digest = hashlib.sha256(f"{conf}\n{settings.model_dump_json()}".encode())
    for path in sorted(_CODE.rglob("*.py")):
        found = path.stat()
        digest.update(f"{path}:{found.st_mtime_ns}:{found.st_size}".encode())
    return digest.hexdigest()


def _remove_tree(folder: Path) -> None:
    """Delete a folder, read-only folders in it included."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for each, _, _ in os.walk(folder):
        Path(each).chmod(0o700)
    shutil.rmtree(folder)
