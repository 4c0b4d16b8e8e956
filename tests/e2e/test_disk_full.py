"""The disk under the whole lab fills up while it runs, and room is made again.

The state folder is on a small file system of its own, in memory, which is made as small as
what it holds: nothing can be written any more. The tests are one story and run in order.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lab import bootstrap, grants
from lab.domain.ids import SandboxId
from lab.parts.seed import Seed
from tests.e2e.a_lab import RunningLab, a_lab, eventually
from tests.gateway.attempts import API2, signed
from tests.gateway.conftest import Reply, ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

ROOM = "size=4g"
UNITS = {"cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count", "sandboxes"}
KEY = {"Idempotency-Key": "disk-full-1"}


def mount(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *words], capture_output=True, text=True, check=False)


@dataclass
class Disk:
    lab: RunningLab
    folder: Path
    requester: httpx.Client
    operator: httpx.Client
    bodies: list[str] = field(default_factory=list)

    def fill(self) -> None:
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        done = mount("-o", f"remount,size={used}", str(self.folder))
        assert done.returncode == 0, done.stderr

    def make_room(self) -> None:
        done = mount("-o", f"remount,{ROOM}", str(self.folder))
        assert done.returncode == 0, done.stderr

    def call(self, client: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
        answer = client.request(method, path, **more)
        self.bodies.append(answer.text)
        return answer

    def ask(self, new_key: dict[str, str] | None = None) -> httpx.Response:
        body = {
            "agency_id": "rft",
            "purpose": "Essai pendant que le disque est plein",
            "datasets": ["demandes-prestations"],
            "template": "01-depart",
            "size": "petit",
            "profile": "standard",
            "ends_on": str(
                (bootstrap.SystemClock().now() + timedelta(days=9))
                .astimezone(self.lab.settings.zone)
                .date()
            ),
            "colleagues": [],
        }
        path = "/api/v1/requests"
        return self.call(self.requester, "POST", path, json=body, headers=new_key or KEY)

    def set_quota(self, sandboxes: int) -> httpx.Response:
        path = "/api/v1/agencies/bnf/quota"
        known = self.call(self.operator, "GET", path)
        if not known.is_success:
            return known
        quota = {unit: value for unit, value in known.json()["quota"].items() if unit in UNITS} | {
            "sandboxes": sandboxes
        }
        match = {"If-Match": known.headers["ETag"]}
        return self.call(self.operator, "PUT", path, json={"quota": quota}, headers=match)

    def door(self, name: str, method: str, target: str, body: bytes | None = None) -> Reply:
        sandbox_id = SandboxId(self.lab.sandbox_id)
        root = self.lab.settings.state_dir / "grants"
        grant = grants.read(root, sandbox_id, grants.STORAGE)
        assert grant is not None
        headers = signed(grant["door_access_key"]) if name == "storage" else {}
        path = self.lab.settings.run_dir / "doors" / sandbox_id / f"{name}.sock"
        reply = ask(path, method, target, headers=headers, body=body)
        self.bodies.append(reply.text)
        return reply


async def token_of(lab: RunningLab, login: str) -> str:
    built = await bootstrap.build(lab.settings)
    try:
        return await Seed(built).token_of(login)
    finally:
        await built.aclose()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path_factory.mktemp("disk")
    done = mount("-t", "tmpfs", "-o", ROOM, "tmpfs", str(folder))
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        with a_lab(folder) as lab:
            tokens = (asyncio.run(token_of(lab, "demandeur")), lab.operator_token)
            clients = [
                httpx.Client(
                    base_url=lab.api_url,
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=60,
                    trust_env=False,
                )
                for token in tokens
            ]
            made = Disk(lab, folder, *clients)
            try:
                yield made
            finally:
                made.make_room()
                for client in clients:
                    client.close()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def phase(disk: Disk, sandbox_id: str) -> str:
    answer = disk.call(disk.operator, "GET", f"/api/v1/sandboxes/{sandbox_id}")
    return str(answer.json().get("phase", "")) if answer.is_success else ""


TABLE = b"a,b\n" + b"1,2\n" * 100


def test_what_is_written_while_there_is_room_is_there(disk: Disk) -> None:
    bucket = disk.lab.sandbox_id
    assert disk.door("storage", "PUT", f"/{bucket}/avant.csv", TABLE).status == 200
    assert phase(disk, bucket) == "ready"


def test_on_a_full_disk_every_refusal_says_why(disk: Disk) -> None:
    disk.fill()
    bucket = disk.lab.sandbox_id
    # What the database has set aside for its log is used up first.
    answer = disk.set_quota(2)
    for count in range(400):
        if answer.status_code != 200:
            break
        answer = disk.set_quota(2 + count % 3)
    assert (answer.status_code, answer.json()["code"]) == (507, "store_full")
    assert answer.headers["content-type"].startswith("application/problem+json")
    refused = disk.ask()
    assert (refused.status_code, refused.json()["code"]) == (507, "store_full")
    path = f"/api/v1/sandboxes/{bucket}"
    match = {"If-Match": disk.call(disk.operator, "GET", path).headers["ETag"]}
    refused = disk.call(disk.operator, "DELETE", path, headers=match)
    assert (refused.status_code, refused.json()["code"]) == (507, "store_full")
    # Nobody loses what can still be read.
    assert disk.call(disk.operator, "GET", "/api/v1/requests").status_code == 200
    assert phase(disk, bucket) == "ready"
    assert disk.call(disk.operator, "GET", "/health/live").status_code == 200


def test_doors_of_a_full_disk_refuse_or_keep_whole(disk: Disk) -> None:
    bucket = disk.lab.sandbox_id
    big = os.urandom(8 * 1024**2)
    reply = disk.door("storage", "PUT", f"/{bucket}/pendant.bin", big)
    assert reply.status >= 500, reply.text
    found = disk.door("storage", "GET", f"/{bucket}/avant.csv")
    assert found.status in {200, 502, 503}
    assert found.status != 200 or found.body == TABLE
    run = disk.door("tracking", "GET", f"{API2}/experiments/get-by-name?experiment_name=essais")
    assert run.status in {200, 500, 502, 503}


def test_once_there_is_room_everything_goes_on(disk: Disk) -> None:
    disk.make_room()
    bucket = disk.lab.sandbox_id
    asked: list[httpx.Response] = []

    def is_taken() -> bool:
        asked.append(disk.ask())
        return asked[-1].is_success

    assert eventually(is_taken, 60), asked[-1].text
    sandbox_id = str(asked[-1].json()["sandbox_id"])
    # The same key is the same request, however often it was refused.
    assert disk.ask().json()["id"] == asked[-1].json()["id"]
    assert eventually(lambda: phase(disk, sandbox_id) == "ready", 240), disk.lab.logs()
    assert phase(disk, bucket) == "ready"
    assert disk.lab.json("status")["is_up"]

    def is_whole() -> bool:
        reply = disk.door("storage", "GET", f"/{bucket}/avant.csv")
        return reply.status == 200 and sha256(reply.body).digest() == sha256(TABLE).digest()

    assert eventually(is_whole, 60)
    big = io.BytesIO(os.urandom(8 * 1024**2)).getvalue()
    assert eventually(
        lambda: disk.door("storage", "PUT", f"/{bucket}/apres.bin", big).status == 200, 120
    ), disk.lab.logs()
    run = f"{API2}/experiments/get-by-name?experiment_name=essais"
    assert eventually(lambda: disk.door("tracking", "GET", run).status == 200, 60)
    for each in (sandbox_id, bucket):
        done = disk.lab.lab("sandbox", "delete", each, "--yes", "--wait", seconds=240)
        assert done.returncode == 0, done.stderr + disk.lab.logs()


def test_the_chain_is_whole_and_nobody_was_shown_the_inside(disk: Disk) -> None:
    assert disk.lab.json("audit", "verify")["holds"]
    assert not [body for body in disk.bodies if "Traceback" in body or 'File "/' in body]
