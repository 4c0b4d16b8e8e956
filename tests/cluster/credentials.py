"""A sandbox's credential taken away at the store, and a program that reads on meanwhile."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cluster.whole import WholeLab

BEFORE_SECONDS = 3
TAKE_KEYS = """
import asyncio
from lab.domain.secret import Secret
from lab.providers.s3.minio_admin import MinioAdmin
from lab.settings import from_environment

async def take() -> None:
    settings = from_environment()
    cluster = settings.on_cluster
    secret = settings.secrets_dir / "s3-admin-key"
    admin = MinioAdmin(
        endpoint=cluster.storage_url, region=cluster.storage_region,
        access_key=cluster.storage_access_key,
        secret_key=Secret.checked(secret.read_text(), name=secret.name), timeout=20,
    )
    keys = await admin.keys_of("@SANDBOX@")
    for key in keys:
        await admin.delete_key("@SANDBOX@", key)
    await admin.aclose()
    print(len(keys))

asyncio.run(take())
"""
"""As somebody does who learns that a credential leaked: the store forgets it."""
READ_ON = """
import os, time
from pathlib import Path
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

key, secret = ((Path("/etc/lab/acces") / name).read_text().strip()
               for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
store = botocore.session.get_session().create_client(
    "s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1",
    aws_access_key_id=key, aws_secret_access_key=secret,
    config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=5),
)
began, said = time.monotonic(), []
while time.monotonic() - began < 90 and said != ["read", "refused", "read"]:
    try:
        store.list_objects_v2(Bucket="@SANDBOX@")
        now = "read"
    except (BotoCoreError, ClientError):
        now = "refused"
    if said[-1:] != [now]:
        said.append(now)
        print(now, flush=True)
    time.sleep(0.1)
"""
"""One process with the keys that it began with."""


def replaced_under(lab: WholeLab, sandbox_id: str, pod: str) -> tuple[list[str], float]:
    """Take the credential away at the store while a program of the notebook's reads with its keys.

    Returns:
        What became of its reads, each change once; and after how many seconds it read again.
    """
    with ThreadPoolExecutor(1) as pool:
        program = READ_ON.replace("@SANDBOX@", sandbox_id)
        reading = pool.submit(lab.inside, sandbox_id, pod, program)
        time.sleep(BEFORE_SECONDS)
        taken = lab.kubectl(
            "exec", "-i", "-n", lab.release.namespace, "deploy/reconciler", "--",
            "/opt/lab/bin/python", "-", stdin=TAKE_KEYS.replace("@SANDBOX@", sandbox_id),
        )  # fmt: skip
        began = time.monotonic()
        assert int(taken) == 1
        return reading.result().split(), time.monotonic() - began
