"""The object store of a lab on one machine: the one it starts, or the one that others run."""

from __future__ import annotations

import asyncio
import shutil
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.domain.object_store import StoreKind
from lab.parts.marks import mark
from lab.parts.message import Message, message
from lab.parts.part import Part
from lab.providers.s3 import minio_server
from lab.providers.s3 import server as seaweed_server

if TYPE_CHECKING:
    from lab.settings import Settings

NAME = "storage"
_OTHERS = 0o077


def prepare(settings: Settings) -> None:
    """Write the configuration of the store that the lab starts, if it starts one."""
    match settings.storage.kind:
        case StoreKind.SEAWEEDFS:
            seaweed_server.prepare(seaweedfs(settings))
        case StoreKind.MINIO:
            minio_server.prepare(minio(settings))
        case StoreKind.EXTERNAL:
            return


def part(settings: Settings) -> Part | None:
    """Return the store as a part; nothing where others run it."""
    match settings.storage.kind:
        case StoreKind.SEAWEEDFS:
            weed = seaweedfs(settings)
            return Part(
                name=NAME,
                argv=seaweed_server.command(weed),
                env=seaweed_server.environment(weed) | mark(NAME, settings.state_dir),
                cwd=weed.folder,
                ready_url=seaweed_server.ready_url(weed),
                ports=(weed.port, *weed.inner_ports),
                priority=10,
                # It stops listening at once and then waits out a time of its own.
                stop_seconds=2,
            )
        case StoreKind.MINIO:
            server = minio(settings)
            return Part(
                name=NAME,
                argv=minio_server.command(server),
                env=minio_server.environment(server) | mark(NAME, settings.state_dir),
                cwd=server.folder,
                ready_url=minio_server.ready_url(server),
                ports=(server.port,),
                priority=10,
            )
        case StoreKind.EXTERNAL:
            return None


def seaweedfs(settings: Settings) -> seaweed_server.StorageServer:
    """Describe SeaweedFS."""
    return seaweed_server.StorageServer(
        program=Path(sys.executable).parent / "weed",
        folder=settings.state_dir / "seaweedfs",
        secret_file=settings.secrets_dir / "s3-admin-key",
        port=settings.ports.storage,
        inner_ports=settings.ports.storage_internal[: seaweed_server.INNER_PORTS],
    )


def minio(settings: Settings) -> minio_server.MinioServer:
    """Describe MinIO."""
    return minio_server.MinioServer(
        program=minio_program(settings) or Path("minio"),
        folder=settings.state_dir / "minio",
        secret_file=settings.secrets_dir / "s3-admin-key",
        port=settings.ports.storage,
    )


def minio_program(settings: Settings) -> Path | None:
    """Return MinIO's binary, nothing where there is none."""
    named = settings.storage.program
    found = shutil.which(str(named) if named else "minio")
    return Path(found).absolute() if found else None


def problem(settings: Settings) -> tuple[Message, Message] | None:
    """Say why the chosen store cannot be used, and what to do; nothing where it can."""
    match settings.storage.kind:
        case StoreKind.SEAWEEDFS:
            return None
        case StoreKind.MINIO:
            return _no_minio(settings) if minio_program(settings) is None else None
        case StoreKind.EXTERNAL:
            return _bad_file(settings) or _no_answer(settings)


def _no_minio(settings: Settings) -> tuple[Message, Message]:
    named = settings.storage.program
    found = (
        message("{path} is no program", path=named)
        if named
        else message("there is no 'minio' on PATH")
    )
    remedy = message(
        "Give its binary: --storage-program PATH, or use --storage seaweedfs, "
        "which needs nothing more."
    )
    return found, remedy


def _bad_file(settings: Settings) -> tuple[Message, Message] | None:
    path = settings.storage.secret_file
    assert path is not None  # noqa: S101  the choice refuses to be without
    remedy = message(
        "Put the administrator's secret key in a file of yours alone (chmod 600), "
        "and name it: --storage-secret-file PATH"
    )
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return message("the secret file {path} cannot be read", path=path), remedy
    if mode & _OTHERS:
        return message(
            "{path} can be read by others: chmod {mode} {path}", path=path, mode="600"
        ), remedy
    return None


def _no_answer(settings: Settings) -> tuple[Message, Message] | None:
    # Here, for the one start that needs it: every command would wait for all of it.
    from lab.bootstrap.machine import storage_options  # noqa: PLC0415
    from lab.providers.s3.options import StoreRefusedError, check  # noqa: PLC0415

    url = settings.storage.endpoint
    try:
        asyncio.run(check(storage_options(settings)))
    except (StoreRefusedError, ValueError) as error:
        return (
            message("the object store at {url} cannot be used: {why}", url=url, why=error),
            message(
                "Look at its address, the access key and its secret; "
                "its admin side is spoken to as: {admin} (--storage-admin)",
                admin=settings.storage.admin,
            ),
        )
    return None
