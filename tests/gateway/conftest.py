from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import shutil
import socket
import sys
import tempfile
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab import grants
from lab.domain.dataset import DatasetFile, DatasetRef, DatasetVersion
from lab.domain.ids import DatasetId
from lab.domain.sandbox import Sandbox, Stage
from lab.providers import mlflow, s3
from lab.providers.s3.options import build_datasets
from tests.conftest import make_sandbox
from tests.parts_fixtures import Process, Storage, Tracking, free_ports, make_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DATASET = "jeu-porte"
TABLE = b"age,montant\n" + b"41,1200\n" * 50


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("127.0.0.1", timeout=30)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


def ask(
    door: Path | int,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    """Say exactly this to a door: nothing is normalised on the way."""
    connection: http.client.HTTPConnection
    if isinstance(door, int):  # on a cluster a door is a port
        connection = http.client.HTTPConnection("127.0.0.1", door, timeout=30)
    else:
        connection = UnixConnection(door)
    with closing(connection):
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", (headers or {}).get("Host", "127.0.0.1"))
        for name, value in (headers or {}).items():
            if name != "Host":
                connection.putheader(name, value)
        if body is not None and "Content-Length" not in (headers or {}):
            connection.putheader("Content-Length", str(len(body)))
        with suppress(BrokenPipeError):  # refused before all was said
            connection.endheaders(body)
        reply = connection.getresponse()
        return Reply(reply.status, dict(reply.headers), reply.read())


@dataclass
class Lab:
    """The parts with two sandboxes, and a real gateway process before them."""

    folder: Path
    doors: Path
    port: int
    process: Process
    storage: Storage
    tracking: Tracking
    key: bytes
    mine: Sandbox
    other: Sandbox
    facts: dict[str, Any] = field(default_factory=dict)

    def grant(self, sandbox: Sandbox, name: str) -> dict[str, Any]:
        found = grants.read(self.folder / "grants", sandbox.id, name)
        assert found is not None
        return found

    def door(self, sandbox: Sandbox, name: str) -> Path:
        return self.doors / sandbox.id / f"{name}.sock"

    def attempts(self, sandbox: Sandbox) -> list[dict[str, Any]]:
        path = self.folder / "attempts" / f"{sandbox.id}.jsonl"
        with suppress(FileNotFoundError):
            return [json.loads(line) for line in path.read_text().splitlines()]
        return []

    def open_doors(self, sandbox: Sandbox, *names: str) -> None:
        values = {"sandbox_id": sandbox.id, "doors": names or ("hub", "tracking", "storage")}
        grants.write(self.folder / "grants", sandbox.id, grants.DOORS, values)


async def provision(storage: Storage, tracking: Tracking, folder: Path, *all_of: Sandbox) -> None:
    stores = {
        "endpoint": storage.endpoint,
        "access_key": storage.admin_name,
        "secret_file": storage.secret_file,
        "grants_dir": folder / "grants",
        "datasets_dir": folder / "datasets",
    }
    path = folder / "table.csv"
    path.write_bytes(TABLE)
    keep = build_datasets(stores)
    for number in (1, 2, 10):
        file = DatasetFile("table.csv", len(TABLE), sha256(TABLE).hexdigest(), "text/csv")
        ref = DatasetRef(DatasetId(DATASET), number)
        version = DatasetVersion(ref, 50, (), (file,), datetime(2026, 11, 1, tzinfo=UTC))
        await keep.publish(version, {"table.csv": path})
    data = s3.build(Stage.DATA, stores)
    track = mlflow.build(
        Stage.TRACKING,
        {
            "endpoint": tracking.endpoint,
            "username": tracking.admin_name,
            "secret_file": tracking.secret_file,
            "grants_dir": folder / "grants",
            "artifacts_dir": tracking.artifacts,
            "database": tracking.database,
        },
    )
    for sandbox in all_of:
        await data.ensure(sandbox)
        await track.ensure(sandbox)
    await data.aclose()
    await track.aclose()


def sandbox_with(number: str, version: int) -> Sandbox:
    made = make_sandbox(f"sb-{number}")
    expires_at = datetime.now(UTC) + timedelta(days=1)
    refs = (DatasetRef(DatasetId(DATASET), version),)
    return replace(made, spec=replace(made.spec, datasets=refs, expires_at=expires_at))


def make_gateway(folder: Path, run: Path) -> tuple[Process, int, bytes]:
    port, public = free_ports(2)
    key_file = make_secret(folder)
    settings = {
        "grants_dir": str(folder / "grants"),
        "doors_dir": str(run),
        "attempts_dir": str(folder / "attempts"),
        "key_file": str(key_file),
        "port": port,
        "public_port": public,
        "poll_seconds": 0.05,
    }
    (folder / "gateway.json").write_text(json.dumps(settings))
    process = Process(
        argv=[sys.executable, "-m", "lab.gateway", "--settings", str(folder / "gateway.json")],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), "LANG": "C.UTF-8"},
        ready_url=f"http://127.0.0.1:{port}/.lab/health",
        folder=folder,
    )
    return process, port, key_file.read_text().encode()


@pytest.fixture(scope="session")
def lab(
    storage: Storage, tracking: Tracking, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("gateway")
    run = Path(tempfile.mkdtemp(prefix="vc-"))  # short: a socket's path has 108 bytes at most
    number = secrets.token_hex(4)
    mine, other = sandbox_with(f"{number}01", 1), sandbox_with(f"{number}02", 2)
    asyncio.run(provision(storage, tracking, folder, mine, other))
    process, port, key = make_gateway(folder, run)
    made = Lab(folder, run, port, process, storage, tracking, key, mine, other)
    made.open_doors(mine)
    made.open_doors(other)
    process.start()
    try:
        process.wait_ready()
        for sandbox in (mine, other):
            for name in ("hub", "tracking", "storage"):
                wait_for_door(made.door(sandbox, name))
        yield made
    finally:
        process.stop()
        shutil.rmtree(run, ignore_errors=True)


def wait_for_door(path: Path | int, *, is_open: bool = True, seconds: float = 10) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    while datetime.now(UTC) < deadline:
        try:
            found = ask(path, "GET", "/.door").status == 204
        except OSError:
            found = False
        if found is is_open:
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"{path} is not {'open' if is_open else 'closed'}")


@contextmanager
def forwarded(door: Path) -> Iterator[int]:
    """A loopback port that leads to a door, as there is one inside a sandbox."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(str(door))
            back = threading.Thread(target=pump, args=(upstream, client))
            back.start()
            pump(client, upstream)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                thread = threading.Thread(target=serve, args=(client,), daemon=True)
                thread.start()
                threads.append(thread)

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)
