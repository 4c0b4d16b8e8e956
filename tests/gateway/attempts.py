"""What one sandbox tries at the tracking and storage doors: the two tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.gateway.conftest import DATASET

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK = "CONFIDENTIEL-DE-L-AUTRE"
API2, API3, FILES = "/api/2.0/mlflow", "/api/3.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"
GATEWAY = f"{API3}/gateway"


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
