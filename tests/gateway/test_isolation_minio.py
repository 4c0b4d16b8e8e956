"""The same attempts with MinIO behind the door, some that only MinIO knows, and the real
credential straight at the server, as if the gateway had been broken into."""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import shutil
import tarfile
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest
import urllib3
from minio import Minio, MinioAdmin
from minio.commonconfig import ENABLED, CopySource, Tags
from minio.credentials.credentials import Credentials
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException, S3Error
from minio.signer import sign_v4_s3, sign_v4_sts
from minio.versioningconfig import VersioningConfig

from lab import grants
from lab.domain.dataset import DatasetFile, DatasetRef, DatasetVersion
from lab.domain.ids import DatasetId
from lab.domain.sandbox import Stage
from lab.providers import s3
from lab.providers.s3 import policy
from lab.providers.s3.options import build_datasets
from tests.gateway.attempts import MARK, STORAGE, Try
from tests.gateway.conftest import (
    DATASET,
    TABLE,
    Lab,
    ask,
    make_gateway,
    sandbox_with,
    wait_for_door,
)
from tests.gateway.test_isolation import send_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.domain.sandbox import Sandbox
    from tests.parts_fixtures import Storage

pytestmark = pytest.mark.real

ADMIN = "/minio/admin/v3"
MINIO = {
    # What only this server has, and the ways round its signatures that were published.
    "admin: identities": Try("GET", f"{ADMIN}/list-users"),
    "admin: new identity": Try("PUT", f"{ADMIN}/add-user?accessKey=x"),
    "admin: new key": Try("PUT", f"{ADMIN}/add-service-account"),
    "admin: keys": Try("GET", f"{ADMIN}/list-service-accounts"),
    "admin: configuration": Try("GET", f"{ADMIN}/get-config"),
    "admin: stop": Try("POST", f"{ADMIN}/service?action=stop"),
    "admin: quota": Try("PUT", f"{ADMIN}/set-bucket-quota?bucket={{own}}"),
    "admin: information": Try("GET", f"{ADMIN}/info"),
    "admin: exported identities": Try("GET", f"{ADMIN}/export-iam"),
    "admin: trace": Try("GET", f"{ADMIN}/trace"),
    "metrics": Try("GET", "/minio/v2/metrics/cluster"),
    "health": Try("GET", "/minio/health/cluster"),
    "between servers": Try("GET", "/minio/bootstrap/v1/verify"),
    "kms": Try("GET", "/minio/kms/v1/status"),
    "its own bucket": Try("GET", "/.minio.sys/config/config.json"),
    "its own bucket, listed": Try("GET", "/.minio.sys?list-type=2"),
    "role": Try("POST", "/?Action=AssumeRole&Version=2011-06-15"),
    "role by a token": Try("POST", "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
    "archive that is unpacked": Try("PUT", "/{own}/a.tar", headers={"X-Minio-Extract": "true"}),
    "archive, the other name": Try(
        "PUT", "/{own}/a.tar", headers={"X-Amz-Meta-Snowball-Auto-Extract": "true"}
    ),
    "file out of an archive": Try("GET", "/{own}/a.zip/x", headers={"X-Minio-Extract": "true"}),
    "forced deletion": Try("DELETE", "/{own}", headers={"X-Minio-Force-Delete": "true"}),
    "replica": Try("PUT", "/{own}/r", headers={"X-Minio-Source-Replication-Request": "true"}),
    "unsigned trailer": Try(
        "PUT",
        "/{bucket}/secret.txt",
        headers={
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-trailer": "x-amz-checksum-crc32",
        },
    ),
    "select": Try("POST", "/{own}/secret.txt?select&select-type=2", {"form": "<x/>"}),
    "restore": Try("POST", "/{own}/secret.txt?restore", {"form": "<x/>"}),
    "listing with metadata": Try("GET", "/{bucket}?list-type=2&metadata=true"),
    "events": Try("GET", "/{own}?events=s3:ObjectCreated:*"),
}


async def provision(storage: Storage, folder: Path, *all_of: Sandbox) -> None:
    options = {
        **storage.options,
        "grants_dir": folder / "grants",
        "datasets_dir": folder / "datasets",
    }
    (folder / "table.csv").write_bytes(TABLE)
    keep = build_datasets(options)
    for number in (1, 2, 10):
        file = DatasetFile("table.csv", len(TABLE), sha256(TABLE).hexdigest(), "text/csv")
        ref = DatasetRef(DatasetId(DATASET), number)
        version = DatasetVersion(ref, 50, (), (file,), datetime(2026, 11, 1, tzinfo=UTC))
        await keep.publish(version, {"table.csv": folder / "table.csv"})
    data = s3.build(Stage.DATA, options)
    for sandbox in all_of:
        await data.ensure(sandbox)
    await data.aclose()


def root(lab: Lab) -> Minio:
    return client_of(lab, {"access_key": lab.storage.admin_name, "secret_key": lab.storage.secret})


def client_of(lab: Lab, key: dict[str, str]) -> Minio:
    return Minio(
        lab.storage.endpoint.removeprefix("http://"),
        access_key=key["access_key"],
        secret_key=key["secret_key"],
        region="us-east-1",
        secure=False,
    )


@pytest.fixture(scope="module")
def lab(minio: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("gateway-minio")
    run = Path(tempfile.mkdtemp(prefix="vc-"))  # short: a socket's path has 108 bytes at most
    number = secrets.token_hex(4)
    mine, other = sandbox_with(f"{number}01", 1), sandbox_with(f"{number}02", 2)
    asyncio.run(provision(minio, folder, mine, other))
    process, port, key = make_gateway(folder, run)
    made = Lab(folder, run, port, process, minio, None, key, mine, other)  # type: ignore[arg-type]
    for sandbox, text in ((mine, "le-mien"), (other, MARK)):
        made.open_doors(sandbox, "storage")
        for name in ("secret.txt", "a/b.txt"):
            root(made).put_object(sandbox.id, name, io.BytesIO(text.encode()), len(text))
    process.start()
    try:
        process.wait_ready()
        for sandbox in (mine, other):
            wait_for_door(made.door(sandbox, "storage"))
        yield made
    finally:
        process.stop()
        shutil.rmtree(run, ignore_errors=True)


def state_of(lab: Lab) -> list[object]:
    """Everything of the other, and of the published data: objects, policy, keys, room."""
    client, admin = root(lab), admin_of(lab, (lab.storage.admin_name, lab.storage.secret.strip()))
    # The server writes the words of a policy in another order each time.
    found: list[object] = [
        policy._plain(json.loads(admin.policy_info(f"vase-clos-{lab.other.id}")))
    ]
    found += [json.loads(admin.user_list()), json.loads(admin.bucket_quota_get(lab.other.id))]
    for bucket in (lab.other.id, "jeux"):
        seen = client.list_objects(bucket, recursive=True, include_version=True)
        found += sorted((o.object_name, o.etag, o.version_id) for o in seen)
    for sandbox in (lab.mine, lab.other):
        keys = json.loads(admin.list_service_account(sandbox.id))["accounts"]
        found += sorted((key["accessKey"], key["expiration"]) for key in keys)
    return found


def admin_of(lab: Lab, key: tuple[str, str]) -> MinioAdmin:
    host = lab.storage.endpoint.removeprefix("http://")
    pool = urllib3.PoolManager(timeout=10, retries=False)
    return MinioAdmin(
        endpoint=host,
        credentials=StaticProvider(*key),
        region="us-east-1",
        secure=False,
        http_client=pool,
    )


@pytest.fixture(scope="module", autouse=True)
def unchanged(lab: Lab) -> Iterator[None]:
    # Once around all of them: each look at MinIO's admin side costs a slow key derivation.
    before = state_of(lab)
    yield
    assert state_of(lab) == before


@pytest.mark.parametrize("name", STORAGE | MINIO)
def test_storage_of_another_is_out_of_reach(lab: Lab, name: str) -> None:
    one = (STORAGE | MINIO)[name]
    reply = send_storage(lab, one, {"bucket": lab.other.id})
    expected = {403, 404} if one.may_be_empty else {403}
    assert reply.status in expected, (reply.status, reply.text)
    assert MARK not in reply.text


@pytest.mark.parametrize("name", [name for name, one in STORAGE.items() if one.at_home])
def test_storage_of_ones_own_works(lab: Lab, name: str) -> None:
    reply = send_storage(lab, STORAGE[name], {"bucket": lab.mine.id})
    assert reply.status in {200, 204}, (reply.status, reply.text)


def key_of(lab: Lab) -> tuple[str, str]:
    grant = lab.grant(lab.mine, grants.STORAGE)
    return str(grant["access_key"]), str(grant["secret_key"])


def body() -> tuple[io.BytesIO, int]:
    return io.BytesIO(b"x"), 1


def sts(lab: Lab) -> None:
    """Ask for a role with the real key; raise what the server says."""
    content = urlencode({"Action": "AssumeRole", "Version": "2011-06-15"}).encode()
    split = urlsplit(lab.storage.endpoint + "/")
    now, digest = datetime.now(UTC), sha256(content).hexdigest()
    headers = sign_v4_sts(
        method="POST",
        url=split,
        region="us-east-1",
        headers={
            "Host": split.netloc,
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Amz-Date": now.strftime("%Y%m%dT%H%M%SZ"),
        },
        credentials=Credentials(*key_of(lab)),
        content_sha256=digest,
        date=now,
    )
    plain = {name: str(value) for name, value in headers.items()}
    reply = urllib3.request("POST", split.geturl(), body=content, headers=plain)
    if reply.status != 200:
        raise MinioAdminException(str(reply.status), '{"Code": "AccessDenied"}')


def fetch(lab: Lab, method: str, path: str) -> None:
    """Send one signed request with the real key to a path of the server's own."""
    split = urlsplit(lab.storage.endpoint + path)
    now = datetime.now(UTC)
    headers = sign_v4_s3(
        method=method,
        url=split,
        region="us-east-1",
        headers={
            "Host": split.netloc,
            "X-Amz-Content-Sha256": sha256(b"").hexdigest(),
            "X-Amz-Date": now.strftime("%Y%m%dT%H%M%SZ"),
        },
        credentials=Credentials(*key_of(lab)),
        content_sha256=sha256(b"").hexdigest(),
        date=now,
    )
    plain = {name: str(value) for name, value in headers.items()}
    reply = urllib3.request(method, split.geturl(), headers=plain)
    if reply.status >= 400:
        raise MinioAdminException(str(reply.status), '{"Code": "AccessDenied"}')


DIRECT: dict[str, Callable[[Lab, Minio, MinioAdmin], object]] = {
    "buckets of others": lambda lab, s3_, _: _none_of_others(lab, s3_),
    "read": lambda lab, s3_, _: s3_.get_object(lab.other.id, "secret.txt"),
    "look": lambda lab, s3_, _: s3_.stat_object(lab.other.id, "secret.txt"),
    "list": lambda lab, s3_, _: list(s3_.list_objects(lab.other.id)),
    "list versions": lambda lab, s3_, _: list(
        s3_.list_objects(lab.other.id, include_version=True)
    ),
    "write": lambda lab, s3_, _: s3_.put_object(lab.other.id, "n", *body()),
    "overwrite": lambda lab, s3_, _: s3_.put_object(lab.other.id, "secret.txt", *body()),
    "delete": lambda lab, s3_, _: s3_.remove_object(lab.other.id, "secret.txt"),
    "copy": lambda lab, s3_, _: s3_.copy_object(
        lab.mine.id, "stolen", CopySource(lab.other.id, "secret.txt")
    ),
    "data never granted": lambda _, s3_, __: s3_.get_object("jeux", f"{DATASET}/v2/table.csv"),
    "data with a like name": lambda _, s3_, __: s3_.get_object("jeux", f"{DATASET}/v10/table.csv"),
    "manifest": lambda _, s3_, __: s3_.get_object("jeux", f".published/{DATASET}/v1.json"),
    "list of all data": lambda _, s3_, __: list(s3_.list_objects("jeux", recursive=True)),
    "list of a like name": lambda _, s3_, __: list(
        s3_.list_objects("jeux", f"{DATASET}/v10/", recursive=True)
    ),
    "write in the data": lambda _, s3_, __: s3_.put_object(
        "jeux", f"{DATASET}/v1/table.csv", *body()
    ),
    "delete in the data": lambda _, s3_, __: s3_.remove_object("jeux", f"{DATASET}/v1/table.csv"),
    "lift the hold": lambda _, s3_, __: s3_.disable_object_legal_hold(
        "jeux", f"{DATASET}/v1/table.csv"
    ),
    "new bucket": lambda _, s3_, __: s3_.make_bucket("sb-00000000ff"),
    "delete its bucket": lambda lab, s3_, _: s3_.remove_bucket(lab.mine.id),
    "open its bucket": lambda lab, s3_, _: s3_.set_bucket_policy(
        lab.mine.id, json.dumps({"Version": "2012-10-17", "Statement": []})
    ),
    "version its bucket": lambda lab, s3_, _: s3_.set_bucket_versioning(
        lab.mine.id, VersioningConfig(ENABLED)
    ),
    "label its bucket": lambda lab, s3_, _: s3_.set_bucket_tags(
        lab.mine.id, Tags.new_bucket_tags()
    ),
    "listen to its bucket": lambda lab, s3_, _: next(
        iter(s3_.listen_bucket_notification(lab.mine.id))
    ),
    "the server's own bucket": lambda lab, _, __: fetch(
        lab, "GET", "/.minio.sys/config/config.json"
    ),
    "identities": lambda _, __, admin: admin.user_list(),
    "new identity": lambda _, __, admin: admin.user_add("intruder", "x" * 20),
    "another's password": lambda lab, _, admin: admin.user_add(lab.other.id, "x" * 20),
    "its own password": lambda lab, _, admin: admin.user_add(lab.mine.id, "x" * 20),
    "a key without an end": lambda _, __, admin: admin.add_service_account(),
    "a key with all rights": lambda _, __, admin: admin.add_service_account(
        policy={
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}],
        }
    ),
    "no end for its key": lambda lab, _, admin: admin.update_service_account(
        access_key=key_of(lab)[0], expiration="2099-01-01T00:00:00Z"
    ),
    "its keys": lambda lab, _, admin: admin.list_service_account(lab.mine.id),
    "another's keys": lambda lab, _, admin: admin.list_service_account(lab.other.id),
    "policies": lambda _, __, admin: admin.policy_list(),
    "a policy for all": lambda lab, _, admin: admin.policy_set("readwrite", user=lab.mine.id),
    "its quota": lambda lab, _, admin: admin.bucket_quota_set(lab.mine.id, 0),
    "configuration": lambda lab, _, __: fetch(lab, "GET", f"{ADMIN}/get-config"),
    "stop": lambda _, __, admin: admin.service_stop(),
    "information": lambda _, __, admin: admin.info(),
    "usage of all": lambda _, __, admin: admin.get_data_usage_info(),
    "encryption keys": lambda _, __, admin: admin.kms_key_create("mine"),
    "groups": lambda lab, _, admin: admin.group_add("g", lab.mine.id),
    "role": lambda lab, _, __: sts(lab),
    "exported identities": lambda lab, _, __: fetch(lab, "GET", f"{ADMIN}/export-iam"),
    "metrics": lambda lab, _, __: fetch(lab, "GET", "/minio/v2/metrics/cluster"),
}


def _none_of_others(lab: Lab, client: Minio) -> None:
    names = {bucket.name for bucket in client.list_buckets()}
    assert names <= {lab.mine.id, "jeux"}
    raise MinioAdminException("403", '{"Code": "AccessDenied"}')


@pytest.mark.parametrize("name", DIRECT)
def test_even_the_real_credential_opens_nothing_more(lab: Lab, name: str) -> None:
    access_key, secret_key = key_of(lab)
    client = client_of(lab, {"access_key": access_key, "secret_key": secret_key})
    admin = admin_of(lab, (access_key, secret_key))
    with pytest.raises((S3Error, MinioAdminException)) as caught:
        DIRECT[name](lab, client, admin)
    if isinstance(caught.value, S3Error):
        assert caught.value.code in {"AccessDenied", "AllAccessDisabled", "MethodNotAllowed"}


def archive() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as packed:
        entry = tarfile.TarInfo("plante.txt")
        entry.size = 1
        packed.addfile(entry, io.BytesIO(b"x"))
    return held.getvalue()


def forged(key: str, data: bytes) -> dict[str, str]:
    """Name a key and sign with nothing: the server unpacks it all the same."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{key}/{now[:8]}/us-east-1/s3/aws4_request"
    names = "host;x-amz-content-sha256;x-amz-date"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, "
        f"Signature={'0' * 64}",
        "x-amz-date": now,
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": str(len(data)),
        "x-amz-meta-snowball-auto-extract": "true",
    }


def test_the_published_hole_is_real_and_the_door_hides_it(lab: Lab) -> None:
    # GHSA-9c4q-hq6p-c237: straight at the server the name of a key is enough.
    data, path = archive(), f"/{lab.mine.id}/a.tar"
    headers = forged(key_of(lab)[0], data)
    reply = urllib3.request("PUT", lab.storage.endpoint + path, body=data, headers=headers)
    assert reply.status == 200
    assert root(lab).stat_object(lab.mine.id, "plante.txt").size == 1
    root(lab).remove_object(lab.mine.id, "plante.txt")
    # No sandbox knows such a name: not the real one, not the administrator's.
    grant = lab.grant(lab.mine, grants.STORAGE)
    assert lab.storage.admin_name not in json.dumps(grant)
    assert grant["door_access_key"] not in {grant["access_key"], lab.storage.admin_name}
    for key in (grant["door_access_key"], grant["access_key"], lab.storage.admin_name):
        for target in (path, f"/{lab.other.id}/a.tar"):
            asked = ask(
                lab.door(lab.mine, "storage"), "PUT", target, headers=forged(key, data), body=data
            )
            assert asked.status == 403
    seen = {o.object_name for o in root(lab).list_objects(lab.mine.id, recursive=True)}
    assert not seen & {"plante.txt", "a.tar"}


def test_there_are_enough_attempts() -> None:
    assert len(STORAGE | MINIO) >= 60
    assert len(DIRECT) >= 40


def test_an_end_that_is_taken_from_the_grant_stands_at_the_server_too(lab: Lab) -> None:
    admin = admin_of(lab, (lab.storage.admin_name, lab.storage.secret.strip()))
    (key,) = json.loads(admin.list_service_account(lab.mine.id))["accounts"]
    ends = datetime.fromisoformat(key["expiration"])
    said = datetime.fromisoformat(lab.grant(lab.mine, grants.STORAGE)["expires_at"])
    assert abs(said - ends) < timedelta(seconds=1)
