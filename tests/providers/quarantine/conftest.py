"""The same quarantine on a folder, and in a bucket of two real stores."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.providers.quarantine import FileQuarantine, SealedQuarantine, StoreQuarantine
from lab.providers.s3.options import build_blobs, prepare_service_bucket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.parts_fixtures import Storage

USER = "lab-quarantine"
PIECE = 5 * 2**18
"""Not a whole number of sealed chunks, so that these are cut in two."""


@dataclass
class Place:
    """One quarantine, and a way to see everything that it keeps, as its keeper sees it."""

    quarantine: SealedQuarantine
    folder: Path
    blobs: Any = None
    key_file: Path = field(default=Path())

    def kept(self) -> dict[str, bytes]:
        if self.blobs is not None:
            return {key: self.blobs.get(key) for key, _ in self.blobs.keys("")}
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


async def pieces(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def own_credential(storage: Storage, folder: Path, bucket: str) -> dict[str, Any]:
    """Make a bucket as the seeding does; give what the API and the reconciler are told."""
    secret_file = folder / "quarantine-s3-key"
    secret_file.write_text(secrets.token_urlsafe(32))
    asyncio.run(
        prepare_service_bucket(
            storage.options, bucket=bucket, user=USER, secret_file=secret_file, has_versions=True
        )
    )
    # Elsewhere than on MinIO an operator makes the key; here the administrator's does.
    if storage.admin != "minio":
        return dict(storage.options)
    return storage.options | {"access_key": USER, "secret_file": secret_file}


@pytest.fixture(params=["files", "minio", "seaweedfs"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    folder, key_file = tmp_path / "quarantine", tmp_path / "quarantine-key"
    key_file.write_text("8f3kd02jslq94mzx7c6v5b1n\n")
    if request.param == "files":
        made = FileQuarantine(folder=folder, key_file=key_file)
        return Place(made, folder, key_file=key_file)
    bucket = f"quarantaine-{secrets.token_hex(4)}"
    told = own_credential(request.getfixturevalue(request.param), tmp_path, bucket)
    blobs = build_blobs(told, bucket=bucket)
    store = StoreQuarantine(
        blobs=lambda: blobs, folder=folder, key_file=key_file, piece=PIECE, waits=(0.01,)
    )
    return Place(store, folder, blobs, key_file)
