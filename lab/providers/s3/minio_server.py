"""How MinIO is started by the lab: one process, one drive, loopback only.

Pure but for :func:`prepare`, which writes its keys. The administrator's secret
comes from a file, is refused when it looks like a placeholder, and never stands
in a command line or in an environment. The console, the look for updates and
everything else that calls outside is off.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.secret import Secret
from lab.private import write_private

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class MinioServer:
    """What must be known to start it.

    Attributes:
        program: The ``minio`` binary.
        folder: Everything it keeps.
        secret_file: Holds the administrator's secret key, one line.
        port: Of the S3 API, the admin API included.
        memory_bytes: What Go's collector aims to stay under.
    """

    program: Path
    folder: Path
    secret_file: Path
    port: int
    memory_bytes: int = 384 * 1024**2

    @property
    def admin_name_file(self) -> Path:
        """Holds the administrator's access key, which nobody else need know."""
        return self.folder / "admin-name"

    @property
    def encryption_key_file(self) -> Path:
        """Holds what the keys of encrypted buckets are wrapped with."""
        return self.folder / "kms-key"


def prepare(server: MinioServer) -> None:
    """Make its folders and its encryption key; keep the one it already has.

    Raises:
        ValueError: The administrator's secret looks like a placeholder.
        OSError: The secret is not there, or the folder cannot be written.
    """
    Secret.checked(server.secret_file.read_text(encoding="utf-8"), name=server.secret_file.name)
    for name in ("data", "certs"):
        (server.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    server.folder.chmod(0o700)
    if not server.admin_name_file.exists():
        # Drawn, as a secret is: a published hole of this server (GHSA-9c4q-hq6p-c237) lets
        # whoever knows the name of a key write wherever that key may.
        write_private(server.admin_name_file, f"lab-{secrets.token_hex(12)}")
    if not server.encryption_key_file.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        write_private(server.encryption_key_file, f"vase-clos:{key}")


def command(server: MinioServer) -> tuple[str, ...]:
    """Return the command line. It holds no secret."""
    return (
        str(server.program),
        "server",
        "--quiet",
        f"--address=127.0.0.1:{server.port}",
        f"--certs-dir={server.folder / 'certs'}",
        str(server.folder / "data"),
    )


def environment(server: MinioServer) -> dict[str, str]:
    """Return its whole environment: where its secrets are, never what they are."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(server.folder),
        "GOMEMLIMIT": str(server.memory_bytes),
        "GOGC": "50",
        "MINIO_ROOT_USER_FILE": str(server.admin_name_file),
        "MINIO_ROOT_PASSWORD_FILE": str(server.secret_file),
        "MINIO_KMS_SECRET_KEY_FILE": str(server.encryption_key_file),
        "MINIO_REGION": "us-east-1",
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "MINIO_CALLHOME_ENABLE": "off",
    }


def ready_url(server: MinioServer) -> str:
    """Return the address that answers 200 once it takes requests, identities included."""
    return f"http://127.0.0.1:{server.port}/minio/health/cluster"
