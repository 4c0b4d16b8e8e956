"""The first process of a sandbox: doors, ingress, reaping; then the person's program.

``python -I -S -B <this folder> <fd>``: the descriptor holds the settings as JSON.
``python -I -S -B <this folder> probe <file>``: try the walls instead; see ``probes``.
When this process ends, the kernel ends everything else in the sandbox.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

if __package__:
    from . import pump
    from .probes import run
else:  # run as a folder, inside: of the lab's packages only ``lab.probing`` lies beside it
    sys.path.append(str(Path(__file__).parent.with_name("shared")))
    import pump  # type: ignore[import-not-found,no-redef]
    from probes import run  # type: ignore[import-not-found,no-redef]

_PR_SET_DUMPABLE = 4
_SECCOMP_SET_MODE_FILTER = 1
_NEW_LISTENER = 1 << 3
_WAIT_KILLABLE = 1 << 5
_JUPYTER_PORT = 8888
_FAILED = 127


def _settings(fd: int) -> dict[str, Any]:
    with os.fdopen(fd, "rb") as file:
        found: dict[str, Any] = json.load(file)
    return found


def _install_observer(settings: dict[str, Any]) -> int:
    """Put the observing filter on this thread; return the listener's descriptor."""
    program = base64.b64decode(settings["observer"])
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):
        fd = int(libc.syscall(settings["seccomp_number"], _SECCOMP_SET_MODE_FILTER, flags, header))
        if fd >= 0:
            return fd
    raise OSError(ctypes.get_errno(), "no seccomp listener")


def _hand_over(settings: dict[str, Any]) -> None:
    """Tell the keeper that all is ready, with the listener if any; wait for its word."""
    with socket.socket(fileno=settings["notify_fd"]) as channel:
        channel.settimeout(10)
        listeners: list[int] = []
        if settings["observer"]:
            with suppress(OSError):
                listeners.append(_install_observer(settings))
        socket.send_fds(channel, [b"L"], listeners)
        for listener in listeners:
            os.close(listener)
        channel.recv(1)


def _copy_template(source: str, home: str) -> None:
    """Lay the template's files where nothing is yet. Runs as the person: follows no wall."""
    for folder, _, names in os.walk(source):
        target = Path(home, os.path.relpath(folder, source))
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            if not os.path.lexists(target / name):
                shutil.copyfile(Path(folder, name), target / name)


def _become(settings: dict[str, Any]) -> None:
    """Turn this child into the person's program. Does not return."""
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        for name, value in settings["rlimits"].items():
            _, hard = resource.getrlimit(getattr(resource, name))
            top = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(getattr(resource, name), (top, top))
        env = settings["env"]
        if settings["template"]:
            with suppress(OSError):
                _copy_template(settings["template"], env["HOME"])
        os.chdir(settings["cwd"])
        _hand_over(settings)
        os.execvpe(settings["argv"][0], settings["argv"], env)  # noqa: S606
    except BaseException as error:
        os.write(2, f"the sandbox could not start the program: {error}\n".encode())
    os._exit(_FAILED)


class Init:
    """Pid 1 of the sandbox."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._pump = pump.Pump()
        self._kill_at: float | None = None
        self._main = 0

    def run(self) -> int:
        """Serve until the person's program ends; return its exit code."""
        with suppress(OSError):  # if the machine itself runs short, a sandbox goes first
            Path("/proc/self/oom_score_adj").write_text("500", "ascii")
        self._open_doors()
        self._main = os.fork()
        if self._main == 0:
            _become(self._settings)
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        os.close(self._settings["notify_fd"])
        self._pump.watch(self._settings["control_fd"], self._on_control)
        while True:
            status = self._reap()
            if status is not None:
                return status
            if self._kill_at is not None and time.monotonic() > self._kill_at:
                return 128 + signal.SIGKILL
            self._pump.turn(0.5)

    def _open_doors(self) -> None:
        for port, path in self._settings["doors"].items():
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", int(port)))
            listener.listen(128)
            self._pump.listen(listener, pump.to_unix(path))
        ingress = socket.socket(fileno=self._settings["ingress_fd"])
        for descriptor in (ingress.fileno(), self._settings["control_fd"]):
            os.set_inheritable(descriptor, False)  # noqa: FBT003
        self._pump.listen(ingress, pump.to_loopback(_JUPYTER_PORT))
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._pump.watch(reading, lambda: _drain(reading))

    def _on_control(self) -> None:
        asked = os.read(self._settings["control_fd"], 16)
        if not asked:
            self._pump.forget(self._settings["control_fd"])
        self._end()

    def _end(self) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._settings["grace_s"]
            with suppress(ProcessLookupError):
                os.kill(self._main, signal.SIGTERM)

    def _reap(self) -> int | None:
        """Bury the dead; return the exit code of the person's program once it is among them."""
        code = None
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid == self._main:
                    ended = os.waitstatus_to_exitcode(status)
                    code = ended if ended >= 0 else 128 - ended
        return code


def _drain(fd: int) -> None:
    with suppress(BlockingIOError):
        while os.read(fd, 4096):
            pass


if __name__ == "__main__":
    if sys.argv[1] == "probe":
        run.main(sys.argv[2])
        sys.exit(0)
    sys.exit(Init(_settings(int(sys.argv[1]))).run())
