"""Starts PostgreSQL in a pod: makes the cluster, its accounts and databases, then serves.

Environment:
    PGDATA: Where the rows are kept; made when empty.
    LAB_DATABASES: What there must be, ``database:owner`` several times.
    LAB_SECRETS_DIR: ``database-admin-password``, ``database-password`` (of the owner ``lab``) and
        ``<owner>-database-password`` of the others; one file each. A password changed there is
        set at the next start.
    LAB_POSTGRES_OPTIONS: More of the server's options, ``name=value`` several times.

It listens only when everything is there: a port that answers is a database that is ready.
"""

# run by its path

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MAJOR = "15"
ROUNDS = 4096
SERVER = {
    "listen_addresses": "*",
    "unix_socket_directories": "/run/postgresql",
    "jit": "off",
    "shared_buffers": "64MB",
    "max_connections": "120",
    "password_encryption": "scram-sha-256",
    "log_connections": "off",
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


def main() -> None:
    """Make what is missing, then become the server."""
    data = Path(os.environ.get("PGDATA", "/var/lib/postgresql/data"))
    secrets = Path(os.environ.get("LAB_SECRETS_DIR", "/var/lib/lab/secrets"))
    wanted = databases(os.environ.get("LAB_DATABASES", "lab:lab"))
    passwords = {owner: secret(secrets, owner) for owner in dict.fromkeys(wanted.values())}
    passwords["postgres"] = secret(secrets, "postgres")
    if not (data / "PG_VERSION").exists():
        make(data)
    found = (data / "PG_VERSION").read_text("ascii").strip()
    if found != MAJOR:
        sys.exit(f"postgres: {data} is of version {found}, this is {MAJOR}: dump and load it")
    (data / "postmaster.pid").unlink(missing_ok=True)  # of a pod that is gone: the volume is ours
    fill(data, wanted, passwords)
    options = SERVER | dict(
        each.split("=", 1) for each in os.environ.get("LAB_POSTGRES_OPTIONS", "").split()
    )
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    program = shutil.which("postgres") or sys.exit("postgres: it is not in this image")
    os.execv(program, ["postgres", "-D", str(data), *arguments])  # noqa: S606


def databases(text: str) -> dict[str, str]:
    """Read which databases there must be, and whose."""
    found = dict(each.split(":", 1) for each in text.split())
    for name in (*found, *found.values()):
        if not NAME.fullmatch(name):
            sys.exit(f"postgres: LAB_DATABASES: {name!r} is not a name")
    return found


def secret(folder: Path, owner: str) -> str:
    """Return an account's password."""
    names = {"postgres": "database-admin-password", "lab": "database-password"}
    path = folder / names.get(owner, f"{owner}-database-password")
    try:
        found = path.read_text("utf-8").strip()
    except OSError as error:
        sys.exit(f"postgres: {path}: {error.strerror}")
    return found or sys.exit(f"postgres: {path} is empty")


def make(data: Path) -> None:
    """Make the cluster: whole, or begun anew at the next start."""
    making = data.with_name(f"{data.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    subprocess.run(
        [
            *("initdb", f"--pgdata={making}", "--username=postgres", "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--pwfile=/dev/stdin"),
        ],
        input=base64.b64encode(os.urandom(24)) + b"\n",  # replaced below, before anybody can ask
        stdout=subprocess.DEVNULL,
        check=True,
    )
    with (making / "pg_hba.conf").open("a", encoding="ascii") as rules:
        rules.write("host all all all scram-sha-256\n")
    if data.exists():
        data.rmdir()
    making.rename(data)


def fill(data: Path, wanted: dict[str, str], passwords: dict[str, str]) -> None:
    """Make accounts and databases that are missing; set every password."""
    roles = listed(data, "SELECT rolname AS each FROM pg_roles")
    there = listed(data, "SELECT datname AS each FROM pg_database")
    lines = [
        f"{'ALTER' if owner in roles else 'CREATE'} ROLE {owner} LOGIN PASSWORD '{verifier(word)}'"
        for owner, word in passwords.items()
    ]
    for name, owner in wanted.items():
        if name not in there:
            lines.append(f"CREATE DATABASE {name} OWNER {owner}")
        lines.append(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    alone(data, lines)


def listed(data: Path, query: str) -> set[str]:
    """Return the values of the column ``each``."""
    return set(re.findall(r'each = "([^"]*)"', alone(data, [query])))


def alone(data: Path, lines: list[str]) -> str:
    """Run statements in the server's single-user mode, where nobody else is let in."""
    done = subprocess.run(
        ["postgres", "--single", "-D", str(data), "-c", "exit_on_error=on", "postgres"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or " ERROR:" in done.stderr:
        sys.exit(f"postgres: {done.stderr.strip()}")
    return done.stdout


def verifier(password: str) -> str:
    """Return what PostgreSQL keeps of a password (SCRAM-SHA-256)."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    served = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, served64 = (base64.b64encode(x).decode() for x in (salt, stored, served))
    return f"SCRAM-SHA-256${ROUNDS}:{salt64}${stored64}:{served64}"


if __name__ == "__main__":
    main()
