"""A launcher without walls, for tests of the hub alone: the same server, straight on the host."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from lab.hub import notebook
from lab.hub.launcher import ServerStart, ServerStatus

DOOR_VAR = "LAB_TEST_DOOR"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DirectLauncher:
    async def start(self, start: ServerStart) -> ServerStatus:
        port = free_port()
        home = str(start.order.home)
        swaps = {
            notebook.INSIDE_ENV: str(start.runtime_env),
            notebook.INSIDE_HOME: home,
            notebook.DOOR_URL: os.environ[DOOR_VAR],
            f"127.0.0.1:{notebook.INSIDE_PORT}": f"127.0.0.1:{port}",
        }

        def outside(text: str) -> str:
            for inside, real in swaps.items():
                text = text.replace(inside, real)
            return text

        env = {key: outside(value) for key, value in start.env.items()}
        env |= {"HOME": home, "PATH": f"{start.runtime_env}/bin:/usr/bin:/bin"}
        start.run_dir.mkdir(parents=True, exist_ok=True)
        with (start.run_dir / "log").open("wb") as log:
            process = subprocess.Popen(
                [*map(outside, start.argv), "--allow-root"],
                env=env,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (start.run_dir / "status.json").write_text(json.dumps({"pid": process.pid, "port": port}))
        return ServerStatus(is_running=True, port=port)

    async def status(self, run_dir: Path) -> ServerStatus:
        known = _read(run_dir)
        if known is None:
            return ServerStatus(is_running=False)
        return ServerStatus(is_running=is_alive(known["pid"]), port=known["port"])

    async def stop(self, run_dir: Path) -> None:
        stop_now(run_dir)
        await asyncio.sleep(0)


def stop_now(run_dir: Path) -> None:
    known = _read(run_dir)
    if known is None:
        return
    if is_alive(known["pid"]):
        os.killpg(known["pid"], signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(known["pid"], 0)
    (run_dir / "status.json").unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def _read(run_dir: Path) -> dict[str, int] | None:
    try:
        known: dict[str, int] = json.loads((run_dir / "status.json").read_text())
    except FileNotFoundError:
        return None
    return known if "pid" in known else None  # else it is another launcher's
