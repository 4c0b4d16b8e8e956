from __future__ import annotations

import io
import secrets
from typing import TYPE_CHECKING

import pytest
from minio import Minio
from minio.error import S3Error

from lab.domain.errors import ProviderError
from lab.seeding import tracking
from lab.settings import Cluster, Images, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.parts_fixtures import Storage

pytestmark = pytest.mark.real

DIGEST = "registry:5000/x@sha256:" + "a" * 64


def settings(folder: Path, storage: Storage) -> Settings:
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / "secrets" / "s3-admin-key").write_text(storage.secret)
    return Settings(
        state_dir=folder,
        runtime="kubernetes",
        database_url="postgresql+psycopg://lab@/none",
        cluster=Cluster(
            images=Images(notebook=DIGEST, probe=DIGEST),
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
