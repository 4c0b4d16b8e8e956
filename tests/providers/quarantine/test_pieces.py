"""Encrypted files as small objects: a store that fails, that changed, or that keeps versions."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from minio import Minio
from minio.error import S3Error
from minio.versioningconfig import ENABLED, VersioningConfig

from lab.domain.errors import NotReadyError
from lab.domain.ids import IntakeId
from lab.providers.quarantine import SealError, StoreQuarantine
from lab.providers.quarantine.sealing import CHUNK
from lab.providers.s3.options import build_blobs
from tests.providers.quarantine.conftest import USER, own_credential, pieces

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.parts_fixtures import Storage

MINE, OTHER = IntakeId("in-0000000001"), IntakeId("in-0000000002")
LIMIT = 64 * CHUNK


class Held:
    """Objects in memory, which fail when told to. Real stores are in the contract."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, float]] = {}
        self.failures = 0
        self.calls = 0

    def put(self, key: str, data: bytes) -> None:
        self._maybe_fail()
        self.kept[key] = (data, time.time())

    def get(self, key: str) -> bytes:
        self._maybe_fail()
        if key not in self.kept:
            raise FileNotFoundError(key)
        return self.kept[key][0]

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        self._maybe_fail()
        yield from [(k, at) for k, (_, at) in self.kept.items() if k.startswith(prefix)]

    def remove(self, prefixes: Collection[str]) -> None:
        self._maybe_fail()
        for key in [k for k in self.kept if k.startswith(tuple(prefixes))]:
            del self.kept[key]

    def age(self, part: str, days: float) -> None:
        for key, (data, at) in self.kept.items():
            if part in key:
                self.kept[key] = (data, at - days * 86_400)

    def _maybe_fail(self) -> None:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise OSError("the store is away")


@dataclass(frozen=True)
class Bucket:
    """On a real MinIO, with the credential that the API and the reconciler are given."""

    name: str
    told: dict[str, Any]
    root: Minio
    host: str


@pytest.fixture
def bucket(minio: Storage, tmp_path: Path) -> Bucket:
    name, host = f"quarantaine-{secrets.token_hex(4)}", minio.endpoint.removeprefix("http://")
    root = Minio(host, access_key=minio.admin_name, secret_key=minio.secret, secure=False)
    return Bucket(name, own_credential(minio, tmp_path, name), root, host)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def quarantine(held: Held, tmp_path: Path) -> StoreQuarantine:
    key_file = tmp_path / "quarantine-key"
    key_file.write_text("8f3kd02jslq94mzx7c6v5b1n\n")
    return StoreQuarantine(
        blobs=lambda: held,
        folder=tmp_path / "quarantine",
        key_file=key_file,
        piece=CHUNK,
        waits=(0.001, 0.001),
    )


async def test_a_store_that_is_away_for_a_moment_costs_nobody_an_upload(
    quarantine: StoreQuarantine, held: Held
) -> None:
    held.failures = 2
    await quarantine.receive(MINE, pieces(b"x" * (2 * CHUNK)), limit_bytes=LIMIT)
    held.failures = 2
    with quarantine.opened(MINE) as work:
        assert work.unseal("raw").stat().st_size == 2 * CHUNK


async def test_a_store_that_stays_away_is_told_and_what_was_there_stays(
    quarantine: StoreQuarantine, held: Held
) -> None:
    await quarantine.receive(MINE, pieces(b"first"), limit_bytes=LIMIT)
    held.failures = 99
    with pytest.raises(NotReadyError, match="the store is away"):
        await quarantine.receive(MINE, pieces(b"x" * (3 * CHUNK)), limit_bytes=LIMIT)
    with quarantine.opened(MINE) as work, pytest.raises(NotReadyError, match="away"):
        work.unseal("raw")
    with pytest.raises(OSError, match="away"):
        await quarantine.destroy(MINE)
    held.failures = 0
    with quarantine.opened(MINE) as work:
        assert work.unseal("raw").read_bytes() == b"first"


@pytest.mark.parametrize("what", ["a piece missing", "two swapped", "another's", "no list"])
async def test_what_was_changed_in_the_store_is_found(
    quarantine: StoreQuarantine, held: Held, what: str
) -> None:
    data = secrets.token_bytes(3 * CHUNK)
    for intake_id in (MINE, OTHER):
        await quarantine.receive(intake_id, pieces(data), limit_bytes=LIMIT)
    first, second, third = [k for k in sorted(held.kept) if k[-1].isdigit() and MINE in k][:3]
    others = [k for k in sorted(held.kept) if k[-1].isdigit() and OTHER in k]
    match what:
        case "a piece missing":
            del held.kept[second]
        case "two swapped":
            held.kept[second], held.kept[third] = held.kept[third], held.kept[second]
        case "another's":
            held.kept[first] = held.kept[others[0]]
        case _:
            held.kept[f"{MINE}/raw/list.json"] = (b"[]", 0)
    with quarantine.opened(MINE) as work, pytest.raises(SealError):
        work.unseal("raw")


async def test_an_upload_left_for_a_day_is_swept_and_nothing_else(
    quarantine: StoreQuarantine, held: Held
) -> None:
    await quarantine.receive(MINE, pieces(b"x" * (2 * CHUNK)), limit_bytes=LIMIT)
    kept = set(held.kept)
    for word in ("aaaa", "bbbb"):
        held.put(f"{MINE}/raw/{word}/000001", b"half")
        held.put(f"{MINE}/raw/{word}/000002", b"half")
    held.age("/raw/", days=2)
    held.put(f"{MINE}/raw/bbbb/000003", b"still coming")
    await quarantine.sweep()
    going_on = {f"{MINE}/raw/bbbb/00000{n}" for n in (1, 2, 3)}
    assert set(held.kept) == kept | going_on
    assert await quarantine.destroy(MINE) == (f"{MINE}/raw.sealed",)
    assert held.kept == {}


async def test_memory_and_calls_grow_with_pieces_and_not_with_what_comes_in_at_once(
    quarantine: StoreQuarantine, held: Held
) -> None:
    await quarantine.receive(MINE, pieces(bytes(8 * CHUNK), 1000), limit_bytes=LIMIT)
    assert max(len(data) for data, _ in held.kept.values()) == CHUNK
    assert held.calls <= 12


@pytest.mark.real
async def test_what_is_destroyed_is_gone_in_every_version_of_it(
    bucket: Bucket, tmp_path: Path
) -> None:
    bucket.root.set_bucket_versioning(bucket.name, VersioningConfig(ENABLED))
    key_file = tmp_path / "quarantine-key"
    key_file.write_text("8f3kd02jslq94mzx7c6v5b1n\n")
    blobs = build_blobs(bucket.told, bucket=bucket.name)
    quarantine = StoreQuarantine(
        blobs=lambda: blobs, folder=tmp_path / "q", key_file=key_file, waits=()
    )
    for _ in range(2):
        await quarantine.receive(MINE, pieces(b"x" * 1000), limit_bytes=LIMIT)
    assert len(list(blobs.keys(MINE))) == 3  # two lists, one piece
    await quarantine.destroy(MINE)
    left = bucket.root.list_objects(bucket.name, recursive=True, include_version=True)
    assert list(left) == []


@pytest.mark.real
def test_its_credential_opens_no_other_bucket(bucket: Bucket) -> None:
    assert bucket.told["access_key"] == USER
    keys = {"access_key": USER, "secret_key": bucket.told["secret_file"].read_text()}
    own = Minio(bucket.host, region="us-east-1", secure=False, **keys)
    bucket.root.make_bucket(f"autre-{bucket.name}")
    assert own.bucket_exists(bucket.name)
    for refused in (
        lambda: list(own.list_objects(f"autre-{bucket.name}")),
        lambda: own.make_bucket(f"encore-{bucket.name}"),
        lambda: own.delete_bucket_policy(bucket.name),
    ):
        with pytest.raises(S3Error, match="AccessDenied"):
            refused()
