"""Keep one sandboxed program: ``python -m lab.providers.local.keeper``.

Started by ``launch.start``; leaves a second process behind, in a session of
its own, that outlives whoever started it. When that process dies, however it
dies, everything in the sandbox dies with it.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.domain.errors import TerminalProviderError
from lab.private import write_private
from lab.providers.local import limits, processes
from lab.providers.local.attempts import AttemptLog
from lab.providers.local.box import Box
from lab.providers.local.inside import pump
from lab.providers.local.launch import ANOTHER_KEEPER, LaunchSpec, State
from lab.providers.local.observer import Observer
from lab.providers.local.watch import Disk, Watch

_TURN_S = 0.5
_LOOK_EVERY_S = 2.0
_BACKLOG = 128
_SWITCH_S = 0.0005  # so that the observer's thread is not kept waiting by the other


class Keeper:
    """One box, what goes in and out of it, and what is known of it."""

    def __init__(self, spec: LaunchSpec, run_dir: Path) -> None:
        self._spec = spec
        self._run_dir = run_dir
        self._pump = pump.Pump()
        self._telling = threading.Lock()
        self._kill_at: float | None = None
        self._is_asked_to_stop = False
        me = processes.identify(os.getpid())
        assert me is not None  # noqa: S101  # we are running
        self._status: dict[str, Any] = {
            "sandbox_id": spec.sandbox_id,
            "member_id": spec.member_id,
            "process": {"pid": me.pid, "started": me.started, "boot": me.boot},
            "started_at": datetime.now(UTC).isoformat(),
        }

    def tell(self, state: State, **facts: Any) -> None:
        """Write what is known where others read it."""
        with self._telling:
            self._status |= {"state": state.value} | facts
            write_private(
                self._run_dir / "status.json", json.dumps(self._status), is_durable=False
            )

    def run(self) -> None:
        """Start the program and keep it until it ends."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_is_asked_to_stop", True))
        spec = self._spec
        with ExitStack() as resources:
            record = self._run_dir / "groups.json"
            group = limits.Group(spec.sandbox_id, spec.member_id, spec.resources, record)
            resources.callback(group.release)
            box = Box(spec, self._run_dir, resources)
            box.start(group)
            attempts = AttemptLog(
                self._run_dir / "attempts.jsonl", spec.sandbox_id, spec.member_id
            )
            if box.listener is not None:
                Observer(box.listener, attempts).start()
            port = self._open_front(resources)
            self._status |= {"observes": box.listener is not None, "limits": group.describe()}
            self.tell(State.RUNNING, port=port)
            self._watch(box, group, resources)
            box.let_go()
            code = self._keep(box, attempts)
        self.tell(State.STOPPED, port=0, exit_code=code)

    def _open_front(self, resources: ExitStack) -> int:
        front = resources.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        front.bind(("127.0.0.1", 0))
        front.listen(_BACKLOG)
        self._pump.listen(front, pump.to_unix(str(self._run_dir / "ingress.sock")))
        return int(front.getsockname()[1])

    def _watch(self, box: Box, group: limits.Group, resources: ExitStack) -> None:
        spec = self._spec

        def on_disk(found: Disk) -> None:
            if found is Disk.FAR_OVER:
                self._status["detail"] = "the home is far over its size"
                self._is_asked_to_stop = True
            self.tell(State.RUNNING, disk=found.value)

        if spec.open_walls:
            return
        watch = Watch(
            spec.home,
            init_pid=box.init_pid,
            uid=spec.uid,
            storage_bytes=spec.resources.storage_bytes,
            memory_bytes=spec.resources.memory_bytes if group.watches_memory else 0,
            on_disk=on_disk,
        )
        resources.callback(watch.stop)
        watch.start()

    def _keep(self, box: Box, attempts: AttemptLog) -> int:
        """Carry, look and wait until the box ends; return the program's exit code."""

        def on_print() -> None:
            if not box.log.drain():
                self._pump.forget(box.log.reading)

        self._pump.watch(box.log.reading, on_print)
        self._pump.watch(os.pidfd_open(box.process.pid), lambda: None)
        look_at = time.monotonic()
        while box.process.poll() is None:
            self._pump.turn(_TURN_S)
            now = time.monotonic()
            if self._is_asked_to_stop and self._kill_at is None:
                self._kill_at = now + self._spec.grace_s + 1
                box.ask_to_end()
            if self._kill_at is not None and now > self._kill_at:
                box.kill()
            if now > look_at:
                look_at = now + _LOOK_EVERY_S
                attempts.flush()
        self._pump.drop_all()
        box.log.drain()
        attempts.flush()
        return box.process.returncode


def main() -> None:
    """Read the arguments, leave the keeper behind, end once it has begun."""
    parser = argparse.ArgumentParser(prog="keeper")
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--run-dir", type=Path, required=True)
    options = parser.parse_args()
    spec = LaunchSpec.from_json(options.spec.read_text("utf-8"))
    lock = os.open(options.run_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(ANOTHER_KEEPER)
    begun, begin = os.pipe()
    if os.fork():
        os.close(begin)
        sys.exit(0 if os.read(begun, 1) else 1)
    os.umask(0o022)  # what is made for the sandbox must be readable to its user
    sys.setswitchinterval(_SWITCH_S)
    keeper = Keeper(spec, options.run_dir)
    keeper.tell(State.STARTING)
    os.write(begin, b"1")
    os.close(begin)
    try:
        keeper.run()
    except Exception as error:
        traceback.print_exc()
        is_terminal = isinstance(error, TerminalProviderError)
        keeper.tell(State.FAILED, detail=str(error), is_terminal=is_terminal)
        sys.exit(1)


if __name__ == "__main__":
    main()
