from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import grants
from lab.domain.ids import SandboxId
from lab.providers.local import launch
from tests.hub.stage import ANNE, ROOT, SANDBOX, Stage, missing
from tests.hub.test_end_to_end import Kernel, new_kernel, opened, prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

SANDBOX_UID = 64_321


def start_gateway(stage: Stage) -> None:
    key = stage.config.secrets_dir / "gateway-key"
    key.write_text(secrets.token_urlsafe(32))
    told = {
        "grants_dir": str(stage.config.grants_dir),
        "doors_dir": str(stage.config.run_dir / "doors"),
        "attempts_dir": str(stage.config.state_dir / "attempts"),
        "key_file": str(key),
        "port": stage.people_port,
        "public_port": stage.config.public_port,
    }
    path = stage.root / "gateway.json"
    path.write_text(json.dumps(told))
    with (stage.root / "gateway.log").open("wb") as log:
        stage.processes["gateway"] = subprocess.Popen(
            [sys.executable, "-m", "lab.gateway", "--settings", str(path)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            cwd=stage.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    doors = {"sandbox_id": SANDBOX, "doors": ["hub"]}
    grants.write(stage.config.grants_dir, SandboxId(SANDBOX), grants.DOORS, doors)
    door = stage.config.run_dir / "doors" / SANDBOX / "hub.sock"
    stage.wait_until(door.exists, "the hub door is open")


@pytest.fixture(scope="module")
def walled() -> Iterator[Stage]:
    lacking = missing() or ("" if shutil.which("bwrap") else "bwrap")
    if lacking:
        pytest.skip(f"not installed: {lacking}")
    with tempfile.TemporaryDirectory(prefix="vc-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder), launcher="lab.hub.launcher:KeeperLauncher")
        try:
            uid = SANDBOX_UID if os.geteuid() == 0 else None
            order = stage.give_order(ANNE, SANDBOX, uid=uid)
            if uid is not None:
                os.chown(order["home"], uid, uid)
            start_gateway(stage)
            stage.start_proxy()
            stage.start_hub()
            stage.start_server(ANNE, SANDBOX)
            yield stage
        finally:
            for keeper in launch.running(stage.config.run_dir / "keepers"):
                launch.stop(keeper.run_dir)
            stage.close()


async def test_a_person_works_behind_the_walls(walled: Stage) -> None:
    with closing(opened(walled, ANNE)) as client:
        kernel = new_kernel(walled, client, ANNE)
        async with Kernel(walled, client, ANNE, kernel) as channel:
            assert await channel.run("1+1") == "2"
            token = await channel.run("__import__('os').environ['JUPYTERHUB_API_TOKEN'][:6]")
            assert token == "'porte-'"
            home = await channel.run("__import__('os').listdir('/home/scientist')")
            assert "01-depart" in home
            interfaces = await channel.run("[n for _, n in __import__('socket').if_nameindex()]")
            assert interfaces == "['lo']"
        first = client.get(prefix(walled, ANNE), follow_redirects=False)
        assert "/lab/tree/01-depart/depart.ipynb" in first.headers["location"]


def test_the_real_token_is_nowhere_in_the_sandbox(walled: Stage) -> None:
    grant = json.loads((walled.config.grants_dir / SANDBOX / f"hub-{ANNE}.json").read_text())
    (keeper,) = launch.running(walled.config.run_dir / "keepers")
    spec = (keeper.run_dir / "spec.json").read_text()
    assert grant["door_token"] in spec
    assert grant["token"] not in spec


def test_the_keepers_death_is_seen_and_its_grant_goes(walled: Stage) -> None:
    (keeper,) = launch.running(walled.config.run_dir / "keepers")
    grant = walled.config.grants_dir / SANDBOX / f"hub-{ANNE}.json"
    launch.stop(keeper.run_dir)
    walled.wait_until(lambda: not walled.is_ready(ANNE, SANDBOX), "the hub has seen it")
    walled.wait_until(lambda: not grant.exists(), "the grant is gone")
    walled.start_server(ANNE, SANDBOX)
    assert grant.exists()
