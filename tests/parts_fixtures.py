"""A real SeaweedFS, MinIO and MLflow for tests, on free loopback ports, ended by their own ids.

MinIO is compiled by ``python -m tests.cluster build minio``, or named by
``LAB_TEST_MINIO``; where there is none, what needs it is skipped by name.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from lab.providers.mlflow import server as mlflow_server
from lab.providers.s3 import minio_server
from lab.providers.s3 import server as s3_server
from tests.cluster.driver import binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PYTHON = Path(sys.executable)
PARENT_GONE = ("setpriv", "--pdeathsig", "KILL", "--")


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return False
    except OSError:
        return False


@dataclass
class Process:
    """One started part, which can be killed and started again as it was."""

    argv: Sequence[str]
    env: dict[str, str]
    ready_url: str
    folder: Path
    popen: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def pid(self) -> int:
        assert self.popen is not None
        return self.popen.pid

    def start(self) -> None:
        with (self.folder / "process.log").open("ab") as log:
            self.popen = subprocess.Popen(
                [*PARENT_GONE, *self.argv],
                env=self.env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self, seconds: float = 90) -> None:
        assert self.popen is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.popen.poll() is None:
            if answers(self.ready_url):
                return
            time.sleep(0.05)
        log = (self.folder / "process.log").read_text(errors="replace")[-3000:]
        raise AssertionError(f"{self.ready_url} is not ready\n{log}")

    def kill(self) -> None:
        assert self.popen is not None
        self.popen.kill()
        self.popen.wait(10)

    def stop(self) -> None:
        if self.popen is None or self.popen.poll() is not None:
            return
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(1)  # weed takes 15 s; its stores survive being killed
        except subprocess.TimeoutExpired:
            self.kill()

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


@dataclass
class Storage:
    endpoint: str
    admin_name: str
    secret_file: Path
    process: Process
    admin: str = "seaweedfs"

    @property
    def secret(self) -> str:
        return self.secret_file.read_text()

    @property
    def options(self) -> dict[str, object]:
        """What a provider is told of it."""
        return {
            "endpoint": self.endpoint,
            "admin": self.admin,
            "access_key": self.admin_name,
            "secret_file": self.secret_file,
        }


@dataclass
class Tracking:
    endpoint: str
    admin_name: str
    secret_file: Path
    artifacts: Path
    database: Path
    process: Process

    @property
    def secret(self) -> str:
        return self.secret_file.read_text()


def make_secret(folder: Path) -> Path:
    path = folder / "admin-key"
    path.write_text(secrets.token_urlsafe(32))
    path.chmod(0o600)
    return path


def make_storage(folder: Path) -> Storage:
    port, *inner = free_ports(1 + s3_server.INNER_PORTS)
    server = s3_server.StorageServer(
        program=PYTHON.parent / "weed",
        folder=folder,
        secret_file=make_secret(folder),
        port=port,
        inner_ports=tuple(inner),
    )
    s3_server.prepare(server)
    process = Process(
        argv=s3_server.command(server),
        env=s3_server.environment(server),
        ready_url=s3_server.ready_url(server),
        folder=folder,
    )
    endpoint = f"http://127.0.0.1:{port}"
    return Storage(endpoint, s3_server.ADMIN_NAME, server.secret_file, process)


def minio_program() -> Path:
    """The MinIO binary, which ``make setup`` compiles."""
    named = os.environ.get("LAB_TEST_MINIO")
    return Path(named) if named else binaries.known()["minio"]


def make_minio(folder: Path) -> Storage:
    (port,) = free_ports(1)
    server = minio_server.MinioServer(
        program=minio_program(), folder=folder, secret_file=make_secret(folder), port=port
    )
    minio_server.prepare(server)
    process = Process(
        argv=minio_server.command(server),
        env=minio_server.environment(server),
        ready_url=minio_server.ready_url(server),
        folder=folder,
    )
    endpoint = f"http://127.0.0.1:{port}"
    name = server.admin_name_file.read_text()
    return Storage(endpoint, name, server.secret_file, process, "minio")


def make_tracking(folder: Path) -> Tracking:
    (port,) = free_ports(1)
    server = mlflow_server.TrackingServer(
        python=PYTHON, folder=folder, secret_file=make_secret(folder), port=port
    )
    mlflow_server.prepare(server)
    process = Process(
        argv=mlflow_server.command(server),
        env=mlflow_server.environment(server) | {"PYTHONPATH": str(Path.cwd())},
        ready_url=mlflow_server.ready_url(server),
        folder=folder,
    )
    return Tracking(
        endpoint=f"http://127.0.0.1:{port}",
        admin_name=mlflow_server.ADMIN_NAME,
        secret_file=server.secret_file,
        artifacts=server.artifacts,
        database=folder / "mlflow.db",
        process=process,
    )


Made = TypeVar("Made", Storage, Tracking)


def run_one(made: Made) -> Iterator[Made]:
    made.process.start()
    try:
        made.process.wait_ready()
        yield made
    finally:
        made.process.stop()


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    yield from run_one(make_storage(tmp_path_factory.mktemp("weed")))


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    yield from run_one(make_minio(tmp_path_factory.mktemp("minio")))


@pytest.fixture(scope="session")
def storage(seaweedfs: Storage) -> Storage:
    return seaweedfs


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    yield from run_one(make_tracking(tmp_path_factory.mktemp("mlflow")))


def eventually(check: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.02)
    return check()
