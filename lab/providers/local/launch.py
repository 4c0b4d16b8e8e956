"""Start, look at and stop the keeper of one member's sandboxed program.

These functions block for as long as they say: call them through
``asyncio.to_thread`` from an event loop.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.quantity import MIB, Resources
from lab.domain.sandbox import Stage
from lab.private import write_private
from lab.providers.local import limits, processes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.ids import MemberId, SandboxId

HOME = "/home/scientist"
_PATHS = frozenset({"home", "doors_dir", "runtime_env", "template_dir"})
ANOTHER_KEEPER = 3
"""How a keeper exits when another has its folder: two starts came at the same moment."""

_START_TIMEOUT_S = 30.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSpec:
    """One program, and the walls to put around it.

    Attributes:
        uid: The host user it runs as; root must give one, a plain user must not.
        home: Writable, shown as ``/home/scientist``. Must exist, must not be a link.
        datasets: Name under ``~/donnees`` and folder outside; read-only.
        template_dir: Its files are laid in the home where nothing has their name yet.
        doors_dir: Holds ``hub.sock`` and the like; read-only inside.
        doors: Loopback port inside, and the socket's name in ``doors_dir``.
        runtime_env: The notebook environment, shown as ``/opt/notebook``.
        env: All of the program's environment but HOME, PATH, USER, LANG and the like.
        argv: What to run; paths as seen inside.
        cwd: As seen inside.
        tmp_bytes: Size of ``/tmp``.
        grace_s: How long the program may take to end when asked.
        open_walls: No wall at all. Only for the test that shows probes can fail.
    """

    sandbox_id: SandboxId
    member_id: MemberId
    uid: int | None = None
    resources: Resources
    home: Path
    datasets: tuple[tuple[str, Path], ...] = ()
    template_dir: Path | None = None
    doors_dir: Path
    doors: tuple[tuple[int, str], ...] = ((8081, "hub"), (5000, "tracking"), (9000, "storage"))
    runtime_env: Path
    env: Mapping[str, str] = field(default_factory=dict)
    argv: tuple[str, ...]
    cwd: str = HOME
    tmp_bytes: int = 512 * MIB
    grace_s: float = 10.0
    open_walls: bool = False

    def to_json(self) -> str:
        """Write it down."""
        content: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        content["resources"] = {
            item.name: getattr(self.resources, item.name) for item in fields(Resources)
        }
        content["env"] = dict(self.env)
        return json.dumps(content, default=str, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> LaunchSpec:
        """Read what ``to_json`` wrote."""
        content: dict[str, Any] = json.loads(text)
        for name in _PATHS & content.keys():
            content[name] = None if content[name] is None else Path(content[name])
        content["resources"] = Resources(**content["resources"])
        content["datasets"] = tuple((name, Path(path)) for name, path in content["datasets"])
        content["doors"] = tuple((int(port), name) for port, name in content["doors"])
        content["argv"] = tuple(content["argv"])
        return cls(**content)


class State(Enum):
    """What is known of one keeper."""

    ABSENT = "absent"
    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    """The program ended, or was asked to; ``exit_code`` says how."""
    FAILED = "failed"
    """It could not be started; ``detail`` says why."""
    DEAD = "dead"
    """The keeper was killed: nothing of the sandbox is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """One keeper, as its status file and the process table show it.

    Attributes:
        port: On the host's loopback, leads to port 8888 inside.
        started_at: ISO 8601, UTC.
        observes: Whether refused connection attempts can be seen.
        is_terminal: Whether starting it again cannot help; only with FAILED.
        limits: Which means limits each resource.
        disk: ``within``, ``over`` while writes to files are refused, or ``far_over``.
    """

    run_dir: Path
    state: State
    sandbox_id: str = ""
    member_id: str = ""
    process: processes.ProcessId | None = None
    port: int = 0
    started_at: str = ""
    exit_code: int | None = None
    observes: bool = False
    detail: str = ""
    is_terminal: bool = False
    limits: Mapping[str, str] = field(default_factory=dict)
    disk: str = "within"

    @property
    def is_running(self) -> bool:
        """Tell whether there is a live keeper, started or starting."""
        return self.state in {State.STARTING, State.RUNNING}


def start(spec: LaunchSpec, run_dir: Path) -> Keeper:
    """Start a keeper that outlives this process; wait until the program is running.

    Where one runs already for the same spec, it is returned; where its spec is
    another, it is stopped first.

    Args:
        spec: What to run.
        run_dir: The keeper's own folder; a short path, it holds a unix socket.

    Raises:
        TerminalProviderError: This machine or this spec cannot be made to work.
        ProviderError: It did not start in time.
    """
    _check(spec)
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    written, known = spec.to_json(), run_dir / "spec.json"
    if status(run_dir).is_running:
        with suppress(OSError):
            if known.read_text("utf-8") == written:
                return _wait_running(run_dir)
        stop(run_dir)
    write_private(known, written, is_durable=False)
    (run_dir / "status.json").unlink(missing_ok=True)
    _spawn(known, run_dir)
    return _wait_running(run_dir)


def status(run_dir: Path) -> Keeper:
    """Look at the keeper of ``run_dir``; what is not there is ABSENT."""
    try:
        content: dict[str, Any] = json.loads((run_dir / "status.json").read_text("utf-8"))
    except (OSError, ValueError):
        return Keeper(run_dir=run_dir, state=State.ABSENT)
    content["process"] = processes.ProcessId(**content["process"])
    content["state"] = State(content["state"])
    keeper = Keeper(run_dir=run_dir, **content)
    if keeper.is_running and not content["process"].is_alive:
        content["state"] = State.DEAD
        keeper = Keeper(run_dir=run_dir, **content)
    return keeper


def stop(run_dir: Path, *, grace_s: float = 12.0) -> Keeper:
    """End the keeper and everything in its sandbox; what is not there is no error.

    Raises:
        ProviderError: Something of it still lives after all that.
    """
    keeper = status(run_dir)
    if keeper.process is not None and not processes.end(keeper.process, grace_s=grace_s):
        raise ProviderError(Stage.WORKSPACE, f"the keeper {keeper.process.pid} does not die")
    limits.release(run_dir / "groups.json")
    return status(run_dir)


def running(base_dir: Path) -> tuple[Keeper, ...]:
    """Return the live keepers whose run folders are anywhere below ``base_dir``."""
    found = (status(path.parent) for path in sorted(base_dir.glob("**/status.json")))
    return tuple(keeper for keeper in found if keeper.is_running)


def _check(spec: LaunchSpec) -> None:
    is_root = os.geteuid() == 0
    if is_root and not spec.uid and not spec.open_walls:
        raise TerminalProviderError(
            Stage.WORKSPACE, "root must give a sandbox a user id of its own"
        )
    if not is_root and spec.uid not in {None, os.geteuid()}:
        raise TerminalProviderError(Stage.WORKSPACE, "only root can choose the user id")
    if not spec.argv:
        raise TerminalProviderError(Stage.WORKSPACE, "there is no program to run")


def _spawn(spec_file: Path, run_dir: Path) -> None:
    """Run the keeper's first half, which leaves the second behind and ends."""
    env = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "lab.providers.local.keeper"]
    command += ["--spec", str(spec_file), "--run-dir", str(run_dir)]
    log = os.open(run_dir / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        result = subprocess.run(
            command,
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
            timeout=_START_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ProviderError(Stage.WORKSPACE, "the keeper did not start in time") from error
    finally:
        os.close(log)
    if result.returncode not in {0, ANOTHER_KEEPER}:
        last = (run_dir / "keeper.log").read_text("utf-8", "replace")[-500:]
        raise TerminalProviderError(Stage.WORKSPACE, f"the keeper did not start: {last}")


def _wait_running(run_dir: Path) -> Keeper:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        keeper = status(run_dir)
        if keeper.state is State.FAILED:
            failure = TerminalProviderError if keeper.is_terminal else ProviderError
            raise failure(Stage.WORKSPACE, keeper.detail)
        if keeper.state in {State.RUNNING, State.STOPPED}:
            return keeper
        if keeper.state is State.DEAD:
            break
        time.sleep(_POLL_S)
    raise ProviderError(Stage.WORKSPACE, f"the sandbox did not start: see {run_dir.name}")
