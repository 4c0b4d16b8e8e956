"""Parts of the cluster: programs in the background, known by pid and time of start."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cluster.driver.plan import Plan

CHECKOUT = Path(__file__).resolve().parents[3]
STARTED_AT, STATE = 19, 0  # fields of /proc/PID/stat after the program's name


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program that was started: its pid alone could by now be another's."""

    name: str
    pid: int
    started: int
    command: tuple[str, ...]

    @property
    def alive(self) -> bool:
        """Whether this very program still runs."""
        fields = _stat(self.pid)
        return bool(fields) and fields[STATE] != "Z" and int(fields[STARTED_AT]) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, to this program and no other."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


class Parts:
    """The parts of one cluster, each with a record and a log in the state folder."""

    def __init__(self, plan: Plan) -> None:
        self._records = plan.state / "parts"
        self.logs = plan.state / "logs"

    def start(self, name: str, *command: str, namespace: str = "", mounts: int = 0) -> None:
        """Start a part unless it runs.

        Args:
            name: Of the part; its log is called so.
            namespace: Network namespace to run in; the machine's where empty.
            mounts: Pid of a process whose mount namespace to run in; the machine's where 0.
        """
        known = self.get(name)
        if known and known.alive:
            return
        self._records.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        enter = [f"--net=/run/netns/{namespace}"] if namespace else []
        enter += [f"--mount=/proc/{mounts}/ns/mnt"] if mounts else []
        argv = ["nsenter", *enter, "--", *command] if enter else list(command)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawnp(
            argv[0],
            argv,
            {**os.environ, "PYTHONPATH": str(CHECKOUT)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.logs / f"{name}.log"), flags, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        fields = _stat(pid)
        record = {"pid": pid, "started": int(fields[STARTED_AT]) if fields else 0}
        (self._records / f"{name}.json").write_text(json.dumps(record | {"command": command}))

    def get(self, name: str) -> Part | None:
        """The record of a part, alive or not."""
        try:
            values = json.loads((self._records / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return Part(
            name=name,
            pid=values["pid"],
            started=values["started"],
            command=tuple(values["command"]),
        )

    def all(self) -> list[Part]:
        """Every part that was started and not ended, by name."""
        names = sorted(file.stem for file in self._records.glob("*.json"))
        return [part for part in map(self.get, names) if part]

    def end(self, names: Iterable[str], *, seconds: float = 8) -> None:
        """End parts together: asked first, killed when they do not go in time."""
        parts = [part for part in map(self.get, names) if part]
        for part in parts:
            part.signal(signal.SIGCONT)
            part.signal(signal.SIGTERM)
        limit = time.monotonic() + seconds
        while any(part.alive for part in parts) and time.monotonic() < limit:
            time.sleep(0.05)
        for part in parts:
            part.signal(signal.SIGKILL)
        while any(part.alive for part in parts) and time.monotonic() < limit + 5:
            time.sleep(0.05)
        for part in parts:
            (self._records / f"{part.name}.json").unlink(missing_ok=True)


def kill_all(pids: Iterable[int]) -> None:
    """Kill by pid at once; those already gone are gone."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
