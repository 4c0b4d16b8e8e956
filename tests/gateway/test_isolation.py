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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from minio import Minio

from lab import grants
from tests.gateway.conftest import DATASET, Lab, Reply, ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.domain.sandbox import Sandbox

pytestmark = pytest.mark.real

MARK = "CONFIDENTIEL-DE-L-AUTRE"
API2, API3, FILES = "/api/2.0/mlflow", "/api/3.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"
GATEWAY = f"{API3}/gateway"


def known_state(lab: Lab, sandbox: Sandbox) -> str:
    """Its state when it was last meant to change."""
    if sandbox.id not in lab.facts:
        lab.facts[sandbox.id] = state_of(lab, sandbox)
    return str(lab.facts[sandbox.id])


@dataclass(frozen=True)
class Try:
    """One attempt. Words in braces are put in: from the other's facts, or from one's own."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    at_home: bool = False
    """Whether the same on one's own must work."""
    may_be_empty: bool = False
    """A search, which may answer with nothing rather than refuse."""


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


TRACKING = {
    # Reading what is the other's.
    "run": Try("GET", f"{API2}/runs/get?run_id={{run}}", at_home=True),
    "experiment": Try("GET", f"{API2}/experiments/get?experiment_id={{spare}}", at_home=True),
    "runs of an experiment": Try(
        "POST",
        f"{API2}/runs/search",
        {"experiment_ids": ["{experiment}"]},
        at_home=True,
        may_be_empty=True,
    ),
    "every experiment": Try(
        "POST", f"{API2}/experiments/search", {"max_results": 100}, may_be_empty=True
    ),
    "every model": Try("GET", f"{API2}/registered-models/search", may_be_empty=True),
    "every version": Try("GET", f"{API2}/model-versions/search", may_be_empty=True),
    "metric history": Try(
        "GET", f"{API2}/metrics/get-history?run_id={{run}}&metric_key=auc", at_home=True
    ),
    "artifact list of a run": Try("GET", f"{API2}/artifacts/list?run_id={{run}}", at_home=True),
    "artifact": Try("GET", f"{FILES}/{{root}}/a.txt", at_home=True),
    "artifact list": Try("GET", f"{FILES}?path={{root}}", at_home=True),
    "model": Try("GET", f"{API2}/registered-models/get?name={{model}}", at_home=True),
    "model version": Try(
        "GET", f"{API2}/model-versions/get?name={{model}}&version=1", at_home=True
    ),
    "download address": Try(
        "GET", f"{API2}/model-versions/get-download-uri?name={{model}}&version=1", at_home=True
    ),
    "logged model": Try("GET", f"{API2}/logged-models/{{logged}}", at_home=True),
    "traces": Try(
        "POST",
        f"{API3}/traces/search",
        {
            "locations": [
                {
                    "type": "MLFLOW_EXPERIMENT",
                    "mlflow_experiment": {"experiment_id": "{experiment}"},
                }
            ]
        },
        at_home=True,
        may_be_empty=True,
    ),
    # Changing it.
    "tag a run": Try(
        "POST", f"{API2}/runs/set-tag", {"run_id": "{run}", "key": "k", "value": "v"}, at_home=True
    ),
    "log a metric": Try(
        "POST",
        f"{API2}/runs/log-metric",
        {"run_id": "{run}", "key": "auc", "value": 1, "timestamp": 1, "step": 1},
        at_home=True,
    ),
    "log a batch": Try(
        "POST",
        f"{API2}/runs/log-batch",
        {"run_id": "{run}", "params": [{"key": "p", "value": "1"}]},
        at_home=True,
    ),
    "rename a run": Try(
        "POST", f"{API2}/runs/update", {"run_id": "{run}", "run_name": "vole"}, at_home=True
    ),
    "run in an experiment": Try(
        "POST",
        f"{API2}/runs/create",
        {"experiment_id": "{experiment}", "start_time": 1},
        at_home=True,
    ),
    "write an artifact": Try("PUT", f"{FILES}/{{root}}/b.txt", at_home=True),
    "overwrite an artifact": Try("PUT", f"{FILES}/{{root}}/a.txt"),
    "delete an artifact": Try("DELETE", f"{FILES}/{{root}}/a.txt"),
    "rename a model": Try(
        "POST", f"{API2}/registered-models/rename", {"name": "{model}", "new_name": "vole"}
    ),
    "tag a model": Try(
        "POST",
        f"{API2}/registered-models/set-tag",
        {"name": "{model}", "key": "k", "value": "v"},
        at_home=True,
    ),
    "tag an experiment": Try(
        "POST",
        f"{API2}/experiments/set-experiment-tag",
        {"experiment_id": "{spare}", "key": "k", "value": "v"},
        at_home=True,
    ),
    "version from a run": Try(
        "POST",
        f"{API2}/model-versions/create",
        {"name": "m-le-mien", "source": "{uri}", "run_id": "{run}"},
        at_home=True,
    ),
    "version from a place": Try(
        "POST", f"{API2}/model-versions/create", {"name": "m-le-mien", "source": "{uri}"}
    ),
    "version from a logged model": Try(
        "POST",
        f"{API2}/model-versions/create",
        {"name": "m-le-mien", "source": "models:/{logged}", "model_id": "{logged}"},
    ),
    "delete a run": Try("POST", f"{API2}/runs/delete", {"run_id": "{run}"}, at_home=True),
    "delete an experiment": Try(
        "POST", f"{API2}/experiments/delete", {"experiment_id": "{spare}"}, at_home=True
    ),
    "delete a logged model": Try("DELETE", f"{API2}/logged-models/{{logged}}", at_home=True),
    "delete a model": Try(
        "DELETE", f"{API2}/registered-models/delete", {"name": "{model}"}, at_home=True
    ),
    "spans in an experiment": Try(
        "POST",
        "/v1/traces",
        headers={
            "Content-Type": "application/x-protobuf",
            "x-mlflow-experiment-id": "{experiment}",
        },
    ),
    # Saying to be somebody else.
    "workspace header": Try(
        "GET", f"{API2}/runs/get?run_id={{run}}", headers={"X-MLFLOW-WORKSPACE": "{workspace}"}
    ),
    "administrator's name": Try(
        "GET", f"{API2}/runs/get?run_id={{run}}", headers={"Authorization": "Basic {admin}"}
    ),
    "forwarded header": Try(
        "GET", f"{API2}/runs/get?run_id={{run}}", headers={"X-Forwarded-User": "{workspace}"}
    ),
    "session cookie": Try(
        "GET", f"{API2}/runs/get?run_id={{run}}", headers={"Cookie": "session={workspace}"}
    ),
    "other host": Try(
        "GET", f"{API2}/runs/get?run_id={{run}}", headers={"Host": "{workspace}.localhost"}
    ),
    # Ways round a path.
    "dots": Try("GET", f"{FILES}/x/../workspaces/{{workspace}}/a.txt"),
    "encoded dots": Try("GET", f"{FILES}/%2e%2e/%2e%2e/{{root}}/a.txt"),
    "twice encoded dots": Try("GET", f"{FILES}/%252e%252e/{{root}}/a.txt"),
    "encoded slash": Try("GET", f"{FILES}/x%2f..%2f..%2f{{workspace}}%2fa.txt"),
    "backslash": Try("GET", f"{FILES}/..%5c..%5c{{root}}%5ca.txt"),
    "absolute": Try("GET", f"{FILES}//etc/passwd"),
    "file scheme": Try("GET", f"{FILES}/file:%2Fetc%2Fpasswd"),
    "NUL": Try("GET", f"{FILES}/{{root}}/a.txt%00.png"),
    "dots in a list": Try("GET", f"{FILES}?path=../{{workspace}}"),
    "dots in a run's list": Try("GET", f"{API2}/artifacts/list?run_id={{run}}&path=../../x"),
    "every workspace's files": Try("GET", f"{FILES}?path=workspaces"),
    "the page's routes": Try("GET", "/ajax-api/2.0/mlflow/runs/get?run_id={run}"),
    "the page's files": Try("GET", "/get-artifact?run_uuid={run}&path=a.txt"),
    "absolute address": Try("GET", f"http://127.0.0.1{API2}/runs/get?run_id={{run}}"),
    # Places of one's own choice.
    "place of an experiment": Try(
        "POST", f"{API2}/experiments/create", {"name": "p1", "artifact_location": "file:///etc"}
    ),
    "place, other spelling": Try(
        "POST", f"{API2}/experiments/create", {"name": "p2", "artifactLocation": "s3://jeux/"}
    ),
    "the other's place": Try(
        "POST", f"{API2}/experiments/create", {"name": "p3", "artifact_location": "{uri}"}
    ),
    "version from a file": Try(
        "POST", f"{API2}/model-versions/create", {"name": "m-le-mien", "source": "file:///etc"}
    ),
    "version from far": Try(
        "POST",
        f"{API2}/model-versions/create",
        {"name": "m-le-mien", "source": "http://192.0.2.1/x"},
    ),
    "place of a trace": Try(
        "POST",
        f"{API2}/traces",
        {
            "experiment_id": "1",
            "timestamp_ms": 1,
            "tags": [{"key": "mlflow.artifactLocation", "value": "file:///etc"}],
        },
    ),
    "twice encoded JSON": Try("POST", f"{API2}/experiments/create", {"": "as text"}),
    # Everything else that MLflow holds.
    "identities": Try("GET", f"{API2}/users/list"),
    "new identity": Try("POST", f"{API2}/users/create", {"username": "x", "password": "y" * 20}),
    "own password": Try(
        "PATCH", f"{API2}/users/update-password", {"username": "x", "password": "y" * 20}
    ),
    "grants": Try("POST", f"{API3}/users/permissions/grant", {"username": "x"}),
    "roles": Try("GET", f"{API3}/roles/list?workspace={{workspace}}"),
    "workspaces": Try("GET", f"{API3}/workspaces"),
    "delete a workspace": Try("DELETE", f"{API3}/workspaces/{{workspace}}?mode=CASCADE"),
    "webhook": Try(
        "POST", f"{API2}/webhooks", {"name": "w", "url": "http://192.0.2.1", "events": []}
    ),
    "model proxy": Try("POST", f"{GATEWAY}/endpoints/create", {"name": "g"}),
    "secret": Try("POST", f"{GATEWAY}/secrets/create", {"secret_name": "s"}),
    "proxy invocation": Try("POST", "/gateway/x/mlflow/invocations", {"messages": []}),
    "proxied address": Try("POST", "/ajax-api/2.0/mlflow/gateway-proxy", {"gateway_path": "x"}),
    "job": Try("POST", "/ajax-api/3.0/jobs", {"function_fullname": "os.system"}),
    "optimization job": Try("POST", f"{API3}/prompt-optimization/jobs", {}),
    "assistant": Try("POST", "/ajax-api/3.0/mlflow/assistant/message", {"message": "x"}),
    "graphql": Try("POST", "/graphql", {"query": "{ __schema { types { name } } }"}),
    "scorer": Try("POST", f"{API3}/scorers/register", {"name": "s"}),
    "presigned": Try("GET", "/api/2.0/mlflow-artifacts/presigned/{root}/a.txt"),
    "multipart": Try("POST", "/api/2.0/mlflow-artifacts/mpu/create/{root}/a.txt", {}),
    "signup": Try("GET", "/signup"),
    "page": Try("GET", "/"),
    "mcp": Try("GET", "/api/3.0/mlflow/mcp-servers"),
    "other method": Try("PUT", f"{API2}/runs/get?run_id={{run}}"),
    "method override": Try(
        "POST", f"{API3}/workspaces/{{workspace}}", {}, {"X-HTTP-Method-Override": "DELETE"}
    ),
}


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


def signed(key: str, **more: str) -> dict[str, str]:
    scope = f"{key}/20261121/us-east-1/s3/aws4_request"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        **more,
    }


COPY = {"x-amz-copy-source": "/{bucket}/secret.txt"}
UNGRANTED = {"x-amz-copy-source": f"/jeux/{DATASET}/v10/table.csv"}
TRAILER = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "Content-Encoding": "aws-chunked",
    "x-amz-trailer": "x-amz-checksum-crc32",
    "x-amz-decoded-content-length": "1",
}
CONFIGURATION = (
    "policy", "acl", "lifecycle", "replication", "notification", "versioning", "cors", "website",
    "logging", "encryption", "tagging", "object-lock", "publicAccessBlock", "ownershipControls",
    "requestPayment", "accelerate", "analytics", "inventory", "metrics", "intelligent-tiering",
    "policyStatus", "versions", "uploads",
)  # fmt: skip

STORAGE = {
    "read": Try("GET", "/{bucket}/secret.txt", at_home=True),
    "look": Try("HEAD", "/{bucket}/secret.txt", at_home=True),
    "list": Try("GET", "/{bucket}?list-type=2", at_home=True),
    "list, old way": Try("GET", "/{bucket}", at_home=True),
    "list of a bucket with a slash": Try("GET", "/{bucket}/", at_home=True),
    "bucket there": Try("HEAD", "/{bucket}", at_home=True),
    "location": Try("GET", "/{bucket}?location", at_home=True),
    "write": Try("PUT", "/{bucket}/new.txt", at_home=True),
    "overwrite": Try("PUT", "/{bucket}/secret.txt"),
    "begin parts": Try("POST", "/{bucket}/big?uploads", at_home=True),
    "a part": Try("PUT", "/{bucket}/big?partNumber=1&uploadId=x"),
    "delete": Try("DELETE", "/{bucket}/a/b.txt", at_home=True),
    "delete many": Try("POST", "/{bucket}?delete", {"delete": "secret.txt"}),
    "copy": Try("PUT", "/{own}/stolen.txt", headers=COPY),
    "copy, encoded": Try(
        "PUT", "/{own}/stolen.txt", headers={"x-amz-copy-source": "%2F{bucket}%2Fsecret.txt"}
    ),
    "copy with dots": Try(
        "PUT",
        "/{own}/stolen.txt",
        headers={"x-amz-copy-source": "/{own}/../{bucket}/secret.txt"},
    ),
    "copy of a part": Try("PUT", "/{own}/big?partNumber=1&uploadId=x", headers=COPY),
    "copy of another version": Try("PUT", "/{own}/stolen.txt", headers=UNGRANTED),
    "dots": Try("GET", "/{own}/../{bucket}/secret.txt"),
    "encoded dots": Try("GET", "/{own}/%2e%2e/{bucket}/secret.txt"),
    "encoded slash": Try("GET", "/{own}%2f..%2f{bucket}/secret.txt"),
    "twice encoded": Try("GET", "/{own}/%252e%252e/{bucket}/secret.txt"),
    "backslash": Try("GET", "/{own}/..%5c{bucket}%5csecret.txt"),
    "double slash": Try("GET", "//{bucket}/secret.txt"),
    "host style": Try("GET", "/secret.txt", headers={"Host": "{bucket}.localhost"}),
    "absolute address": Try("GET", "http://127.0.0.1/{bucket}/secret.txt"),
    "original address header": Try(
        "GET", "/{own}/x", headers={"X-Rewrite-Url": "/{bucket}/x"}, may_be_empty=True
    ),
    "version never granted": Try("GET", f"/jeux/{DATASET}/v2/table.csv"),
    "version with a like name": Try("GET", f"/jeux/{DATASET}/v10/table.csv"),
    "list of all data": Try("GET", "/jeux?list-type=2"),
    "list of a like name": Try("GET", f"/jeux?list-type=2&prefix={DATASET}%2Fv10%2F"),
    "list without the slash": Try("GET", f"/jeux?list-type=2&prefix={DATASET}%2Fv1"),
    "list of two prefixes": Try("GET", f"/jeux?prefix={DATASET}%2Fv1%2F&prefix="),
    "manifests": Try("GET", f"/jeux/.published/{DATASET}/v1.json"),
    "write in the data": Try("PUT", f"/jeux/{DATASET}/v1/table.csv"),
    "delete in the data": Try("DELETE", f"/jeux/{DATASET}/v1/table.csv"),
    "parts in the data": Try("POST", f"/jeux/{DATASET}/v1/big?uploads"),
    "delete many in the data": Try("POST", "/jeux?delete", {"delete": f"{DATASET}/v1/table.csv"}),
    "signed in advance": Try(
        "GET", "/{own}/secret.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0"
    ),
    "signed in advance, old way": Try("GET", "/{own}/secret.txt?AWSAccessKeyId=x&Signature=y"),
    "not signed": Try("GET", "/{own}/secret.txt", headers={"Authorization": ""}),
    "signed the old way": Try("GET", "/{own}/secret.txt", headers={"Authorization": "AWS x:y"}),
    "the other's door key": Try("GET", "/{own}/secret.txt", headers={"key": "{other_key}"}),
    "the real key": Try("GET", "/{own}/secret.txt", headers={"key": "{real_key}"}),
    "administrator's key": Try("GET", "/{own}/secret.txt", headers={"key": "lab-admin"}),
    "another service": Try(
        "POST",
        "/",
        {"form": "Action=ListUsers&Version=2010-05-08"},
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "a key for oneself": Try(
        "POST", "/", {"form": "Action=CreateAccessKey&Version=2010-05-08&UserName={own}"}
    ),
    "a session": Try("POST", "/", {"form": "Action=AssumeRole&Version=2011-06-15"}),
    "a form": Try(
        "POST",
        "/{own}",
        {"form": "x"},
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    ),
    "new bucket": Try("PUT", "/sb-0123456789"),
    "delete one's bucket": Try("DELETE", "/{own}"),
    "unsigned trailer": Try("PUT", "/{own}/t.txt", headers=TRAILER),
    "header of MinIO": Try("GET", "/{own}/secret.txt", headers={"X-Minio-Force-Delete": "true"}),
    "header of SeaweedFS": Try("PUT", "/{own}/t.txt", headers={"Seaweed-Ttl": "1m"}),
    "archive to unpack": Try(
        "PUT", "/{own}/t.tar", headers={"X-Amz-Meta-Snowball-Auto-Extract": "true"}
    ),
    "open to all": Try("PUT", "/{own}/t.txt", headers={"x-amz-acl": "public-read-write"}),
    "given away": Try("PUT", "/{own}/t.txt", headers={"x-amz-grant-read": "id=x"}),
    "session token": Try("GET", "/{own}/secret.txt", headers={"X-Amz-Security-Token": "x"}),
    "object's rights": Try("GET", "/{own}/secret.txt?acl"),
    "set an object's rights": Try("PUT", "/{own}/secret.txt?acl"),
    "old version": Try("GET", "/{own}/secret.txt?versionId=1"),
    "query in an object": Try("POST", "/{own}/secret.txt?select&select-type=2"),
    "server's health": Try("GET", "/healthz"),
    "other method": Try("PATCH", "/{own}/secret.txt"),
    "preflight": Try("OPTIONS", "/{own}/secret.txt"),
    **{f"bucket's {word}": Try("GET", f"/{{own}}?{word}") for word in CONFIGURATION},
    **{
        f"set bucket's {word}": Try("PUT", f"/{{own}}?{word}")
        for word in ("policy", "replication", "notification", "lifecycle", "versioning", "cors")
    },
}


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
