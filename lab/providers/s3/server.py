"""How the lab's own object store is started: SeaweedFS in one process, loopback only.

Pure but for :func:`prepare`, which writes the three configuration files. Nobody
knows the administrator's secret by default: it comes from a file, is refused
when it looks like a placeholder, and never stands in a command line or in an
environment. The filer's own HTTP is off and the inner services ask for keys
made at the first start, so that the S3 port is the only way to objects.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.secret import Secret
from lab.private import write_private

if TYPE_CHECKING:
    from pathlib import Path

ADMIN_NAME = "lab-admin"
INNER_PORTS = 7
"""How many ports it takes beside the S3 port."""

_SECURITY = """\
[jwt.signing]
key = "{}"
[jwt.signing.read]
key = "{}"
[jwt.filer_signing]
key = "{}"
[jwt.filer_signing.read]
key = "{}"
"""
_ENCRYPTION = """\
[s3.sse]
kek = "{}"
"""
_MASTER = """\
# One volume per bucket to begin with: the default of seven would use up the
# server's volumes after a few sandboxes.
[master.volume_growth]
copy_1 = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageServer:
    """What must be known to start it.

    Attributes:
        program: The ``weed`` binary.
        folder: Everything it keeps.
        secret_file: Holds the administrator's secret key, one line.
        port: Of the S3 API, the IAM API included.
        inner_ports: Of its inner services, :data:`INNER_PORTS` of them.
        memory_bytes: What Go's collector aims to stay under. It counts buffers that were
            reserved and never touched: 230 MiB of them, with 120 MiB resident. With a limit
            close to that it collects without end and takes a tenth of a core for nothing.
    """

    program: Path
    folder: Path
    secret_file: Path
    port: int
    inner_ports: tuple[int, ...]
    memory_bytes: int = 512 * 1024**2

    def __post_init__(self) -> None:
        """Refuse a wrong number of ports at once."""
        if len(set(self.inner_ports)) != INNER_PORTS:
            msg = f"storage needs {INNER_PORTS} different inner ports, not {self.inner_ports}"
            raise ValueError(msg)


def prepare(server: StorageServer) -> None:
    """Write its configuration; keep the inner keys it already has.

    Raises:
        ValueError: The administrator's secret looks like a placeholder.
        OSError: The secret is not there, or the folder cannot be written.
    """
    secret = Secret.checked(
        server.secret_file.read_text(encoding="utf-8"), name=server.secret_file.name
    )
    (server.folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
    server.folder.chmod(0o700)
    config = server.folder / ".seaweedfs"
    config.mkdir(mode=0o700, exist_ok=True)
    admin = {
        "name": ADMIN_NAME,
        "credentials": [{"accessKey": ADMIN_NAME, "secretKey": secret.reveal()}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_private(config / "s3.json", json.dumps({"identities": [admin]}))
    write_private(config / "master.toml", _MASTER)
    security = config / "security.toml"
    kept = security.read_text(encoding="utf-8") if security.exists() else ""
    text = kept or _SECURITY.format(*(secrets.token_urlsafe(32) for _ in range(4)))
    if "[s3.sse]" not in text:
        # What the keys of encrypted buckets are wrapped with.
        text += _ENCRYPTION.format(secrets.token_hex(32))
    if text != kept:
        write_private(security, text)


def command(server: StorageServer) -> tuple[str, ...]:
    """Return the command line. Every port is given: none is derived or left to a default."""
    master, master_rpc, volume, volume_rpc, filer, filer_rpc, s3_rpc = server.inner_ports
    return (
        str(server.program),
        "-logtostderr",
        "server",
        f"-dir={server.folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        # It has no peer to wait for: with the default of 10 s a restart takes 20 s and more.
        "-master.electionTimeout=1s",
        f"-master.port={master}",
        f"-master.port.grpc={master_rpc}",
        "-master.volumeSizeLimitMB=1024",
        f"-volume.port={volume}",
        f"-volume.port.grpc={volume_rpc}",
        "-volume.max=10000",
        "-volume.minFreeSpace=256MiB",
        "-volume.preStopSeconds=0",
        "-filer",
        f"-filer.port={filer}",
        f"-filer.port.grpc={filer_rpc}",
        f"-filer.localSocket={server.folder / 'filer.sock'}",
        "-filer.disableHttp",
        "-s3",
        f"-s3.port={server.port}",
        f"-s3.port.grpc={s3_rpc}",
        f"-s3.localSocket={server.folder / 's3.sock'}",
        f"-s3.config={server.folder / '.seaweedfs' / 's3.json'}",
        "-s3.iam.readOnly=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
    )


def environment(server: StorageServer) -> dict[str, str]:
    """Return its whole environment. ``HOME`` is where it looks for its configuration."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(server.folder),
        "GOMEMLIMIT": str(server.memory_bytes),
        "GOGC": "50",
    }


def ready_url(server: StorageServer) -> str:
    """Return the address that answers 200 once it takes requests."""
    return f"http://127.0.0.1:{server.port}/healthz"
