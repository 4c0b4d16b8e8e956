from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEADLINE = 30.0


def binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.fail(
            "PostgreSQL's server is missing: install Debian's package 'postgresql' "
            "('make setup' does it); the store is tested on it",
            pytrace=False,
        )
    return found[-1].parent


def _as_plain_user(*, pdeathsig: str = "keep") -> tuple[list[str], int, int]:
    # PostgreSQL refuses to run as root.
    if os.getuid() != 0:
        return [], os.getuid(), os.getgid()
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        account = pwd.getpwnam("nobody")
    words = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
    words += ["--clear-groups"]
    if pdeathsig != "keep":
        words += ["--pdeathsig", pdeathsig]
    return words, account.pw_uid, account.pw_gid


class PostgresServer:
    # A server of its own, on a unix socket in a folder of its own: no port, no password.
    def __init__(self) -> None:
        self.bin = binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="vase-clos-pg-", dir="/tmp"))
        self.log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        prefix, uid, gid = _as_plain_user()
        os.chown(self.folder, uid, gid)
        subprocess.run(
            [
                *prefix,
                str(self.bin / "initdb"),
                *("--pgdata", str(self.folder / "data")),
                *("--username", "lab", "--auth", "trust", "--encoding", "UTF8"),
                *("--locale", "C.UTF-8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )

    def start(self) -> None:
        prefix, _, _ = _as_plain_user(pdeathsig="QUIT")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_connections": "100",
            "shared_buffers": "32MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, str(self.bin / "postgres"), "-D", str(self.folder / "data"), *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        deadline = time.monotonic() + _DEADLINE
        while True:
            try:
                psycopg.connect(host=str(self.folder), user="lab", dbname="postgres").close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    pytest.fail(f"PostgreSQL did not start: {self.log.read_text()[-2000:]}")
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_DEADLINE)
            self._process = None

    def close(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def run(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(
            host=str(self.folder), user="lab", dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def new_database(self) -> str:
        name = f"lab_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://lab@/{database}?host={self.folder}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()
