from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest

from tests.hub.direct import free_port
from tests.hub.stage import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = RUNTIME / "bin" / "jupyter-server"
IDLE_SECONDS = 4
pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(240),
]


@contextmanager
def server(home: Path, idle_seconds: int) -> Iterator[tuple[httpx.Client, Any]]:
    port = free_port()
    argv = [SERVER, f"--port={port}", "--allow-root", "--no-browser", "--ServerApp.token=x"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *argv, f"--ServerApp.root_dir={home}"],
            env={
                "HOME": str(home),
                "PATH": f"{RUNTIME}/bin:{os.environ['PATH']}",
                "LAB_IDLE_SECONDS": str(idle_seconds),
            },
            stdout=log,
            stderr=log,
        )
    headers = {"Authorization": "token x"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
            until(lambda: answers(client), 90)
            yield client, process
    finally:
        process.kill()
        process.wait(30)


def answers(client: httpx.Client) -> bool:
    """Ask as an open tab does."""
    try:
        asked = [client.get(path) for path in ("/api/kernels", "/api/sessions", "/api/status")]
    except httpx.HTTPError:
        return False
    return all(answer.status_code == 200 for answer in asked)


def until(condition: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_a_tab_that_is_only_open_does_not_keep_a_server(tmp_path: Path) -> None:
    with server(tmp_path, IDLE_SECONDS) as (client, process):
        # What the hub hears, and the lab tells of: use, not what a tab asks.
        said = client.get("/api/status").json()["last_activity"]
        assert client.get("/api/status").json()["last_activity"] == said
        assert client.post("/api/kernels", json={"name": "python3"}).status_code == 201
        until(lambda: not answers(client), 60)
        assert process.wait(60) == 0
        assert "Nobody has used this server" in (tmp_path / "log").read_text()


async def test_a_kernel_that_computes_keeps_it_with_nobody_there(tmp_path: Path) -> None:
    with server(tmp_path, IDLE_SECONDS) as (client, process):
        kernel = client.post("/api/kernels", json={"name": "python3"}).json()["id"]
        url = f"{client.base_url}/api/kernels/{kernel}/channels?token=x"
        header = {"msg_id": "1", "msg_type": "execute_request", "username": "", "session": "s"}
        code = f"import time; time.sleep({4 * IDLE_SECONDS})"
        content = {"code": code, "silent": False, "store_history": False}
        message = {"channel": "shell", "header": header | {"version": "5.3", "date": ""}}
        message |= {"parent_header": {}, "metadata": {}, "content": content}
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_str(json.dumps(message))
            async for said in socket:
                if '"execution_state": "busy"' in said.data:
                    break
        started = time.monotonic()
        # Nobody is connected any more, and what runs is let end.
        process.wait(120)
        assert time.monotonic() - started > 4 * IDLE_SECONDS - 2
