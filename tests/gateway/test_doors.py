from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from lab import grants
from lab.domain.attempt import Rule
from lab.domain.ids import SandboxId
from lab.gateway import attempts as attempts_module
from lab.gateway.attempts import AttemptLog
from tests.gateway.conftest import Lab, ask, make_gateway, wait_for_door
from tests.gateway.test_isolation import API2, signed
from tests.parts_fixtures import eventually, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

BIG = 192 * 1024**2


def rss_bytes(pid: int, *, peak: bool = False) -> int:
    word = "VmHWM" if peak else "VmRSS"
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
        line = next(line for line in status if line.startswith(word))
    return int(line.split()[1]) * 1024


def connected(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(20)
    made.connect(str(path))
    return made


def test_revoked_grant_refuses_at_once(lab: Lab) -> None:
    folder, door = lab.folder / "grants", lab.door(lab.mine, "tracking")
    path = f"{API2}/experiments/get-by-name?experiment_name=essais"
    assert ask(door, "GET", path).status == 200
    values = lab.grant(lab.mine, grants.TRACKING)
    grants.remove(folder, lab.mine.id, grants.TRACKING)
    try:
        refused = ask(door, "GET", path)
        assert refused.status == 403
        assert refused.json()["code"] == "door_not_granted"
        assert ask(door, "GET", "/.door").status == 204
    finally:
        grants.write(folder, lab.mine.id, grants.TRACKING, values)
    assert ask(door, "GET", path).status == 200


def test_grant_ends_at_its_date_even_when_nobody_takes_it_away(lab: Lab) -> None:
    folder, door = lab.folder / "grants", lab.door(lab.mine, "storage")
    values = lab.grant(lab.mine, grants.STORAGE)
    headers = signed(values["door_access_key"])
    assert ask(door, "GET", f"/{lab.mine.id}?list-type=2", headers=headers).status == 200
    over = {**values, "expires_at": "2026-01-01T00:00:00+00:00"}
    grants.write(folder, lab.mine.id, grants.STORAGE, over)
    try:
        refused = ask(door, "GET", f"/{lab.mine.id}?list-type=2", headers=headers)
        assert refused.status == 403
        assert "door_not_granted" in refused.text
    finally:
        grants.write(folder, lab.mine.id, grants.STORAGE, values)


def test_closing_drops_what_is_open(lab: Lab) -> None:
    door = lab.door(lab.other, "storage")
    key = lab.grant(lab.other, grants.STORAGE)["door_access_key"]
    head = "".join(f"{n}: {v}\r\n" for n, v in signed(key).items())
    with closing(connected(door)) as idle, closing(connected(door)) as busy:
        idle.sendall(b"GET /.door HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"204" in idle.recv(4096)
        busy.sendall(
            f"PUT /{lab.other.id}/half HTTP/1.1\r\nHost: x\r\n{head}"
            "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        assert b"100 Continue" in busy.recv(4096)
        busy.sendall(b"only some of it")
        grants.remove(lab.folder / "grants", lab.other.id, grants.DOORS)
        started = time.monotonic()
        for each in (idle, busy):
            with suppress(ConnectionResetError):
                assert each.recv(4096) == b""
        assert time.monotonic() - started < 3
    assert eventually(lambda: not door.exists())
    assert ask(lab.door(lab.mine, "storage"), "GET", "/.door").status == 204
    inode = door.parent.stat().st_ino
    lab.open_doors(lab.other)
    wait_for_door(door)
    assert door.parent.stat().st_ino == inode


def test_only_granted_doors_are_there(lab: Lab) -> None:
    lab.open_doors(lab.other, "tracking")
    try:
        assert eventually(lambda: not lab.door(lab.other, "hub").exists())
        assert not lab.door(lab.other, "storage").exists()
        assert ask(lab.door(lab.other, "tracking"), "GET", "/.door").status == 204
    finally:
        lab.open_doors(lab.other)
    for name in ("hub", "tracking", "storage"):
        wait_for_door(lab.door(lab.other, name))


def test_killed_gateway_comes_back_with_the_same_folders(lab: Lab) -> None:
    doors = [lab.door(s, n) for s in (lab.mine, lab.other) for n in ("hub", "tracking", "storage")]
    inodes = [door.parent.stat().st_ino for door in doors]
    lab.process.kill()
    lab.process.start()
    lab.process.wait_ready()
    for door in doors:
        wait_for_door(door)
    assert [door.parent.stat().st_ino for door in doors] == inodes


def test_big_object_goes_through_in_bounded_memory(lab: Lab) -> None:
    door, grant = lab.door(lab.mine, "storage"), lab.grant(lab.mine, grants.STORAGE)
    piece = b"0123456789abcdef" * 65536
    before = rss_bytes(lab.process.pid)
    signature = "".join(f"{n}: {v}\r\n" for n, v in signed(grant["door_access_key"]).items())
    path = f"/{lab.mine.id}/gros"
    with closing(connected(door)) as up:
        up.sendall(
            f"PUT {path} HTTP/1.1\r\nHost: x\r\n{signature}Content-Length: {BIG}\r\n\r\n".encode()
        )
        for _ in range(BIG // len(piece)):
            up.sendall(piece)
        assert b" 200 " in up.recv(4096)
    digest, got = hashlib.sha256(), 0
    with closing(connected(door)) as down:
        asked = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{signature}\r\n"
        down.sendall(asked.encode())
        head = b""
        while b"\r\n\r\n" not in head:  # the body may come with the head, or after it
            head += down.recv(65536)
        rest = head.partition(b"\r\n\r\n")[2]
        while got < BIG:
            digest.update(rest)
            got += len(rest)
            rest = down.recv(1 << 20)
            assert rest or got == BIG
    assert got == BIG
    assert digest.hexdigest() == hashlib.sha256(piece * (BIG // len(piece))).hexdigest()
    assert rss_bytes(lab.process.pid, peak=True) - before < 48 * 1024**2
    ask(door, "DELETE", path, headers=signed(grant["door_access_key"]))


def test_chunks_that_lie_are_refused(lab: Lab) -> None:
    door, grant = lab.door(lab.mine, "storage"), lab.grant(lab.mine, grants.STORAGE)
    streaming = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "5",
        "Content-Encoding": "aws-chunked",
    }
    headers = signed(grant["door_access_key"], **streaming)
    mark = b";chunk-signature=" + b"0" * 64 + b"\r\n"
    good = b"5" + mark + b"hello\r\n0" + mark + b"\r\n"
    path = f"/{lab.mine.id}/chunks"
    assert ask(door, "PUT", path, headers=headers, body=good).status == 200
    plain = signed(grant["door_access_key"])
    assert ask(door, "GET", path, headers=plain).body == b"hello"
    for bad in (
        b"9" + mark + b"hellohell\r\n0" + mark + b"\r\n",
        b"3" + mark + b"hel\r\n0" + mark + b"\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"-5" + mark,
        b"x" * 70_000,
    ):
        with suppress(OSError):  # cut in the middle
            assert ask(door, "PUT", path, headers=headers, body=bad).status >= 400
    assert ask(door, "GET", path, headers=plain).body == b"hello"


def test_service_that_is_down_is_502_and_noted_as_no_attempt(lab: Lab) -> None:
    folder, door = lab.folder / "grants", lab.door(lab.mine, "tracking")
    values = lab.grant(lab.mine, grants.TRACKING)
    down = {**values, "endpoint": f"http://127.0.0.1:{free_ports(1)[0]}"}
    grants.write(folder, lab.mine.id, grants.TRACKING, down)
    noted = len(lab.attempts(lab.mine))
    try:
        answer = ask(door, "GET", f"{API2}/experiments/get?experiment_id=1")
        assert answer.status == 502
        assert answer.json()["code"] == "upstream_down"
    finally:
        grants.write(folder, lab.mine.id, grants.TRACKING, values)
    assert len(lab.attempts(lab.mine)) == noted


def test_large_documents_and_headers_are_refused(lab: Lab) -> None:
    door = lab.door(lab.mine, "tracking")
    length = {"Content-Length": str(17 * 1024**2), "Content-Type": "application/json"}
    answer = ask(door, "POST", f"{API2}/runs/log-batch", headers=length, body=b"{")
    assert answer.status == 413
    assert ask(door, "GET", "/.door", headers={"X-Long": "x" * 20_000}).status == 400
    deep = b'{"a":' * 100 + b"1" + b"}" * 100
    assert ask(door, "POST", f"{API2}/runs/log-batch", body=deep).status == 403


class FakeHub:
    """Says back what it was told, as the real one would be told it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str, str]] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = (await request.read()).decode()
        token = request.headers.get("Authorization", "")
        self.seen.append((request.method, request.raw_path, token, body))
        if request.raw_path.endswith("/oauth2/token"):
            return web.json_response({"access_token": "real-person-token", "token_type": "Bearer"})
        return web.json_response({"ok": True}, headers={"X-JupyterHub-Version": "6.1.1"})


@pytest.fixture
def hub(lab: Lab) -> Iterator[FakeHub]:
    fake, (port,), stop = FakeHub(), free_ports(1), threading.Event()

    async def serve() -> None:
        runner = web.ServerRunner(web.Server(fake.answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.to_thread(stop.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    for member in ("m-00000000aa", "m-00000000bb"):
        values: dict[str, Any] = {
            "endpoint": f"http://127.0.0.1:{port}/hub/api",
            "token": f"real-{member}",
            "door_token": f"porte-{member}",
            "client_id": f"client-{member}",
            "member_id": member,
            "server_name": lab.mine.id,
            "server_prefix": f"/user/{member}/{lab.mine.id}/",
        }
        grants.write(lab.folder / "grants", lab.mine.id, f"hub-{member}.json", values)
    assert eventually(lambda: _listens(port))
    yield fake
    for member in ("m-00000000aa", "m-00000000bb"):
        grants.remove(lab.folder / "grants", lab.mine.id, f"hub-{member}.json")
    stop.set()
    thread.join(10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def form(member: str, **more: str) -> bytes:
    values = {
        "client_id": f"client-{member}",
        "client_secret": f"porte-{member}",
        "grant_type": "authorization_code",
        "code": "abc",
        "redirect_uri": "/x",
        **more,
    }
    return "&".join(f"{name}={value}" for name, value in values.items()).encode()


def test_hub_door_keeps_real_tokens_outside(lab: Lab, hub: FakeHub) -> None:
    door, prefix = lab.door(lab.mine, "hub"), "/hub/api"
    plain = ask(door, "GET", prefix)
    assert plain.headers["X-JupyterHub-Version"] == "6.1.1"
    mine = {"Authorization": "token porte-m-00000000aa"}
    assert ask(door, "GET", f"{prefix}/user", headers=mine).status == 200
    assert hub.seen[-1][2] == "token real-m-00000000aa"
    activity = json.dumps({"servers": {lab.mine.id: {}}, "last_activity": "x"}).encode()
    path = f"{prefix}/users/m-00000000aa/activity"
    assert ask(door, "POST", path, headers=mine, body=activity).status == 200
    exchanged = ask(door, "POST", f"{prefix}/oauth2/token", body=form("m-00000000bb"))
    assert "client_secret=real-m-00000000bb" in hub.seen[-1][3]
    sealed = exchanged.json()["access_token"]
    assert "real-person-token" not in sealed
    said = {"Authorization": f"token {sealed}"}
    assert ask(door, "GET", f"{prefix}/user", headers=said).status == 200
    assert hub.seen[-1][2] == "token real-person-token"


def test_hub_door_refuses_everything_else(lab: Lab, hub: FakeHub) -> None:
    door, prefix = lab.door(lab.mine, "hub"), "/hub/api"
    mine = {"Authorization": "token porte-m-00000000aa"}
    elsewhere = json.dumps({"servers": {"sb-ffffffffff": {}}}).encode()
    own = json.dumps({"servers": {lab.mine.id: {}}}).encode()
    tries: list[tuple[str, str, dict[str, str], bytes | None]] = [
        ("GET", f"{prefix}/users", mine, None),
        ("GET", f"{prefix}/users/m-00000000aa", mine, None),
        ("POST", f"{prefix}/users/m-00000000aa/tokens", mine, b"{}"),
        ("POST", f"{prefix}/users/m-00000000bb/activity", mine, own),
        ("POST", f"{prefix}/users/m-00000000aa/activity", mine, elsewhere),
        ("POST", f"{prefix}/users/m-00000000aa/activity", {}, own),
        ("POST", f"{prefix}/users/m-00000000cc/activity", mine, own),
        ("DELETE", f"{prefix}/users/m-00000000aa/servers/x", mine, None),
        ("GET", f"{prefix}/user?token=x", mine, None),
        ("GET", f"{prefix}/user", {"Authorization": "token real-m-00000000aa"}, None),
        ("GET", f"{prefix}/user", {"Authorization": "token scelle.AAAA"}, None),
        ("GET", f"{prefix}/user", {}, None),
        ("GET", f"{prefix}/info", mine, None),
        ("GET", f"{prefix}/proxy", mine, None),
        ("POST", f"{prefix}/shutdown", mine, b"{}"),
        ("GET", "/hub/home", mine, None),
        ("GET", "/hub/api/../../user/x", mine, None),
        ("POST", f"{prefix}/oauth2/token", {}, form("m-00000000aa", client_secret="x")),
        ("POST", f"{prefix}/oauth2/token", {}, form("m-00000000aa", client_id="client-x")),
        ("POST", f"{prefix}/oauth2/token", {}, form("m-00000000aa", grant_type="password")),
        ("POST", f"{prefix}/oauth2/token", {}, form("m-00000000aa", scope="admin:users")),
    ]
    before = len(hub.seen)
    for method, path, headers, body in tries:
        answer = ask(door, method, path, headers=headers, body=body)
        assert answer.status == 403, (method, path, answer.text)
    assert len(hub.seen) == before
    other = ask(lab.door(lab.other, "hub"), "GET", f"{prefix}/user", headers=mine)
    assert other.json()["code"] == "door_not_granted"


def test_attempts_are_counted_together_and_stay_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, sandbox_id = AttemptLog(tmp_path), SandboxId("sb-0000000001")
    for _ in range(500):
        log.record(sandbox_id, Rule.DOOR_TRACKING, "GET /same\x00\x1b[31m")
    log.flush(everything=True)
    lines = (tmp_path / f"{sandbox_id}.jsonl").read_text().splitlines()
    assert [json.loads(line)["count"] for line in lines] == [1, 499]
    assert json.loads(lines[0])["target"] == "GET /same??[31m"
    monkeypatch.setattr(attempts_module, "MOST_BYTES", 4096)
    for n in range(1000):
        log.record(sandbox_id, Rule.DOOR_TRACKING, f"GET /{n}" + "x" * 500)
    assert (tmp_path / f"{sandbox_id}.jsonl").stat().st_size < 8192


def test_gateway_refuses_a_placeholder_key(tmp_path: Path) -> None:
    process, _, _ = make_gateway(tmp_path, tmp_path / "doors")
    (tmp_path / "admin-key").write_text("changeme-0123456789-abcdef")
    process.start()
    assert process.popen is not None
    assert process.popen.wait(30) != 0
    assert "placeholder" in (tmp_path / "process.log").read_text()
