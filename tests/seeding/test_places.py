from __future__ import annotations

import io
import secrets
from typing import TYPE_CHECKING

import pytest
from minio import Minio
from minio.error import S3Error

from lab.bootstrap.intakes import QUARANTINE_KEY, QUARANTINE_SECRET, intaking
from lab.domain.errors import NotReadyError, ProviderError
from lab.domain.ids import IntakeId
from lab.seeding import quarantine, tracking
from lab.settings import Cluster, Images, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.parts_fixtures import Storage

pytestmark = pytest.mark.real

DIGEST = "registry:5000/x@sha256:" + "a" * 64


def settings(
    folder: Path, storage: Storage, *, quarantine_bucket: str = "quarantaine"
) -> Settings:
    (folder / "secrets").mkdir(exist_ok=True, parents=True)
    (folder / "secrets" / "s3-admin-key").write_text(storage.secret)
    return Settings(
        state_dir=folder,
        runtime="kubernetes",
        database_url="postgresql+psycopg://lab@/none",
        cluster=Cluster(
            images=Images(notebook=DIGEST, probe=DIGEST),
            quarantine_bucket=quarantine_bucket,
            storage_url=storage.endpoint,
            storage_admin="minio",
            storage_access_key=storage.admin_name,
            tracking_artifacts=f"s3://suivi-{secrets.token_hex(4)}/artefacts",
        ),
    )


def client_of(storage: Storage, access_key: str, secret_key: str) -> Minio:
    host = storage.endpoint.removeprefix("http://")
    keys = {"access_key": access_key, "secret_key": secret_key}
    return Minio(host, region="us-east-1", secure=False, **keys)


async def test_tracking_server_has_its_bucket_and_nothing_else(
    minio: Storage, tmp_path: Path
) -> None:
    told = settings(tmp_path, minio)
    assert not await tracking.prepare(told)
    secret = secrets.token_urlsafe(32)
    (tmp_path / "secrets" / tracking.SECRET).write_text(secret)
    for _ in range(2):
        assert await tracking.prepare(told)
    bucket = told.on_cluster.tracking_artifacts.split("/")[2]
    client_of(minio, minio.admin_name, minio.secret).make_bucket(f"autre-{bucket}")
    own = client_of(minio, tracking.USER, secret)
    own.put_object(bucket, "artefacts/a", io.BytesIO(b"x"), 1)
    own.remove_object(bucket, "artefacts/a")
    for refused in (
        lambda: own.put_object(f"autre-{bucket}", "a", io.BytesIO(b"x"), 1),
        lambda: own.make_bucket(f"encore-{bucket}"),
        lambda: own.set_bucket_policy(bucket, "{}"),
    ):
        with pytest.raises(S3Error, match="AccessDenied"):
            refused()


async def test_a_store_that_refuses_is_asked_again(minio: Storage, tmp_path: Path) -> None:
    told = settings(tmp_path, minio)
    (tmp_path / "secrets" / tracking.SECRET).write_text(secrets.token_urlsafe(32))
    (tmp_path / "secrets" / "s3-admin-key").write_text(secrets.token_urlsafe(32))
    with pytest.raises(ProviderError):
        await tracking.prepare(told)


async def test_what_one_pod_takes_in_another_works_on_and_neither_is_an_administrator(
    minio: Storage, tmp_path: Path
) -> None:
    bucket, intake_id = f"quarantaine-{secrets.token_hex(4)}", IntakeId("in-0000000001")
    secret, key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    seeding, api, reconciler = (
        settings(tmp_path / name, minio, quarantine_bucket=bucket)
        for name in ("seeding", "api", "reconciler")
    )
    for told in (api, reconciler):
        (told.secrets_dir / "s3-admin-key").unlink()
        (told.secrets_dir / QUARANTINE_KEY).write_text(key)
    with pytest.raises(NotReadyError, match="no such secret"):
        await intaking(api).quarantine.receive(intake_id, sent(b"a;b\n"), limit_bytes=99)
    assert not await quarantine.prepare(seeding)
    for told in (seeding, api, reconciler):
        (told.secrets_dir / QUARANTINE_SECRET).write_text(secret)
    for _ in range(2):
        assert await quarantine.prepare(seeding)
    await intaking(api).quarantine.receive(intake_id, sent(b"a;b\n"), limit_bytes=99)
    there = intaking(reconciler).quarantine
    with there.opened(intake_id) as work:
        assert work.unseal("raw").read_bytes() == b"a;b\n"
        assert work.folder.is_relative_to(reconciler.state_dir / "quarantine")
    assert await there.destroy(intake_id) == (f"{intake_id}/raw.sealed",)


async def sent(data: bytes) -> AsyncIterator[bytes]:
    yield data
