from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import grants
from tests.gateway.conftest import DATASET, Lab, forwarded

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.real

NOTEBOOK = Path(".build/notebook/bin/python")


def inside(lab: Lab, tmp_path: Path, script: str, **extra: str) -> str:
    """Run a script with the notebook's Python and the environment a sandbox has."""
    grant = lab.grant(lab.mine, grants.STORAGE)
    with (
        forwarded(lab.door(lab.mine, "storage")) as storage,
        forwarded(lab.door(lab.mine, "tracking")) as tracking,
    ):
        endpoint = f"http://127.0.0.1:{storage}"
        env: Mapping[str, str] = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": grant["door_access_key"],
            "AWS_SECRET_ACCESS_KEY": grant["door_secret_key"],
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ALLOW_HTTP": "true",
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{tracking}",
            "MLFLOW_EXPERIMENT_NAME": "essais",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "BUCKET": lab.mine.id,
            "TABLE": f"s3://jeux/{DATASET}/v1/table.csv",
            "PREFIX": f"jeux/{DATASET}/v1",
            **extra,
        }
        done = subprocess.run(
            [str(NOTEBOOK.absolute()), "-c", script],
            env=dict(env),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


CLIENTS = {
    "boto3": """
import boto3, io, os
from boto3.s3.transfer import TransferConfig
s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
got = s3.get_object(Bucket="jeux", Key=os.environ["TABLE"][len("s3://jeux/"):])["Body"].read()
assert got.startswith(b"age,"), got[:20]
listed = s3.list_objects_v2(Bucket="jeux", Prefix=os.environ["PREFIX"][5:] + "/")["Contents"]
assert len(listed) == 1
s3.put_object(Bucket=bucket, Key="boto3/à voir + 1.txt", Body=b"x" * 10, Metadata={"a": "b"})
assert s3.head_object(Bucket=bucket, Key="boto3/à voir + 1.txt")["Metadata"] == {"a": "b"}
config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
s3.upload_fileobj(io.BytesIO(b"z" * (12 << 20)), bucket, "boto3/big", Config=config)
assert s3.head_object(Bucket=bucket, Key="boto3/big")["ContentLength"] == 12 << 20
part = s3.get_object(Bucket=bucket, Key="boto3/big", Range="bytes=5-9")["Body"].read()
assert part == b"zzzzz"
source = {"Bucket": "jeux", "Key": listed[0]["Key"]}
s3.copy_object(Bucket=bucket, Key="boto3/copy", CopySource=source)
assert {b["Name"] for b in s3.list_buckets()["Buckets"]} == {bucket, "jeux"}
s3.head_bucket(Bucket=bucket); s3.get_bucket_location(Bucket=bucket)
pages = s3.get_paginator("list_objects_v2").paginate(
    Bucket=bucket, Prefix="boto3/", PaginationConfig={"PageSize": 1})
keys = [o["Key"] for page in pages for o in page.get("Contents", [])]
assert len(keys) == 3, keys
upload = s3.create_multipart_upload(Bucket=bucket, Key="boto3/half")["UploadId"]
s3.upload_part(Bucket=bucket, Key="boto3/half", UploadId=upload, PartNumber=1, Body=b"1")
assert len(s3.list_parts(Bucket=bucket, Key="boto3/half", UploadId=upload)["Parts"]) == 1
s3.abort_multipart_upload(Bucket=bucket, Key="boto3/half", UploadId=upload)
s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys[:2]]})
s3.delete_object(Bucket=bucket, Key=keys[2])
assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="boto3/")
""",
    "s3fs": """
import os, s3fs
fs, bucket = s3fs.S3FileSystem(), os.environ["BUCKET"]
assert fs.open(os.environ["TABLE"], "rb").read().startswith(b"age,")
assert len(fs.ls(os.environ["PREFIX"])) == 1
with fs.open(f"{bucket}/s3fs/a.bin", "wb") as out:
    out.write(b"q" * (11 << 20))
assert fs.size(f"{bucket}/s3fs/a.bin") == 11 << 20
assert fs.exists(f"{bucket}/s3fs/a.bin") and not fs.exists(f"{bucket}/s3fs/none")
assert fs.glob(f"{bucket}/s3fs/*") == [f"{bucket}/s3fs/a.bin"]
fs.rm(f"{bucket}/s3fs", recursive=True)
fs.invalidate_cache()
assert not fs.exists(f"{bucket}/s3fs/a.bin")
""",
    "polars": """
import os, polars as pl
assert pl.read_csv(os.environ["TABLE"]).height == 50
assert pl.scan_csv(os.environ["TABLE"]).collect().height == 50
target = f"s3://{os.environ['BUCKET']}/polars/t.parquet"
pl.DataFrame({"a": list(range(1000))}).write_parquet(target)
assert pl.read_parquet(target).height == 1000
assert pl.scan_parquet(f"s3://{os.environ['BUCKET']}/polars/*.parquet").collect().height == 1000
""",
    "pyarrow": """
import os
import pyarrow as pa, pyarrow.fs as fs, pyarrow.parquet as pq
s3 = fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"], scheme="http")
with s3.open_input_stream(os.environ["TABLE"][5:]) as source:
    assert source.read(4) == b"age,"
info = s3.get_file_info(fs.FileSelector(os.environ["PREFIX"]))
assert [i.base_name for i in info] == ["table.csv"]
target = f"{os.environ['BUCKET']}/pyarrow/t.parquet"
pq.write_table(pa.table({"a": list(range(1000))}), target, filesystem=s3)
assert pq.read_table(target, filesystem=s3).num_rows == 1000
s3.delete_file(target)
""",
    "duckdb": """
import os, duckdb
connection = duckdb.connect()
try:
    connection.load_extension("httpfs")
except Exception:
    import duckdb_extension_httpfs as packed, pathlib
    found = next(pathlib.Path(packed.__file__).parent.rglob("httpfs.duckdb_extension"))
    connection.execute("set allow_unsigned_extensions = false")
    connection.execute(f"load '{found}'")
host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
connection.execute(f'''create secret (type s3, key_id '{os.environ["AWS_ACCESS_KEY_ID"]}',
  secret '{os.environ["AWS_SECRET_ACCESS_KEY"]}', region 'us-east-1', endpoint '{host}',
  url_style 'path', use_ssl false)''')
assert connection.sql(f"from read_csv('{os.environ['TABLE']}')").fetchall()[0] == (41, 1200)
target = f"s3://{os.environ['BUCKET']}/duckdb/t.parquet"
connection.sql(f"copy (select * from range(5000)) to '{target}' (format parquet)")
assert connection.sql(f"select count(*) from '{target}'").fetchone() == (5000,)
every = f"s3://{os.environ['BUCKET']}/duckdb/*.parquet"
assert connection.sql(f"select count(*) from '{every}'").fetchone() == (5000,)
""",
}


@pytest.mark.parametrize("name", CLIENTS)
def test_client_reads_lists_writes_and_deletes(lab: Lab, tmp_path: Path, name: str) -> None:
    inside(lab, tmp_path, CLIENTS[name])


MLFLOW = """
import json, os, tempfile, mlflow
from mlflow import MlflowClient
client = MlflowClient()
with mlflow.start_run(run_name="essai") as run:
    mlflow.log_params({"depth": 3, "kind": "rf"})
    for step in range(3):
        mlflow.log_metric("auc", 0.5 + step / 10, step=step)
    mlflow.set_tag("stage", "test")
    mlflow.log_text("bonjour", "notes/lisez-moi.txt")
    mlflow.log_dict({"a": 1}, "conf.json")
    path = os.path.join(tempfile.mkdtemp(), "gros.bin")
    open(path, "wb").write(b"g" * (3 << 20))
    mlflow.log_artifact(path)
    import pandas as pd
    mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"a": [1]}), name="jeu"), "train")
    from sklearn.linear_model import LogisticRegression
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    info = mlflow.sklearn.log_model(model, name="modele", registered_model_name="modele-essai")
found = client.get_run(run.info.run_id)
assert found.data.metrics["auc"] == 0.7 and found.data.params["depth"] == "3"
assert len(client.get_metric_history(run.info.run_id, "auc")) == 3
assert mlflow.artifacts.load_text(f"{found.info.artifact_uri}/notes/lisez-moi.txt") == "bonjour"
listed = {a.path for a in client.list_artifacts(run.info.run_id)}
assert listed >= {"notes", "conf.json", "gros.bin"}
loaded = mlflow.sklearn.load_model("models:/modele-essai/1")
assert list(loaded.predict([[1.0]])) == [1]
client.set_registered_model_alias("modele-essai", "ici", 1)
assert client.get_model_version_by_alias("modele-essai", "ici").version in (1, "1")
assert mlflow.search_runs(experiment_names=["essais"]).shape[0] >= 1
created = mlflow.create_experiment("deuxieme")
client.set_experiment_tag(created, "a", "b")
client.delete_experiment(created)
client.rename_experiment
with mlflow.start_span("calcul") as span:
    span.set_inputs({"x": 1}); span.set_outputs(2)
mlflow.flush_trace_async_logging()
traces = client.search_traces(experiment_ids=[found.info.experiment_id])
print(json.dumps({"run_id": run.info.run_id, "experiment_id": found.info.experiment_id,
  "model_id": info.model_id, "traces": len(traces)}))
"""


def test_mlflow_client_does_its_whole_work(lab: Lab, tmp_path: Path) -> None:
    before = len(lab.attempts(lab.mine))
    out = inside(lab, tmp_path, MLFLOW)
    facts = json.loads(out.strip().splitlines()[-1])
    assert facts["traces"] == 1
    assert lab.attempts(lab.mine)[before:] == []
