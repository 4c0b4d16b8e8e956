"""A real object store and a real tracking server, each on free loopback ports, for these tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BIN = Path(sys.executable).parent
ACCESS_KEY = "porte-test"
SECRET_KEY = "door-only-value-of-one-test-run"


@dataclass(frozen=True, slots=True)
class Parts:
    storage_url: str
    tracking_url: str


def free_ports(count: int) -> list[int]:
    # weed adds 10,000 to a port for gRPC when told nothing: every port is given, none derived.
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_for(
    url: str, process: subprocess.Popen[bytes], log: Path, *, seconds: float = 60
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def running(argv: Sequence[str], log: Path, env: dict[str, str], url: str) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv, stdout=out, stderr=out, env=env, cwd=log.parent, start_new_session=True
        )
    try:
        wait_for(url, process, log)
        yield
    finally:
        # Thrown away with their folders: nothing to put in order first.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def storage_argv(folder: Path, s3_port: int, ports: Sequence[int]) -> list[str]:
    config = folder / "s3.json"
    credential = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    identity = {"name": "test", "credentials": [credential], "actions": ["Admin"]}
    config.write_text(json.dumps({"identities": [identity]}))
    (folder / "weed").mkdir()
    names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
    names += ["filer.port", "filer.port.grpc", "s3.port.grpc"]
    flags = [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    return [
        *(str(BIN / "weed"), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-dir={folder / 'weed'}", "-s3", f"-s3.config={config}", f"-s3.port={s3_port}"),
        *(
            "-master.telemetry=false",
            "-volume.max=200",
            "-volume.preStopSeconds=0",
            "-master.volumeSizeLimitMB=64",
        ),
        # These two have a fixed port by default, and the server dies where it is taken.
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-filer.localSocket={folder / 'f.sock'}", *flags),
    ]


def tracking_argv(folder: Path, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.sqlite'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]


@contextmanager
def started(folder: Path) -> Iterator[Parts]:
    s3_port, tracking_port, *others = free_ports(9)
    storage = f"http://127.0.0.1:{s3_port}"
    tracking = f"http://127.0.0.1:{tracking_port}"
    env = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    env |= {"HOME": str(folder), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    env |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    weed, mlflow = storage_argv(folder, s3_port, others), tracking_argv(folder, tracking_port)
    with (
        running(weed, folder / "weed.log", env, storage),
        running(mlflow, folder / "mlflow.log", env, f"{tracking}/health"),
    ):
        yield Parts(storage, tracking)
