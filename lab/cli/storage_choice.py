"""Which object store ``lab up`` is told to use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lab.domain.object_store import StoreChoice, StoreKind
from lab.parts.message import MachineError, message

if TYPE_CHECKING:
    from pathlib import Path


class AdminKind(Enum):
    """Admin sides that the lab speaks."""

    SEAWEEDFS = "seaweedfs"
    MINIO = "minio"


@dataclass(frozen=True, kw_only=True)
class Details:
    """What goes with it."""

    program: Path | None = None
    admin: AdminKind | None = None
    access_key: str | None = None
    secret_file: Path | None = None

    @property
    def is_remote(self) -> bool:
        """Tell whether anything was said of a store that others run."""
        return bool(self.admin or self.access_key or self.secret_file)


def choice(storage: str | None, details: Details) -> StoreChoice | None:
    """Return the store that the options name; nothing where they name none.

    Raises:
        MachineError: They do not fit together.
    """
    usage = message("See 'lab up --help'.")
    if storage is None:
        if details.program or details.is_remote:
            raise MachineError(message("say which store: --storage seaweedfs|minio|URL"), usage)
        return None
    if "://" in storage:
        return _external(storage, details)
    try:
        kind = StoreKind(storage)
    except ValueError:
        kind = StoreKind.EXTERNAL
    if kind is StoreKind.EXTERNAL:
        raise MachineError(
            message("'{given}' is neither seaweedfs, minio nor a URL", given=storage), usage
        )
    if details.is_remote or (details.program and kind is not StoreKind.MINIO):
        raise MachineError(
            message("these options do not go with --storage {given}", given=storage), usage
        )
    program = details.program.absolute() if details.program else None
    return StoreChoice(kind=kind, program=program)


def _external(url: str, details: Details) -> StoreChoice:
    if details.secret_file is None or details.access_key is None or details.program:
        raise MachineError(
            message("a store at a URL needs --storage-access-key and --storage-secret-file"),
            message("See 'lab up --help'."),
        )
    try:
        return StoreChoice(
            kind=StoreKind.EXTERNAL,
            endpoint=url.rstrip("/"),
            admin=(details.admin or AdminKind.SEAWEEDFS).value,
            access_key=details.access_key,
            secret_file=details.secret_file.absolute(),
        )
    except ValueError as error:
        raise MachineError(
            message("that store cannot be used: {why}", why=error), message("See 'lab up --help'.")
        ) from error
