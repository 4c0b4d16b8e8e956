from __future__ import annotations

import asyncio
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from minio import Minio
from minio.error import S3Error

from lab import grants, providers
from lab.domain.dataset import DatasetFile, DatasetRef, DatasetVersion
from lab.domain.errors import ProviderError, StateError, TerminalProviderError
from lab.domain.ids import DatasetId, SandboxId
from lab.domain.quantity import GIB, Resources
from lab.domain.sandbox import Seen, Stage
from lab.providers import s3
from lab.providers.s3.minio_admin import MinioAdmin
from lab.providers.s3.options import build_datasets
from tests.conftest import NOON, make_sandbox
from tests.parts_fixtures import Storage, make_minio, make_storage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from lab.domain.sandbox import Sandbox
    from lab.providers.s3.provider import S3Provider

pytestmark = pytest.mark.real

SERVERS = {"seaweedfs": make_storage, "minio": make_minio}


@pytest.fixture(scope="module", params=SERVERS)
def storage(request: pytest.FixtureRequest) -> Storage:
    found: Storage = request.getfixturevalue(request.param)
    return found


def options(storage: Storage, folder: Path) -> dict[str, object]:
    return {
        **storage.options,
        "grants_dir": folder / "grants",
        "datasets_dir": folder / "datasets",
        "timeout_seconds": 5,
    }


def version_of(name: str, number: int, folder: Path, text: bytes) -> tuple[DatasetVersion, Path]:
    path = folder / f"{name}-{number}.csv"
    path.write_bytes(text)
    file = DatasetFile("table.csv", len(text), hashlib.sha256(text).hexdigest(), "text/csv")
    ref = DatasetRef(DatasetId(name), number)
    return DatasetVersion(ref, 1, (), (file,), NOON), path


def with_data(sandbox_id: str, *refs: DatasetRef) -> Sandbox:
    sandbox = make_sandbox(sandbox_id)
    return replace(sandbox, spec=replace(sandbox.spec, datasets=refs))


def client_of(storage: Storage, grant: dict[str, str]) -> Minio:
    return Minio(
        storage.endpoint.removeprefix("http://"),
        access_key=grant["access_key"],
        secret_key=grant["secret_key"],
        region="us-east-1",
        secure=False,
    )


@pytest.fixture
async def provider(storage: Storage, tmp_path: Path) -> AsyncIterator[S3Provider]:
    made = s3.build(Stage.DATA, options(storage, tmp_path))
    yield made
    await made.aclose()


def grant_of(folder: Path, sandbox: Sandbox) -> dict[str, str]:
    found = grants.read(folder / "grants", sandbox.id, grants.STORAGE)
    assert found is not None
    return found


async def test_everything_may_be_done_twice(provider: S3Provider, tmp_path: Path) -> None:
    sandbox = with_data("sb-00000000a1")
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    await provider.remove(sandbox.id)
    await provider.revoke(sandbox.id)
    await provider.ensure(sandbox)
    first = grant_of(tmp_path, sandbox)
    await provider.ensure(sandbox)
    assert grant_of(tmp_path, sandbox) == first
    assert (await provider.observe(sandbox)).seen is Seen.READY
    assert sandbox.id in await provider.owned()
    await provider.revoke(sandbox.id)
    await provider.revoke(sandbox.id)
    assert (await provider.observe(sandbox)).seen is Seen.REVOKED
    assert sandbox.id in await provider.owned()
    await provider.remove(sandbox.id)
    await provider.remove(sandbox.id)
    gone = await provider.observe(sandbox)
    assert gone.seen is Seen.ABSENT
    assert {fact.kind for fact in gone.facts} == {"bucket", "identity", "access key", "grant"}
    assert not any(fact.is_present for fact in gone.facts)
    assert sandbox.id not in await provider.owned()


async def test_grant_file_is_private_and_whole(provider: S3Provider, tmp_path: Path) -> None:
    sandbox = with_data("sb-00000000a2")
    await provider.ensure(sandbox)
    path = tmp_path / "grants" / sandbox.id / grants.STORAGE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == [grants.STORAGE]
    grant = grant_of(tmp_path, sandbox)
    assert grant["door_access_key"] != grant["access_key"]
    assert grant["door_secret_key"] != grant["secret_key"]
    await provider.remove(sandbox.id)


async def test_credential_opens_its_own_bucket_and_its_versions_only(
    provider: S3Provider, storage: Storage, tmp_path: Path
) -> None:
    keep = build_datasets(options(storage, tmp_path))
    one, path_one = version_of("jeu-portee", 1, tmp_path, b"a,b\n1,2\n")
    ten, path_ten = version_of("jeu-portee", 10, tmp_path, b"a,b\n3,4\n")
    await keep.publish(one, {"table.csv": path_one})
    await keep.publish(ten, {"table.csv": path_ten})
    mine, other = with_data("sb-00000000a3", one.ref), with_data("sb-00000000a4")
    await provider.ensure(mine)
    await provider.ensure(other)
    client = client_of(storage, grant_of(tmp_path, mine))
    assert await asyncio.to_thread(_put_and_read, client, mine.id) == b"mine"
    assert (
        await asyncio.to_thread(_read, client, "jeux", "jeu-portee/v1/table.csv") == b"a,b\n1,2\n"
    )
    refused = [
        lambda: _read(client, "jeux", "jeu-portee/v10/table.csv"),
        lambda: list(client.list_objects("jeux", recursive=True)),
        lambda: _read(client, "jeux", ".published/jeu-portee/v1.json"),
        lambda: _put(client, "jeux", "jeu-portee/v1/table.csv"),
        lambda: client.remove_object("jeux", "jeu-portee/v1/table.csv"),
        lambda: _put(client, other.id, "x"),
        lambda: list(client.list_objects(other.id)),
        lambda: client.make_bucket("sb-00000000ff"),
        lambda: client.remove_bucket(mine.id),
        lambda: client.set_bucket_policy(mine.id, json.dumps({"Statement": []})),
    ]
    for each in refused:
        with pytest.raises(S3Error) as caught:
            await asyncio.to_thread(each)
        assert caught.value.code == "AccessDenied"
    await provider.revoke(mine.id)
    with pytest.raises(S3Error):
        await asyncio.to_thread(_put_and_read, client, mine.id)
    await provider.remove(mine.id)
    await provider.remove(other.id)


async def test_keys_that_the_sandbox_made_for_itself_die_with_it(
    provider: S3Provider, storage: Storage
) -> None:
    sandbox = with_data("sb-00000000a5")
    await provider.ensure(sandbox)
    extra = await provider._admin.create_key(sandbox.id, sandbox.spec.expires_at)
    values = {"access_key": extra.access_key, "secret_key": extra.secret_key}
    client = client_of(storage, values)
    assert await asyncio.to_thread(_put_and_read, client, sandbox.id) == b"mine"
    assert (await provider.observe(sandbox)).seen is not Seen.READY
    await provider.ensure(sandbox)
    with pytest.raises(S3Error):
        await asyncio.to_thread(_put_and_read, client, sandbox.id)
    assert (await provider.observe(sandbox)).seen is Seen.READY
    await provider.remove(sandbox.id)


async def test_new_end_date_is_due_and_renewed(provider: S3Provider, tmp_path: Path) -> None:
    sandbox = with_data("sb-00000000a6")
    await provider.ensure(sandbox)
    later = replace(sandbox, spec=replace(sandbox.spec, expires_at=NOON + timedelta(days=60)))
    assert (await provider.observe(later)).seen is Seen.DUE
    await provider.ensure(later)
    assert (await provider.observe(later)).seen is Seen.READY
    expires_at = datetime.fromisoformat(grant_of(tmp_path, later)["expires_at"])
    assert expires_at == later.spec.expires_at
    assert expires_at.tzinfo == UTC
    await provider.remove(sandbox.id)


async def test_removal_takes_objects_and_uploads_in_progress(
    provider: S3Provider, storage: Storage, tmp_path: Path
) -> None:
    sandbox = with_data("sb-00000000a7")
    await provider.ensure(sandbox)
    client = client_of(storage, grant_of(tmp_path, sandbox))

    def fill() -> None:
        for n in range(40):
            _put(client, sandbox.id, f"deep/er/{n}")
        client._create_multipart_upload(sandbox.id, "half", {})

    await asyncio.to_thread(fill)
    await provider.remove(sandbox.id)
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT


async def test_versions_are_immutable_and_checked(storage: Storage, tmp_path: Path) -> None:
    keep = build_datasets(options(storage, tmp_path))
    version, path = version_of("jeu-fige", 1, tmp_path, b"un")
    await keep.publish(version, {"table.csv": path})
    await keep.publish(version, {"table.csv": path})
    other, other_path = version_of("jeu-fige", 1, tmp_path, b"deux")
    with pytest.raises(StateError):
        await keep.publish(other, {"table.csv": other_path})
    with pytest.raises(ValueError, match="checksum"):
        await keep.publish(version, {"table.csv": other_path})
    with pytest.raises(ValueError, match="exactly"):
        await keep.publish(version, {})
    bad = replace(version, files=(replace(version.files[0], name="../x"),))
    with pytest.raises(ValueError, match="safe"):
        await keep.publish(bad, {"../x": other_path})
    assert await keep.published(version.ref) == version.files


async def test_copies_are_read_only_made_once_and_verified(
    storage: Storage, tmp_path: Path
) -> None:
    keep = build_datasets(options(storage, tmp_path))
    version, path = version_of("jeu-copie", 3, tmp_path, b"contenu")
    await keep.publish(version, {"table.csv": path})
    places = await asyncio.gather(*(keep.materialise(version.ref) for _ in range(5)))
    assert set(places) == {tmp_path / "datasets" / "jeu-copie" / "v3"}
    assert (places[0] / "table.csv").read_bytes() == b"contenu"
    assert (places[0] / "table.csv").stat().st_mode & 0o777 == 0o444
    assert places[0].stat().st_mode & 0o777 == 0o555
    assert [p.name for p in places[0].parent.iterdir()] == ["v3"]


async def test_altered_bytes_are_not_mounted(
    provider: S3Provider, storage: Storage, tmp_path: Path
) -> None:
    keep = build_datasets(options(storage, tmp_path))
    version, path = version_of("jeu-altere", 1, tmp_path, b"vrai")
    await keep.publish(version, {"table.csv": path})
    admin = client_of(storage, {"access_key": storage.admin_name, "secret_key": storage.secret})
    await asyncio.to_thread(_put, admin, "jeux", "jeu-altere/v1/table.csv")
    with pytest.raises(TerminalProviderError, match="not what was published"):
        await provider.ensure(with_data("sb-00000000a8", version.ref))
    assert list((tmp_path / "datasets" / "jeu-altere").iterdir()) == []


async def test_unpublished_version_is_a_terminal_failure(provider: S3Provider) -> None:
    with pytest.raises(TerminalProviderError, match="is not published"):
        await provider.ensure(with_data("sb-00000000a9", DatasetRef(DatasetId("inconnu"), 1)))


def test_unknown_options_and_placeholder_secrets_are_refused(
    storage: Storage, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="endpont"):
        providers.build("s3", Stage.DATA, {**options(storage, tmp_path), "endpont": "x"})
    with pytest.raises(ValueError, match="serves data"):
        providers.build("s3", Stage.TRACKING, options(storage, tmp_path))
    (tmp_path / "weak").write_text("changeme-changeme-changeme-0123456789")
    weak = {**options(storage, tmp_path), "secret_file": tmp_path / "weak"}
    with pytest.raises(ValueError, match="placeholder"):
        providers.build("s3", Stage.DATA, weak)


async def test_published_objects_are_held_against_the_administrator_too(
    storage: Storage, tmp_path: Path
) -> None:
    keep = build_datasets(options(storage, tmp_path))
    version, path = version_of("jeu-tenu", 1, tmp_path, b"tenu")
    await keep.publish(version, {"table.csv": path})
    admin = client_of(storage, {"access_key": storage.admin_name, "secret_key": storage.secret})

    def forget(key: str) -> None:
        (there,) = admin.list_objects("jeux", key, include_version=True)
        admin.remove_object("jeux", key, version_id=there.version_id)

    for key in ("jeu-tenu/v1/table.csv", ".published/jeu-tenu/v1.json"):
        with pytest.raises(S3Error) as caught:
            await asyncio.to_thread(forget, key)
        assert caught.value.code in {"AccessDenied", "InvalidRequest"}
    # A removal without a version only hides it: the bytes are there.
    await asyncio.to_thread(admin.remove_object, "jeux", "jeu-tenu/v1/table.csv")
    found = list(admin.list_objects("jeux", "jeu-tenu/v1/table.csv", include_version=True))
    (held,) = [each for each in found if not each.is_delete_marker]
    with admin.get_object("jeux", "jeu-tenu/v1/table.csv", version_id=held.version_id) as reply:
        assert reply.read() == b"tenu"


async def test_buckets_are_encrypted_where_asked(storage: Storage, tmp_path: Path) -> None:
    provider = s3.build(Stage.DATA, options(storage, tmp_path) | {"encrypts": True})
    sandbox = with_data("sb-00000000ac")
    await provider.ensure(sandbox)
    client = client_of(storage, grant_of(tmp_path, sandbox))
    text = b"a sentence that nobody else writes; " * 500
    await asyncio.to_thread(client.put_object, sandbox.id, "k", io.BytesIO(text), len(text))
    found = await asyncio.to_thread(client.stat_object, sandbox.id, "k")
    assert found.metadata["x-amz-server-side-encryption"] == "AES256"
    assert await asyncio.to_thread(_read, client, sandbox.id, "k") == text
    kept = (each for each in storage.process.folder.rglob("*") if each.is_file())
    assert not any(text[:36] in each.read_bytes() for each in kept)
    await provider.remove(sandbox.id)
    await provider.aclose()


async def test_minio_ends_keys_and_limits_buckets_by_itself(
    minio: Storage, tmp_path: Path
) -> None:
    provider = s3.build(Stage.DATA, options(minio, tmp_path))
    sandbox = with_data("sb-00000000ad")
    soon = datetime.now(UTC) + timedelta(days=2)
    spec = replace(sandbox.spec, expires_at=soon, resources=Resources(1000, GIB, 100_000))
    sandbox = replace(sandbox, spec=spec)
    await provider.ensure(sandbox)
    grant = grant_of(tmp_path, sandbox)
    admin = provider._admin
    assert isinstance(admin, MinioAdmin)

    async def ends() -> datetime:
        told = await admin._json(lambda client: client.list_service_account(sandbox.id))
        (account,) = told["accounts"]
        return datetime.fromisoformat(account["expiration"])

    assert await ends() == soon.replace(microsecond=0)
    later = replace(sandbox, spec=replace(spec, expires_at=soon + timedelta(days=9)))
    await provider.ensure(later)
    assert await ends() == later.spec.expires_at.replace(microsecond=0)
    # The server takes no end that is nearer or farther: the gateway keeps the exact one.
    now = datetime.now(UTC)
    for days, least, most in ((0, 14, 17), (900, 363 * 1440, 365 * 1440)):
        far = replace(sandbox, spec=replace(spec, expires_at=now + timedelta(days=days)))
        await provider.ensure(far)
        assert timedelta(minutes=least) < await ends() - now < timedelta(minutes=most)
    await provider.ensure(later)
    assert grant_of(tmp_path, later)["access_key"] == grant["access_key"]
    # One upload over the sandbox's room.
    client = client_of(minio, grant)
    with pytest.raises(S3Error, match="quota"):
        await asyncio.to_thread(
            client.put_object, sandbox.id, "big", io.BytesIO(bytes(100_001)), 100_001
        )
    await admin.limit_bucket(sandbox.id, 5)
    assert (await provider.observe(later)).seen is Seen.DUE
    await provider.ensure(later)
    assert (await provider.observe(later)).seen is Seen.READY
    await provider.remove(sandbox.id)
    await provider.aclose()


@pytest.fixture(params=SERVERS)
def own_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    (tmp_path / "store").mkdir()
    made = SERVERS[request.param](tmp_path / "store")
    made.process.start()
    made.process.wait_ready()
    yield made
    made.process.kill()


async def test_outage_is_unknown_and_kill_loses_nothing(
    own_storage: Storage, tmp_path: Path
) -> None:
    provider = s3.build(Stage.DATA, options(own_storage, tmp_path))
    sandbox, orphan = with_data("sb-00000000aa"), with_data("sb-00000000ab")
    await provider.ensure(sandbox)
    await provider.ensure(orphan)
    client = client_of(own_storage, grant_of(tmp_path, sandbox))
    await asyncio.to_thread(_put_and_read, client, sandbox.id)
    own_storage.process.kill()
    assert (await provider.observe(sandbox)).seen is Seen.UNKNOWN
    for failing in (
        provider.ensure(sandbox),
        provider.remove(sandbox.id),
        provider.owned(),
        provider.revoke(orphan.id),
    ):
        with pytest.raises(ProviderError):
            await failing
    # The door closes at once even though the store could not be told yet.
    assert grants.read(tmp_path / "grants", orphan.id, grants.STORAGE) is None
    own_storage.process.start()
    await asyncio.to_thread(own_storage.process.wait_ready)
    assert await provider.owned() >= {SandboxId("sb-00000000aa"), SandboxId("sb-00000000ab")}
    await provider.ensure(sandbox)
    client = client_of(own_storage, grant_of(tmp_path, sandbox))
    assert await asyncio.to_thread(_read, client, sandbox.id, "k") == b"mine"
    await provider.remove(sandbox.id)
    await provider.remove(orphan.id)
    assert not await provider.owned() & {sandbox.id, orphan.id}
    await provider.aclose()


def _put(client: Minio, bucket: str, key: str) -> None:
    client.put_object(bucket, key, io.BytesIO(b"mine"), 4)


def _read(client: Minio, bucket: str, key: str) -> bytes:
    with client.get_object(bucket, key) as reply:
        return reply.read()


def _put_and_read(client: Minio, bucket: str) -> bytes:
    _put(client, bucket, "k")
    return _read(client, bucket, "k")
