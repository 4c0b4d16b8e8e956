"""The supervisor: its configuration, and what it is asked over its unix socket.

Each part is started through ``setpriv --pdeathsig KILL``: whatever ends the
supervisor, ``kill -9`` included, ends the parts, so none is ever orphaned.
"""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import subprocess
import xmlrpc.client
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from lab.parts.machine import PYTHON
from lab.parts.marks import mark
from lab.providers.local.processes import ProcessId, identify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.parts.part import Part
    from lab.settings import Settings

SUPERVISOR = "supervisor"
PARENT_GONE = ("setpriv", "--pdeathsig", "KILL", "--")
_ENOUGH = 1_000_000
"""Tries before supervisord gives a part up. It waits one second more after each failed try."""

_NO_ANSWER = (OSError, xmlrpc.client.Error, http.client.HTTPException)

_HEAD = """\
; Written by 'lab up' at every start: changes are lost.
[unix_http_server]
file = {socket}
chmod = 0600
[supervisord]
logfile = {logs}/supervisor.log
logfile_maxbytes = 2MB
logfile_backups = 2
pidfile = {run_dir}/supervisord.pid
childlogdir = {logs}
directory = {state_dir}
umask = 077
nocleanup = true
minfds = 1024
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """\
[program:{name}]
command = {command}
directory = {cwd}
environment = {environment}
priority = {priority}
autostart = true
autorestart = true
startsecs = 1
startretries = {retries}
stopsignal = TERM
stopwaitsecs = {stop_seconds}
stopasgroup = true
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 5MB
stdout_logfile_backups = 3
"""


@dataclass(frozen=True, slots=True)
class PartState:
    """One part, as the supervisor sees it.

    Attributes:
        state: ``RUNNING``, ``STARTING``, ``BACKOFF``, ``STOPPED``, ``EXITED``, ``FATAL``…
        pid: 0 while it does not run.
        since: UTC; when it was started last, or stopped.
        detail: How it ended last, in the supervisor's words.
    """

    name: str
    state: str
    pid: int
    since: datetime | None
    detail: str = ""

    @property
    def is_running(self) -> bool:
        """Tell whether there is a process."""
        return self.state in {"RUNNING", "STARTING"} and self.pid != 0


def socket_path(settings: Settings) -> Path:
    """Return where the supervisor is spoken to."""
    return settings.run_dir / "supervisor.sock"


def config_path(settings: Settings) -> Path:
    """Return where the supervisor's configuration lies."""
    return settings.state_dir / "supervisor.conf"


def configuration(settings: Settings, parts: Sequence[Part]) -> str:
    """Return the supervisor's configuration. It may hold a database's password: 0600."""
    logs = settings.state_dir / "logs"
    places: dict[str, object] = {
        "socket": socket_path(settings),
        "logs": logs,
        "run_dir": settings.run_dir,
        "state_dir": settings.state_dir,
    }
    head = _HEAD.format_map({name: _escaped(str(value)) for name, value in places.items()})
    return head + "".join(_program(part, logs) for part in parts)


def start(settings: Settings) -> None:
    """Start the supervisor in the background; the configuration must be written.

    Raises:
        OSError: It could not be started; says why.
    """
    env = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(settings.state_dir),
        "PYTHONDONTWRITEBYTECODE": "1",
    } | mark(SUPERVISOR, settings.state_dir)
    done = subprocess.run(
        [str(PYTHON), "-m", "supervisor.supervisord", "-c", str(config_path(settings))],
        env=env,
        cwd=settings.state_dir,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        umask=0o077,
        start_new_session=True,
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise OSError(lines[-1] if lines else f"supervisord: exit code {done.returncode}")


class Supervisor:
    """A running supervisor, over its unix socket."""

    def __init__(self, settings: Settings, *, timeout_s: float = 30.0) -> None:
        self._socket, self._timeout_s = str(socket_path(settings)), timeout_s

    def process(self) -> ProcessId | None:
        """Return who it is, or nothing where no supervisor answers."""
        try:
            return identify(cast("int", self._call("getPID")))
        except _NO_ANSWER:
            return None

    def states(self) -> dict[str, PartState]:
        """Return every part by name; none where no supervisor answers."""
        try:
            rows = cast("list[dict[str, Any]]", self._call("getAllProcessInfo"))
        except _NO_ANSWER:
            return {}
        return {row["name"]: _state(row) for row in rows}

    def stop(self, name: str) -> None:
        """Ask one part to end, and do not wait; what is stopped stays so."""
        with suppress(xmlrpc.client.Fault):  # it is not running
            self._call("stopProcess", name, False)  # noqa: FBT003  # XML-RPC has no names

    def start(self, name: str) -> None:
        """Start one part that was stopped or given up; do not wait."""
        with suppress(xmlrpc.client.Fault):  # it is running
            self._call("startProcess", name, False)  # noqa: FBT003  # XML-RPC has no names

    def shut_down(self) -> None:
        """Ask it to stop every part and end."""
        with suppress(*_NO_ANSWER):
            self._call("shutdown")

    def _call(self, method: str, *arguments: object) -> object:
        transport = _UnixTransport(self._socket, self._timeout_s)
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.let_go()


def _program(part: Part, logs: Path) -> str:
    environment = ",".join(f"{name}={_quoted(value)}" for name, value in part.env.items())
    return _PROGRAM.format(
        name=part.name,
        command=_escaped(shlex.join((*PARENT_GONE, *part.argv))),
        cwd=_escaped(str(part.cwd)),
        environment=_escaped(environment),
        priority=part.priority,
        retries=_ENOUGH,
        stop_seconds=part.stop_seconds,
        # supervisord expands this one twice.
        log=_escaped(_escaped(str(logs / f"{part.name}.log"))),
    )


def _escaped(value: str) -> str:
    """Write a value so that supervisord reads it back as it is."""
    if "\n" in value or " ;" in value:
        msg = f"supervisord cannot be told this value: {value!r}"
        raise ValueError(msg)
    return value.replace("%", "%%")


def _quoted(value: str) -> str:
    for quote in ('"', "'"):
        if quote not in value and not value.startswith(("'", '"')):
            return f"{quote}{value}{quote}"
    msg = f"supervisord cannot be told this value: {value!r}"
    raise ValueError(msg)


def _state(row: dict[str, Any]) -> PartState:
    at = row["start"] if row["pid"] else row["stop"] or row["start"]
    return PartState(
        name=row["name"],
        state=row["statename"],
        pid=row["pid"],
        since=datetime.fromtimestamp(at, UTC) if at else None,
        detail=row["spawnerr"] or row["description"],
    )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path, self._timeout_s = path, timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_s)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__()
        self._unix = _UnixConnection(path, timeout_s)

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002
        return self._unix

    def let_go(self) -> None:
        self._unix.close()
