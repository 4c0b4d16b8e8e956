from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from lab import grants, providers
from lab.domain.errors import ProviderError
from lab.domain.sandbox import Seen, Stage
from lab.providers import mlflow
from tests.conftest import NOON, make_sandbox
from tests.parts_fixtures import Tracking, make_tracking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from lab.domain.sandbox import Sandbox
    from lab.providers.mlflow.provider import MlflowProvider

pytestmark = pytest.mark.real


def options(tracking: Tracking, folder: Path) -> dict[str, object]:
    return {
        "endpoint": tracking.endpoint,
        "username": tracking.admin_name,
        "secret_file": tracking.secret_file,
        "grants_dir": folder / "grants",
        "artifacts_dir": tracking.artifacts,
        "database": tracking.database,
        "timeout_seconds": 10,
    }


@pytest.fixture
async def provider(tracking: Tracking, tmp_path: Path) -> AsyncIterator[MlflowProvider]:
    made = mlflow.build(Stage.TRACKING, options(tracking, tmp_path))
    yield made
    await made.aclose()


def grant_of(folder: Path, sandbox: Sandbox) -> dict[str, str]:
    found = grants.read(folder / "grants", sandbox.id, grants.TRACKING)
    assert found is not None
    return found


def session(grant: dict[str, str], workspace: str | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=grant["endpoint"],
        auth=(grant["username"], grant["password"]),
        headers={"X-MLFLOW-WORKSPACE": workspace or grant["workspace"]},
        timeout=20,
        trust_env=False,
    )


def nobodys(run_id: str) -> tuple[str, ...]:
    """What is refused to an identity in a workspace that is not its own."""
    return (
        f"/api/2.0/mlflow/runs/get?run_id={run_id}",
        "/api/2.0/mlflow/experiments/get-by-name?experiment_name=essais",
        "/api/2.0/mlflow-artifacts/artifacts?path=",
    )


async def log_a_run(client: httpx.AsyncClient) -> str:
    api = "/api/2.0/mlflow"
    found = await client.get(f"{api}/experiments/get-by-name?experiment_name=essais")
    experiment = found.raise_for_status().json()["experiment"]
    now = int(time.time() * 1000)
    body = {"experiment_id": experiment["experiment_id"], "start_time": now, "run_name": "un"}
    run = (await client.post(f"{api}/runs/create", json=body)).raise_for_status().json()["run"]
    run_id = str(run["info"]["run_id"])
    value = {"run_id": run_id, "key": "auc", "value": 0.5, "timestamp": now, "step": 0}
    (await client.post(f"{api}/runs/log-metric", json=value)).raise_for_status()
    param = {"run_id": run_id, "key": "depth", "value": "3"}
    (await client.post(f"{api}/runs/log-parameter", json=param)).raise_for_status()
    path = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    put = await client.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}/a.txt", content=b"mien")
    put.raise_for_status()
    model = {"name": f"modele-{run_id[:6]}"}
    (await client.post(f"{api}/registered-models/create", json=model)).raise_for_status()
    source = {"name": model["name"], "source": run["info"]["artifact_uri"], "run_id": run_id}
    (await client.post(f"{api}/model-versions/create", json=source)).raise_for_status()
    dataset = {"name": "d", "digest": "x", "source_type": "local", "source": "{}"}
    inputs = {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": []}]}
    (await client.post(f"{api}/runs/log-inputs", json=inputs)).raise_for_status()
    return run_id


def rows_with(database: Path, *texts: str) -> dict[str, int]:
    found: dict[str, int] = {}
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        names = connection.execute("select name from sqlite_master where type = 'table'")
        for (table,) in names.fetchall():
            for row in connection.execute(f'select * from "{table}"'):
                if any(text in str(row) for text in texts):
                    found[table] = found.get(table, 0) + 1
    finally:
        connection.close()
    return found


async def test_everything_may_be_done_twice(provider: MlflowProvider, tmp_path: Path) -> None:
    sandbox = make_sandbox("sb-00000000b1")
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    await provider.remove(sandbox.id)
    await provider.revoke(sandbox.id)
    await provider.ensure(sandbox)
    first = grant_of(tmp_path, sandbox)
    await provider.ensure(sandbox)
    assert grant_of(tmp_path, sandbox) == first
    assert (await provider.observe(sandbox)).seen is Seen.READY
    assert sandbox.id in await provider.owned()
    path = tmp_path / "grants" / sandbox.id / grants.TRACKING
    assert path.stat().st_mode & 0o777 == 0o600
    await provider.revoke(sandbox.id)
    await provider.revoke(sandbox.id)
    assert (await provider.observe(sandbox)).seen is Seen.REVOKED
    assert not path.exists()
    await provider.ensure(sandbox)
    assert (await provider.observe(sandbox)).seen is Seen.READY
    assert grant_of(tmp_path, sandbox)["password"] != first["password"]
    await provider.remove(sandbox.id)
    await provider.remove(sandbox.id)
    gone = await provider.observe(sandbox)
    assert gone.seen is Seen.ABSENT
    assert {fact.kind for fact in gone.facts} == {"workspace", "identity", "grant", "artifacts"}
    assert sandbox.id not in await provider.owned()


async def test_revoked_identity_stops_at_once(provider: MlflowProvider, tmp_path: Path) -> None:
    sandbox = make_sandbox("sb-00000000b2")
    await provider.ensure(sandbox)
    async with session(grant_of(tmp_path, sandbox)) as client:
        await log_a_run(client)
        await provider.revoke(sandbox.id)
        answer = await client.get("/api/2.0/mlflow/experiments/get-by-name?experiment_name=essais")
        assert answer.status_code == 401
    await provider.remove(sandbox.id)


async def test_removal_leaves_no_row_and_no_file(
    provider: MlflowProvider, tracking: Tracking, tmp_path: Path
) -> None:
    sandbox, other = make_sandbox("sb-00000000b3"), make_sandbox("sb-00000000b4")
    await provider.ensure(sandbox)
    await provider.ensure(other)
    async with session(grant_of(tmp_path, other)) as client:
        kept = await log_a_run(client)
    async with session(grant_of(tmp_path, sandbox)) as client:
        run_id = await log_a_run(client)
        deleted = await log_a_run(client)
        body = {"run_id": deleted}
        (await client.post("/api/2.0/mlflow/runs/delete", json=body)).raise_for_status()
    assert rows_with(tracking.database, run_id, deleted, sandbox.id)
    assert (tracking.artifacts / "workspaces" / sandbox.id).is_dir()
    await provider.remove(sandbox.id)
    assert rows_with(tracking.database, run_id, deleted, sandbox.id) == {}
    assert rows_with(tracking.database.with_name("auth.db"), sandbox.id) == {}
    assert not (tracking.artifacts / "workspaces" / sandbox.id).exists()
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    assert rows_with(tracking.database, kept)
    assert (await provider.observe(other)).seen is Seen.READY
    await provider.remove(other.id)


async def test_identity_is_nobody_in_another_workspace(
    provider: MlflowProvider, tmp_path: Path
) -> None:
    mine, other = make_sandbox("sb-00000000b5"), make_sandbox("sb-00000000b6")
    await provider.ensure(mine)
    await provider.ensure(other)
    async with session(grant_of(tmp_path, other)) as client:
        run_id = await log_a_run(client)
    async with session(grant_of(tmp_path, mine)) as client:
        await log_a_run(client)
        answer = await client.get(f"/api/2.0/mlflow/runs/get?run_id={run_id}")
        assert answer.status_code in {403, 404}
    async with session(grant_of(tmp_path, mine), workspace=other.id) as client:
        for path in nobodys(run_id):
            assert (await client.get(path)).status_code == 403, path
        search = await client.post("/api/2.0/mlflow/experiments/search", json={"max_results": 9})
        assert json.loads(search.text).get("experiments", []) == []
    await provider.remove(mine.id)
    await provider.remove(other.id)


async def test_new_end_date_is_due_and_renewed(provider: MlflowProvider) -> None:
    sandbox = make_sandbox("sb-00000000b7")
    await provider.ensure(sandbox)
    later = replace(sandbox, spec=replace(sandbox.spec, expires_at=NOON + timedelta(days=60)))
    assert (await provider.observe(later)).seen is Seen.DUE
    await provider.ensure(later)
    assert (await provider.observe(later)).seen is Seen.READY
    await provider.remove(sandbox.id)


async def test_deleted_default_experiment_comes_back(
    provider: MlflowProvider, tmp_path: Path
) -> None:
    sandbox = make_sandbox("sb-00000000b8")
    await provider.ensure(sandbox)
    async with session(grant_of(tmp_path, sandbox)) as client:
        api = "/api/2.0/mlflow/experiments"
        found = await client.get(f"{api}/get-by-name?experiment_name=essais")
        body = {"experiment_id": found.json()["experiment"]["experiment_id"]}
        (await client.post(f"{api}/delete", json=body)).raise_for_status()
    await provider.ensure(sandbox)
    assert (await provider.observe(sandbox)).seen is Seen.READY
    await provider.remove(sandbox.id)


async def test_server_has_no_default_password_and_no_open_route(tracking: Tracking) -> None:
    async with httpx.AsyncClient(base_url=tracking.endpoint, trust_env=False) as client:
        for auth in (None, ("admin", "password1234"), ("admin", "password"), ("admin", "admin")):
            for path in ("/api/2.0/mlflow/users/list", "/api/3.0/mlflow/workspaces"):
                assert (await client.get(path, auth=auth)).status_code == 401


def test_placeholder_secrets_and_unknown_options_are_refused(
    tracking: Tracking, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="endpont"):
        providers.build("mlflow", Stage.TRACKING, {**options(tracking, tmp_path), "endpont": "x"})
    with pytest.raises(ValueError, match="serves tracking"):
        providers.build("mlflow", Stage.DATA, options(tracking, tmp_path))
    (tmp_path / "weak").write_text("password1234password1234")
    weak = {**options(tracking, tmp_path), "secret_file": tmp_path / "weak"}
    with pytest.raises(ValueError, match="looks like"):
        providers.build("mlflow", Stage.TRACKING, weak)


@pytest.fixture
def own_tracking(tmp_path: Path) -> Iterator[Tracking]:
    (tmp_path / "mlflow").mkdir()
    made = make_tracking(tmp_path / "mlflow")
    made.process.start()
    made.process.wait_ready()
    yield made
    made.process.kill()


async def test_outage_is_unknown_and_kill_loses_nothing(
    own_tracking: Tracking, tmp_path: Path
) -> None:
    provider = mlflow.build(Stage.TRACKING, options(own_tracking, tmp_path))
    sandbox, orphan = make_sandbox("sb-00000000b9"), make_sandbox("sb-00000000ba")
    await provider.ensure(sandbox)
    await provider.ensure(orphan)
    async with session(grant_of(tmp_path, sandbox)) as client:
        run_id = await log_a_run(client)
    own_tracking.process.kill()
    assert (await provider.observe(sandbox)).seen is Seen.UNKNOWN
    for failing in (
        provider.ensure(sandbox),
        provider.remove(sandbox.id),
        provider.owned(),
        provider.revoke(orphan.id),
    ):
        with pytest.raises(ProviderError):
            await failing
    assert grants.read(tmp_path / "grants", orphan.id, grants.TRACKING) is None
    own_tracking.process.start()
    await asyncio.to_thread(own_tracking.process.wait_ready)
    assert await provider.owned() == {sandbox.id, orphan.id}
    await provider.ensure(sandbox)
    async with session(grant_of(tmp_path, sandbox)) as client:
        answer = await client.get(f"/api/2.0/mlflow/runs/get?run_id={run_id}")
        assert answer.status_code == 200
    await provider.remove(sandbox.id)
    await provider.remove(orphan.id)
    assert await provider.owned() == frozenset()
    await provider.aclose()
