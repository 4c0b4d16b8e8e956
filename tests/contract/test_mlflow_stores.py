"""MLflow as it runs in a container: rows in PostgreSQL, artifacts in a bucket."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from minio import Minio

from lab import grants
from lab.domain.errors import ProviderError
from lab.domain.sandbox import Seen, Stage
from lab.providers import mlflow, s3
from lab.providers.mlflow.server import ADMIN_NAME
from lab.providers.s3 import policy
from lab.providers.s3.minio_admin import MinioAdmin
from lab.providers.s3.options import prepare_service_bucket
from tests.conftest import make_sandbox
from tests.contract.test_mlflow_provider import grant_of, log_a_run, nobodys, session
from tests.parts_fixtures import Process, Storage, free_ports, run_one

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from lab.providers.mlflow.provider import MlflowProvider
    from tests.postgres_fixture import PostgresServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

BUCKET, ROOT = "suivi", "s3://suivi/lab"


@dataclass
class Contained:
    endpoint: str
    secrets: Path
    postgres: PostgresServer
    database: str
    storage: Storage
    process: Process

    def rows_with(self, *texts: str) -> dict[str, int]:
        found: dict[str, int] = {}
        with psycopg.connect(
            host=str(self.postgres.folder), user="lab", dbname=self.database
        ) as connection:
            query = "select tablename from pg_tables where schemaname = 'public'"
            for (table,) in connection.execute(query).fetchall():
                for row in connection.execute(f'select * from "{table}"').fetchall():
                    if any(text in str(row) for text in texts):
                        found[table] = found.get(table, 0) + 1
        return found

    def keys(self, prefix: str = "") -> list[str]:
        client = Minio(
            self.storage.endpoint.removeprefix("http://"),
            access_key=self.storage.admin_name,
            secret_key=self.storage.secret,
            region="us-east-1",
            secure=False,
        )
        found = client.list_objects(BUCKET, prefix, recursive=True)
        return [str(each.object_name) for each in found]


async def own_key(storage: Storage, folder: Path) -> str:
    """Make the server's own bucket and credential; return its access key."""
    options = {**storage.options, "grants_dir": folder, "datasets_dir": folder}
    (folder / "tracking-s3-key").write_text(secrets.token_urlsafe(30))
    await prepare_service_bucket(
        options, bucket=BUCKET, user="lab-tracking", secret_file=folder / "tracking-s3-key"
    )
    provider = s3.build(Stage.DATA, options)
    if isinstance(provider._admin, MinioAdmin):
        return "lab-tracking"
    # What an operator does on another store.
    allowed = policy.document(bucket=BUCKET, read_bucket="", read_prefixes=())
    await provider._admin.ensure_identity("lab-tracking", allowed)
    key = await provider._admin.create_key("lab-tracking", make_sandbox().spec.expires_at)
    (folder / "tracking-s3-key").write_text(key.secret_key)
    await provider.aclose()
    return key.access_key


@pytest.fixture(scope="module", params=["seaweedfs", "minio"])
def contained(
    request: pytest.FixtureRequest,
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Contained]:
    storage: Storage = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("tracking")
    kept = folder / "secrets"
    kept.mkdir()
    database = postgres.new_database()
    (kept / "mlflow-database-url").write_text(postgres.url(database))
    for name in ("mlflow-admin-password", "mlflow-secret"):
        (kept / name).write_text(secrets.token_urlsafe(32))
    access_key = asyncio.run(own_key(storage, kept))
    (port,) = free_ports(1)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(Path.cwd()),
        "LAB_TRACKING_ARTIFACTS": ROOT,
        "LAB_TRACKING_STORAGE_URL": storage.endpoint,
        "LAB_TRACKING_STORAGE_ACCESS_KEY": access_key,
        "LAB_TRACKING_SECRETS_DIR": str(kept),
        "LAB_TRACKING_FOLDER": str(folder / "private"),
        "LAB_TRACKING_HOSTS": f"tracking:5000,127.0.0.1:{port}",
        "LAB_TRACKING_LISTEN": "127.0.0.1",
        "LAB_TRACKING_PORT": str(port),
    }
    endpoint = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-m", "lab.providers.mlflow.serve"]
    process = Process(argv=argv, env=env, ready_url=f"{endpoint}/health", folder=folder)
    yield from run_one(Contained(endpoint, kept, postgres, database, storage, process))


def options(contained: Contained, folder: Path) -> dict[str, object]:
    return {
        "endpoint": contained.endpoint,
        "username": ADMIN_NAME,
        "secret_file": contained.secrets / "mlflow-admin-password",
        "grants_dir": folder / "grants",
        "artifacts": {
            "root": ROOT,
            "endpoint": contained.storage.endpoint,
            "access_key": contained.storage.admin_name,
            "secret_file": contained.storage.secret_file,
        },
        "database_url_file": contained.secrets / "mlflow-database-url",
        "timeout_seconds": 10,
    }


@pytest.fixture
async def provider(contained: Contained, tmp_path: Path) -> AsyncIterator[MlflowProvider]:
    made = mlflow.build(Stage.TRACKING, options(contained, tmp_path))
    yield made
    await made.aclose()


async def test_removal_leaves_no_row_and_no_object(
    provider: MlflowProvider, contained: Contained, tmp_path: Path
) -> None:
    sandbox, other = make_sandbox("sb-00000000d1"), make_sandbox("sb-00000000d2")
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    for each in (sandbox, other):
        await provider.ensure(each)
        await provider.ensure(each)
        assert (await provider.observe(each)).seen is Seen.READY
    async with session(grant_of(tmp_path, other)) as client:
        kept = await log_a_run(client)
    async with session(grant_of(tmp_path, sandbox)) as client:
        run_id = await log_a_run(client)
    below = f"lab/workspaces/{sandbox.id}/"
    assert [key.startswith(below) for key in contained.keys(below)] == [True]
    assert contained.rows_with(run_id, sandbox.id)
    assert await provider.owned() >= {sandbox.id, other.id}
    await provider.revoke(sandbox.id)
    assert (await provider.observe(sandbox)).seen is Seen.REVOKED
    await provider.remove(sandbox.id)
    await provider.remove(sandbox.id)
    assert contained.rows_with(run_id, sandbox.id) == {}
    assert contained.keys(below) == []
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    assert sandbox.id not in await provider.owned()
    assert contained.rows_with(kept)
    assert contained.keys(f"lab/workspaces/{other.id}/")
    assert (await provider.observe(other)).seen is Seen.READY
    await provider.remove(other.id)


async def test_identity_is_nobody_in_another_workspace(
    provider: MlflowProvider, tmp_path: Path
) -> None:
    mine, other = make_sandbox("sb-00000000d3"), make_sandbox("sb-00000000d4")
    await provider.ensure(mine)
    await provider.ensure(other)
    async with session(grant_of(tmp_path, other)) as client:
        run_id = await log_a_run(client)
    async with session(grant_of(tmp_path, mine), workspace=other.id) as client:
        for path in nobodys(run_id):
            assert (await client.get(path)).status_code == 403, path
    await provider.remove(mine.id)
    await provider.remove(other.id)


async def test_server_answers_to_its_names_only_and_to_nobody_unknown(
    contained: Contained,
) -> None:
    async with httpx.AsyncClient(base_url=contained.endpoint, trust_env=False) as client:
        assert (await client.get("/health", headers={"Host": "10.0.0.9:5000"})).status_code == 200
        path = "/api/2.0/mlflow/users/list"
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers={"Host": "elsewhere"})).status_code == 403
        assert (await client.get(path, headers={"Host": "tracking:5000"})).status_code == 401


async def test_outage_of_a_store_delays_removal_and_loses_nothing(
    provider: MlflowProvider, contained: Contained, tmp_path: Path
) -> None:
    sandbox = make_sandbox("sb-00000000d5")
    await provider.ensure(sandbox)
    contained.storage.process.pause()
    try:
        slow = options(contained, tmp_path) | {"timeout_seconds": 1}
        hurried = mlflow.build(Stage.TRACKING, slow)
        assert (await hurried.observe(sandbox)).seen is Seen.UNKNOWN
        with pytest.raises(ProviderError):
            await hurried.remove(sandbox.id)
        # The door closes at once even though the artifacts could not be looked for yet.
        assert grants.read(tmp_path / "grants", sandbox.id, grants.TRACKING) is None
        await hurried.aclose()
    finally:
        contained.storage.process.resume()
    await provider.remove(sandbox.id)
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT


def test_what_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    import subprocess  # noqa: PLC0415

    done = subprocess.run(
        [sys.executable, "-m", "lab.providers.mlflow.serve"],
        env={
            "LAB_TRACKING_SECRETS_DIR": str(tmp_path),
            "LAB_TRACKING_FOLDER": str(tmp_path / "f"),
        },
        cwd=Path.cwd(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "tracking: LAB_TRACKING_DATABASE_URL is not set\n"
