"""How the lab's own tracking server is started: MLflow in one process, loopback only.

``mlflow server`` keeps a second Python process beside the one that serves and
hands settings down in environment variables, secrets included. :mod:`serve`
starts the same application in one process and reads the secrets itself.
"""

from __future__ import annotations

import configparser
import io
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.secret import Secret
from lab.private import write_private

if TYPE_CHECKING:
    from pathlib import Path

ADMIN_NAME = "lab-admin"
AUTH_CACHE_SECONDS = 60
"""Verifying a password costs 210 ms of CPU; deleting an identity empties its entry at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingServer:
    """What must be known to start it.

    Attributes:
        python: The interpreter whose environment holds MLflow.
        folder: Everything it keeps: two SQLite databases and the artifacts.
        secret_file: Holds the administrator's password, one line.
    """

    python: Path
    folder: Path
    secret_file: Path
    port: int

    @property
    def artifacts(self) -> Path:
        """Where artifacts lie, in ``workspaces/<workspace>/``."""
        return self.folder / "artifacts"


def prepare(server: TrackingServer) -> None:
    """Write its configuration.

    Raises:
        ValueError: The administrator's password looks like a placeholder.
        OSError: The password is not there, or the folder cannot be written.
    """
    password = Secret.checked(
        server.secret_file.read_text(encoding="utf-8"), name=server.secret_file.name
    )
    server.artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
    server.folder.chmod(0o700)
    database = f"sqlite:///{server.folder / 'auth.db'}"
    write_private(server.folder / "auth.ini", auth_configuration(database, password))
    key = server.folder / "flask-key"
    if not key.exists():
        write_private(key, secrets.token_urlsafe(32))


def auth_configuration(database_uri: str, password: Secret) -> str:
    """Return what MLflow's sign-in is told: everything refused that no role allows."""
    parser = configparser.ConfigParser(interpolation=None)
    parser["mlflow"] = {
        "default_permission": "NO_PERMISSIONS",
        "database_uri": database_uri,
        "admin_username": ADMIN_NAME,
        "admin_password": password.reveal(),
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        "grant_default_workspace_access": "false",
        "auth_cache_ttl_seconds": str(AUTH_CACHE_SECONDS),
        "workspace_cache_ttl_seconds": str(AUTH_CACHE_SECONDS),
    }
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def command(server: TrackingServer) -> tuple[str, ...]:
    """Return the command line. It holds no secret."""
    return (
        str(server.python),
        "-m",
        "lab.providers.mlflow.serve",
        f"--port={server.port}",
        f"--key-file={server.folder / 'flask-key'}",
    )


def environment(server: TrackingServer) -> dict[str, str]:
    """Return its whole environment. It holds no secret."""
    return {
        "PATH": f"{server.python.parent}:/usr/bin:/bin",
        "HOME": str(server.folder),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # glibc keeps one arena per thread: with two the idle server is some 40 MB smaller.
        "MALLOC_ARENA_MAX": "2",
        **STRICT,
        **stores(
            database_uri=f"sqlite:///{server.folder / 'mlflow.db'}",
            artifacts=str(server.artifacts),
            auth_configuration=server.folder / "auth.ini",
        ),
        **names(f"127.0.0.1:{server.port}"),
    }


STRICT = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_ENABLE_WORKSPACES": "true",
    "MLFLOW_RBAC_SEED_DEFAULT_ROLES": "false",
    "MLFLOW_SERVER_ENABLE_GRAPHQL_AUTH": "true",
    "_MLFLOW_SGI_NAME": "uvicorn",
    "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
}
"""Workspaces on; what calls outside, starts processes or seeds roles off."""


def stores(*, database_uri: str, artifacts: str, auth_configuration: Path) -> dict[str, str]:
    """Return how MLflow is told where it keeps what."""
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(auth_configuration),
        "_MLFLOW_SERVER_FILE_STORE": database_uri,
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts,
    }


def names(*hosts: str) -> dict[str, str]:
    """Return how MLflow is told by which names (with ports) it may be called."""
    return {
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(hosts),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(f"http://{host}" for host in hosts),
    }


def ready_url(server: TrackingServer) -> str:
    """Return the address that answers 200 once it takes requests."""
    return f"http://127.0.0.1:{server.port}/health"
