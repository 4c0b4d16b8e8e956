"""What one sandbox tries against another through its own doors, and what its own allows.

Every attempt is refused, leaves the other's state as it was, shows nothing of
it, and is noted; where there is the same thing to do at home, that works.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from minio import Minio

from lab import grants
from tests.gateway.attempts import (
    API2,
    FILES,
    MARK,
    STORAGE,
    TRACKING,
    TRAILER,
    Try,
    signed,
)
from tests.gateway.conftest import Lab, Reply, ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.domain.sandbox import Sandbox

pytestmark = pytest.mark.real


def known_state(lab: Lab, sandbox: Sandbox) -> str:
    """Its state when it was last meant to change."""
    if sandbox.id not in lab.facts:
        lab.facts[sandbox.id] = state_of(lab, sandbox)
    return str(lab.facts[sandbox.id])


def fill(value: Any, facts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, fact in facts.items():
            value = value.replace("{" + name + "}", fact)
        return value
    if isinstance(value, dict):
        return {fill(k, facts): fill(v, facts) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(each, facts) for each in value]
    return value


def tracking_facts(lab: Lab, sandbox: Sandbox, mark: str) -> dict[str, str]:
    """Make a run, a file, a model and a trace, straight at MLflow as the sandbox's identity."""
    grant = lab.grant(sandbox, grants.TRACKING)
    with httpx.Client(
        base_url=grant["endpoint"],
        auth=(grant["username"], grant["password"]),
        headers={"X-MLFLOW-WORKSPACE": grant["workspace"]},
        timeout=30,
        trust_env=False,
    ) as client:

        def call(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            reply = client.request(method, path, json=body)
            assert reply.status_code == 200, (path, reply.text)
            return dict(reply.json())

        path = f"{API2}/experiments/get-by-name?experiment_name=essais"
        experiment = str(client.get(path).json()["experiment"]["experiment_id"])
        spare = call("POST", f"{API2}/experiments/create", {"name": f"e-{mark}"})["experiment_id"]
        now = int(time.time() * 1000)
        made = {"experiment_id": experiment, "start_time": now, "run_name": mark}
        run = call("POST", f"{API2}/runs/create", made)["run"]["info"]
        tag = {"run_id": run["run_id"], "key": "note", "value": mark}
        call("POST", f"{API2}/runs/set-tag", tag)
        metric = {"run_id": run["run_id"], "key": "auc", "value": 0.5, "timestamp": now, "step": 0}
        call("POST", f"{API2}/runs/log-metric", metric)
        root = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
        assert client.put(f"{FILES}/{root}/a.txt", content=mark.encode()).status_code == 200
        model = f"m-{mark}"
        call("POST", f"{API2}/registered-models/create", {"name": model})
        version = {"name": model, "source": run["artifact_uri"], "run_id": run["run_id"]}
        call("POST", f"{API2}/model-versions/create", version)
        logged = {"experiment_id": experiment, "name": f"l-{mark}"}
        info = call("POST", f"{API2}/logged-models", logged)["model"]["info"]
    return {
        "run": run["run_id"],
        "experiment": experiment,
        "spare": str(spare),
        "model": model,
        "logged": info["model_id"],
        "root": root,
        "uri": run["artifact_uri"],
        "workspace": sandbox.id,
        "bucket": sandbox.id,
    }


@pytest.fixture(scope="module")
def facts(lab: Lab) -> dict[str, dict[str, str]]:
    for sandbox, text in ((lab.mine, "le-mien"), (lab.other, MARK)):
        client = store_of(lab)
        for key in ("secret.txt", "a/b.txt"):
            data = text.encode()
            client.put_object(sandbox.id, key, io.BytesIO(data), len(data))
    return {
        "own": tracking_facts(lab, lab.mine, "le-mien"),
        "other": tracking_facts(lab, lab.other, MARK),
    }


def store_of(lab: Lab) -> Minio:
    host = lab.storage.endpoint.removeprefix("http://")
    admin = lab.storage
    return Minio(
        host,
        access_key=admin.admin_name,
        secret_key=admin.secret,
        region="us-east-1",
        secure=False,
    )


def state_of(lab: Lab, sandbox: Sandbox) -> str:
    """Everything of a sandbox, in one hash: objects, rows and files."""
    found: list[object] = []
    client = store_of(lab)
    found += [client.bucket_exists(sandbox.id)]
    found += sorted(
        (o.object_name, o.etag) for o in client.list_objects(sandbox.id, recursive=True)
    )
    published = client.list_objects("jeux", recursive=True)
    found += sorted((o.object_name, o.etag) for o in published)
    with closing(sqlite3.connect(f"file:{lab.tracking.database}?mode=ro", uri=True)) as rows:
        own = f"(select experiment_id from experiments where workspace = '{sandbox.id}')"
        runs = f"(select run_uuid from runs where experiment_id in {own})"
        for query in (
            f"select * from experiments where workspace = '{sandbox.id}'",
            f"select * from experiment_tags where experiment_id in {own}",
            f"select * from runs where experiment_id in {own}",
            *(
                f"select * from {t} where run_uuid in {runs}"
                for t in ("tags", "params", "metrics")
            ),
            f"select * from registered_models where workspace = '{sandbox.id}'",
            f"select * from model_versions where workspace = '{sandbox.id}'",
            f"select * from logged_models where experiment_id in {own}",
            f"select * from trace_info where experiment_id in {own}",
            "select * from webhooks",
            "select * from workspaces order by name",
        ):
            found += sorted(map(repr, rows.execute(query).fetchall()))
    with closing(
        sqlite3.connect(f"file:{lab.tracking.database.with_name('auth.db')}?mode=ro", uri=True)
    ) as rows:
        found += sorted(map(repr, rows.execute("select username, is_admin from users").fetchall()))
    root = lab.tracking.artifacts / "workspaces" / sandbox.id
    for path in sorted(root.rglob("*")):
        found.append((str(path), path.read_bytes() if path.is_file() else None))
    return hashlib.sha256(repr(found).encode()).hexdigest()


@pytest.fixture
def unchanged(lab: Lab, facts: dict[str, dict[str, str]]) -> Iterator[None]:
    assert facts
    known_state(lab, lab.other)
    yield
    assert state_of(lab, lab.other) == known_state(lab, lab.other)


def send_tracking(lab: Lab, one: Try, facts: Mapping[str, str]) -> Reply:
    body = b"x" if one.method == "PUT" else None
    headers = dict(fill(dict(one.headers or {}), facts))
    if one.body is not None:
        body = json.dumps(fill(dict(one.body), facts)).encode()
        if "" in one.body:
            body = json.dumps(
                json.dumps({"name": "p", "artifact_location": "file:///etc"})
            ).encode()
        headers.setdefault("Content-Type", "application/json")
    path = fill(one.path, facts)
    return ask(lab.door(lab.mine, "tracking"), one.method, path, headers=headers, body=body)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", TRACKING)
def test_tracking_of_another_is_out_of_reach(
    lab: Lab, facts: dict[str, dict[str, str]], name: str
) -> None:
    one = TRACKING[name]
    reply = send_tracking(lab, one, facts["other"] | {"admin": "bGFiLWFkbWluOng="})
    assert MARK not in reply.text or reply.text.count(MARK) == 1 == one.path.count("{model}"), (
        reply.text
    )
    if one.may_be_empty and reply.status == 200:
        assert facts["other"]["run"] not in reply.text
    else:
        assert reply.status in {400, 401, 403, 404, 405}, (reply.status, reply.text)


@pytest.mark.parametrize("name", [name for name, one in TRACKING.items() if one.at_home])
def test_tracking_of_ones_own_works(lab: Lab, facts: dict[str, dict[str, str]], name: str) -> None:
    lab.facts.pop(lab.mine.id, None)
    reply = send_tracking(lab, TRACKING[name], facts["own"])
    assert reply.status == 200, reply.text


def send_storage(lab: Lab, one: Try, facts: Mapping[str, str]) -> Reply:
    facts = {
        **facts,
        "own": lab.mine.id,
        "other_key": lab.grant(lab.other, grants.STORAGE)["door_access_key"],
        "real_key": lab.grant(lab.mine, grants.STORAGE)["access_key"],
    }
    more = dict(fill(dict(one.headers or {}), facts))
    key = more.pop("key", lab.grant(lab.mine, grants.STORAGE)["door_access_key"])
    headers = {name: value for name, value in signed(key, **more).items() if value}
    body: bytes | None = b"x" if one.method in {"PUT", "PATCH"} else None
    if one.headers is TRAILER:
        body = b"1\r\nx\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    if one.body is not None:
        said = fill(dict(one.body), facts)
        key_named = f"<Delete><Object><Key>{said.get('delete')}</Key></Object></Delete>"
        body = (said.get("form") or key_named).encode()
    return ask(
        lab.door(lab.mine, "storage"),
        one.method,
        fill(one.path, facts),
        headers=headers,
        body=body,
    )


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", STORAGE)
def test_storage_of_another_is_out_of_reach(
    lab: Lab, facts: dict[str, dict[str, str]], name: str
) -> None:
    known_state(lab, lab.mine)
    noted = sum(attempt["count"] for attempt in lab.attempts(lab.mine))
    reply = send_storage(lab, STORAGE[name], facts["other"])
    expected = {403, 404} if STORAGE[name].may_be_empty else {403}
    assert reply.status in expected, (reply.status, reply.text)
    assert MARK not in reply.text
    assert known_state(lab, lab.mine) == state_of(lab, lab.mine)
    assert sum(attempt["count"] for attempt in lab.attempts(lab.mine)) >= noted


@pytest.mark.parametrize("name", [name for name, one in STORAGE.items() if one.at_home])
def test_storage_of_ones_own_works(lab: Lab, facts: dict[str, dict[str, str]], name: str) -> None:
    lab.facts.pop(lab.mine.id, None)
    reply = send_storage(lab, STORAGE[name], facts["own"])
    assert reply.status in {200, 204}, (reply.status, reply.text)


def test_there_are_enough_attempts() -> None:
    assert len(TRACKING) + len(STORAGE) >= 60
    assert min(len(TRACKING), len(STORAGE)) >= 30


def test_refusals_are_noted_without_data(lab: Lab, facts: dict[str, dict[str, str]]) -> None:
    other = facts["other"]
    send_storage(lab, STORAGE["signed in advance"], other)
    send_storage(lab, Try("GET", "/noted-by-name/secret.txt"), other)
    notes = lab.attempts(lab.mine)
    targets = {(note["rule"], note["target"]) for note in notes}
    assert ("door_storage", "GET /noted-by-name/secret.txt") in targets
    assert all(set(note) == {"rule", "target", "at", "count"} for note in notes)
    assert not any("?" in target or "Signature" in target for _, target in targets)


def test_door_only_credential_is_worth_nothing_at_the_store(lab: Lab) -> None:
    grant = lab.grant(lab.mine, grants.STORAGE)
    client = Minio(
        lab.storage.endpoint.removeprefix("http://"),
        access_key=grant["door_access_key"],
        secret_key=grant["door_secret_key"],
        region="us-east-1",
        secure=False,
    )
    with pytest.raises(Exception, match="InvalidAccessKeyId"):
        list(client.list_objects(lab.mine.id))


def test_nothing_of_the_door_opens_the_tracking_server(lab: Lab) -> None:
    path = f"{lab.tracking.endpoint}{API2}/experiments/get-by-name?experiment_name=essais"
    workspace = {"X-MLFLOW-WORKSPACE": lab.mine.id}
    assert httpx.get(path, headers=workspace, trust_env=False).status_code == 401
