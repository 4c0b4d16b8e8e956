"""The object store is a setting: one lab goes from a SeaweedFS that others run, to a MinIO
that others run, to a MinIO of its own."""

from __future__ import annotations

import secrets
import socket
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from minio import Minio

from lab.parts import marks
from tests.e2e.a_lab import RunningLab, a_lab
from tests.lab_command import run_lab
from tests.parts_fixtures import Storage, minio_program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def elsewhere(storage: Storage) -> tuple[str, ...]:
    """Name a store that others run."""
    return (
        *("--storage", storage.endpoint, "--storage-admin", storage.admin),
        *("--storage-access-key", storage.admin_name),
        *("--storage-secret-file", str(storage.secret_file)),
    )


def buckets(storage: Storage) -> set[str]:
    client = Minio(
        storage.endpoint.removeprefix("http://"),
        access_key=storage.admin_name,
        secret_key=storage.secret,
        region="us-east-1",
        secure=False,
    )
    return {bucket.name for bucket in client.list_buckets()}


def kept(lab: RunningLab) -> dict[str, Any]:
    text = (lab.settings.state_dir / "lab.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text)["storage"]
    return found


def parts(lab: RunningLab) -> set[str]:
    return {each["name"] for each in lab.json("status")["parts"]}


def delete_sandbox(lab: RunningLab) -> None:
    done = lab.lab("sandbox", "delete", lab.sandbox_id, "--yes", "--wait", seconds=240)
    assert done.returncode == 0, done.stderr + lab.logs()


@pytest.fixture(scope="module")
def lab(seaweedfs: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with a_lab(tmp_path_factory.mktemp("elsewhere"), *elsewhere(seaweedfs)) as found:
        yield found


def test_a_sandbox_becomes_ready_on_a_store_that_others_run(
    lab: RunningLab, seaweedfs: Storage
) -> None:
    assert lab.json("sandbox", "show", lab.sandbox_id)["phase"] == "ready"
    assert buckets(seaweedfs) >= {lab.sandbox_id, "jeux"}
    assert "storage" not in parts(lab)
    assert not any(each.part == "storage" for each in marks.find(lab.settings.state_dir))
    assert lab.json("status")["is_up"]


def test_no_other_store_while_a_sandbox_has_objects_in_this_one(lab: RunningLab) -> None:
    before = kept(lab)
    refused = lab.lab("up", "--storage", "seaweedfs")
    assert refused.returncode == 2
    assert lab.sandbox_id in refused.stderr
    assert "delete these sandboxes first" in refused.stderr
    assert kept(lab) == before


def test_a_deleted_sandbox_leaves_nothing_at_the_store(
    lab: RunningLab, seaweedfs: Storage
) -> None:
    delete_sandbox(lab)
    assert lab.sandbox_id not in buckets(seaweedfs)


def test_after_down_the_lab_moves_to_a_minio_of_its_own_and_loses_no_request(
    lab: RunningLab, seaweedfs: Storage
) -> None:
    asked = {each["id"] for each in lab.json("request", "list")}
    assert lab.lab("down").returncode == 0
    assert kept(lab)["endpoint"] == seaweedfs.endpoint
    assert seaweedfs.process.popen is not None
    assert seaweedfs.process.popen.poll() is None
    lab.up("--storage", "minio", "--storage-program", str(minio_program()))
    assert lab.json("sandbox", "show", lab.sandbox_id)["phase"] == "ready"
    assert kept(lab) == {"kind": "minio", "program": str(minio_program())}
    assert asked < {each["id"] for each in lab.json("request", "list")}
    assert "storage" in parts(lab)
    secret = lab.settings.secret("s3-admin-key")
    (store,) = [each for each in marks.find(lab.settings.state_dir) if each.part == "storage"]
    for told in ("cmdline", "environ"):
        text = Path(f"/proc/{store.process.pid}/{told}").read_text(errors="replace")
        assert secret not in text
    delete_sandbox(lab)


def refused(folder: Path, *arguments: str) -> str:
    """Ask for a start that cannot be; nothing may be left of it."""
    env = {"LANG": "C.UTF-8", "LAB_STATE_DIR": str(folder / "lab"), "PATH": "/usr/bin:/bin"}
    done = run_lab(env, "up", *arguments, seconds=60)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "lab" / "lab.toml").exists()
    return " ".join(done.stderr.split())


def test_what_is_wrong_with_a_store_is_said_before_anything_starts(
    seaweedfs: Storage, tmp_path: Path
) -> None:
    secret = tmp_path / "key"
    secret.write_text(secrets.token_urlsafe(32))
    secret.chmod(0o600)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        key = ("--storage-access-key", "lab-admin", "--storage-secret-file", str(secret))
        assert f"the object store at {url} cannot be used" in refused(
            tmp_path, "--storage", url, *key
        )
    assert "cannot be used" in refused(tmp_path, "--storage", seaweedfs.endpoint, *key)
    assert "there is no 'minio' on PATH" in refused(tmp_path, "--storage", "minio")
