from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab import grants
from lab.domain.attempt import Rule
from lab.domain.ids import MemberId
from lab.domain.ticket import issue
from lab.gateway.mirror import Mirror
from lab.gateway.office import Answer, OfficeError
from lab.gateway.shipping import MOST_WAITING_BYTES, Shipper
from tests.gateway.attempts import API2, signed
from tests.gateway.conftest import Reply, ask, provision, sandbox_with, wait_for_door
from tests.gateway.office import Office
from tests.parts_fixtures import Process, Storage, Tracking, eventually, free_ports, make_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.domain.sandbox import Sandbox

pytestmark = pytest.mark.real


@dataclass
class Cluster:
    """Two sandboxes, a control plane and a gateway that knows sandboxes by their ports."""

    folder: Path
    office: Office
    process: Process
    people: int
    mine: Sandbox
    other: Sandbox
    ports: dict[str, dict[str, int]]
    wall: int

    def door(self, sandbox: Sandbox, name: str) -> int:
        return self.ports[sandbox.id][name]

    def grant(self, sandbox: Sandbox, name: str) -> dict[str, Any]:
        found = grants.read(self.folder / "made", sandbox.id, name)
        assert found is not None
        return found

    def open_doors(self, sandbox: Sandbox, ports: dict[str, int] | None = None) -> None:
        values = {
            "sandbox_id": sandbox.id,
            "doors": ["storage", "tracking"],
            "ports": ports or self.ports[sandbox.id],
            "address": "10.98.64.9",
            "hub_address": "10.98.64.8",
        }
        self.office.grant(sandbox.id, grants.DOORS, values)

    def list(self, door: Sandbox, *, of: Sandbox, key_of: Sandbox) -> Reply:
        key = self.grant(key_of, grants.STORAGE)["door_access_key"]
        return ask(self.door(door, "storage"), "GET", f"/{of.id}?list-type=2", headers=signed(key))

    def says(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.people}{path}", timeout=5) as got:
                return int(got.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def works(self) -> bool:
        with suppress(OSError):
            return self.list(self.mine, of=self.mine, key_of=self.mine).status == 200
        return False


def door_ports(count: int) -> list[int]:
    return [port for port in free_ports(count * 4) if port >= 20000][:count]


def make_process(folder: Path, office: Office) -> tuple[Process, int, int]:
    (port,), (wall,) = free_ports(1), door_ports(1)
    settings = {
        "GRANTS_DIR": folder / "mirror",
        "DOOR_HOST": "::",
        "WALL_PORT": wall,
        "PEOPLE_HOST": "::",
        "ATTEMPTS_DIR": folder / "attempts",
        "KEY_FILE": make_secret(folder),
        "PORT": port,
        "PUBLIC_PORT": 8080,
        "CONTROL_PLANE": office.url,
        "TOKEN_FILE": office.token_file,
        "POLL_SECONDS": 0.05,
        "MIRROR_SECONDS": 0.1,
    }
    env = {f"LAB_GATEWAY_{name}": str(value) for name, value in settings.items()}
    process = Process(
        argv=[sys.executable, "-m", "lab.gateway"],
        env=env | {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), "LANG": "C.UTF-8"},
        ready_url=f"http://127.0.0.1:{port}/ready",
        folder=folder,
    )
    return process, port, wall


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(tmp_path_factory.mktemp("office")).running() as running:
        yield running


@pytest.fixture(scope="module")
def lab(
    storage: Storage,
    tracking: Tracking,
    office: Office,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("gateway-on-cluster")
    number = secrets.token_hex(3)
    mine, other = sandbox_with(f"d4{number}01", 1), sandbox_with(f"d4{number}02", 2)
    asyncio.run(provision(storage, tracking, folder, mine, other))
    (folder / "grants").rename(folder / "made")
    found = door_ports(6)
    ports = {
        mine.id: dict(zip(("storage", "tracking", "report"), found[:3], strict=True)),
        other.id: dict(zip(("storage", "tracking", "report"), found[3:], strict=True)),
    }
    process, people, wall = make_process(folder, office)
    made = Cluster(folder, office, process, people, mine, other, ports, wall)
    for sandbox in (mine, other):
        office.know(sandbox.id)
        for name in (grants.STORAGE, grants.TRACKING):
            office.grant(sandbox.id, name, made.grant(sandbox, name))
        made.open_doors(sandbox)
    process.start()
    try:
        process.wait_ready()
        for sandbox in (mine, other):
            for port in ports[sandbox.id].values():
                wait_for_door(port)
        yield made
    finally:
        process.stop()


def test_a_sandbox_reaches_its_own_through_its_own_ports(lab: Cluster) -> None:
    assert lab.list(lab.mine, of=lab.mine, key_of=lab.mine).status == 200
    path = f"{API2}/experiments/get-by-name?experiment_name=essais"
    for sandbox in (lab.mine, lab.other):
        reply = ask(lab.door(sandbox, "tracking"), "GET", path)
        assert reply.status == 200
        assert sandbox.id in reply.json()["experiment"]["artifact_location"]


def test_the_port_alone_says_who_speaks(lab: Cluster) -> None:
    for door, of, key_of in (
        (lab.mine, lab.other, lab.mine),
        (lab.mine, lab.other, lab.other),
        (lab.mine, lab.mine, lab.other),
        (lab.other, lab.mine, lab.mine),
    ):
        reply = lab.list(door, of=of, key_of=key_of)
        assert reply.status == 403, (door.id, of.id, key_of.id)


def test_doors_are_open_on_both_families_of_addresses(lab: Cluster) -> None:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with closing(socket.socket(family)) as made:
            made.settimeout(5)
            made.connect((host, lab.door(lab.mine, "storage")))
            made.sendall(b"GET /.door HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 204 " in made.recv(4096)


def test_the_port_that_no_policy_opens_takes_a_connection_and_says_nothing(lab: Cluster) -> None:
    for host in ("127.0.0.1", "::1"):
        for said in (b"", b"GET /.door HTTP/1.1\r\nHost: x\r\n\r\n"):
            with closing(socket.create_connection((host, lab.wall), timeout=5)) as made:
                heard = b""
                with suppress(ConnectionError):
                    made.sendall(said)
                    heard = made.recv(4096)
                assert heard == b""


def test_no_grant_makes_a_door_of_that_port(lab: Cluster) -> None:
    lab.open_doors(lab.other, lab.ports[lab.other.id] | {"storage": lab.wall})
    wait_for_door(lab.door(lab.other, "storage"), is_open=False)
    wait_for_door(lab.wall, is_open=False, seconds=1)
    lab.open_doors(lab.other)
    wait_for_door(lab.door(lab.other, "storage"))
    with closing(socket.create_connection(("127.0.0.1", lab.wall), timeout=5)):
        pass


def test_a_revoked_door_closes_and_drops_who_is_in_it(lab: Cluster) -> None:
    door = lab.door(lab.other, "storage")
    with closing(socket.create_connection(("127.0.0.1", door), timeout=10)) as idle:
        idle.sendall(b"GET /.door HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 204 " in idle.recv(4096)
        began = time.monotonic()
        lab.office.revoke(lab.other.id, grants.DOORS)
        with suppress(ConnectionResetError):
            assert idle.recv(4096) == b""
        assert time.monotonic() - began < 5
    for port in lab.ports[lab.other.id].values():
        wait_for_door(port, is_open=False)
    assert ask(lab.door(lab.mine, "storage"), "GET", "/.door").status == 204
    lab.open_doors(lab.other)
    for port in lab.ports[lab.other.id].values():
        wait_for_door(port)


def test_a_revoked_grant_closes_nothing_but_opens_nothing(lab: Cluster) -> None:
    lab.office.revoke(lab.mine.id, grants.STORAGE)
    try:
        assert eventually(lambda: lab.list(lab.mine, of=lab.mine, key_of=lab.mine).status == 403)
    finally:
        lab.office.grant(lab.mine.id, grants.STORAGE, lab.grant(lab.mine, grants.STORAGE))
    assert eventually(lab.works)


def test_a_door_that_moves_is_closed_where_it_was(lab: Cluster) -> None:
    before = lab.ports[lab.other.id]
    moved = before | {"storage": door_ports(1)[0]}
    lab.open_doors(lab.other, moved)
    wait_for_door(moved["storage"])
    wait_for_door(before["storage"], is_open=False)
    lab.open_doors(lab.other)
    wait_for_door(before["storage"])


def test_a_port_that_two_claim_is_nobodys(lab: Cluster) -> None:
    taken = lab.door(lab.mine, "storage")
    lab.open_doors(lab.other, lab.ports[lab.other.id] | {"storage": taken})
    wait_for_door(taken, is_open=False)
    lab.open_doors(lab.other)
    wait_for_door(taken)
    assert lab.list(lab.mine, of=lab.mine, key_of=lab.mine).status == 200


def test_no_grant_opens_a_port_of_the_gateways_own(lab: Cluster) -> None:
    (low,) = (port for port in (8003,) if port < 20000)
    lab.open_doors(lab.other, lab.ports[lab.other.id] | {"storage": low})
    wait_for_door(lab.door(lab.other, "storage"), is_open=False)
    wait_for_door(low, is_open=False, seconds=1)
    lab.open_doors(lab.other)
    wait_for_door(lab.door(lab.other, "storage"))


def put_report(lab: Cluster, path: str, body: bytes, method: str = "PUT") -> Reply:
    headers = {"Content-Type": "application/json"}
    return ask(lab.door(lab.mine, "report"), method, path, headers=headers, body=body)


def test_a_report_goes_to_the_control_plane_under_the_doors_own_name(lab: Cluster) -> None:
    run = secrets.token_hex(4)
    body = json.dumps({"sandbox_id": lab.other.id, "results": [1, 2]}).encode()
    assert put_report(lab, f"/report/{run}", body).status == 204
    kept = lab.office.report(lab.mine.id, run)
    assert kept == {"sandbox_id": lab.other.id, "results": [1, 2]}
    assert lab.office.report(lab.other.id, run) is None
    again = put_report(lab, f"/report/{run}", b'{"forged": true}', "POST")
    assert (again.status, again.json()["code"]) == (409, "already_reported")
    assert lab.office.report(lab.mine.id, run) == kept


@pytest.mark.parametrize(
    ("path", "body", "method", "status"),
    [
        ("/report/r1", b"x" * 300_000, "PUT", 413),
        ("/report/r1", b"no json", "PUT", 403),
        ("/report/r1", b"[1]", "PUT", 403),
        ("/report/r1", b"", "GET", 403),
        ("/report/r1", b"{}", "DELETE", 403),
        ("/report/", b"{}", "PUT", 403),
        ("/report/a/b", b"{}", "PUT", 403),
        ("/report/..%2f..%2fgrants", b"{}", "PUT", 403),
        ("/report/r1?run=other", b"{}", "PUT", 403),
        ("/report/R1", b"{}", "PUT", 403),
        ("/internal/v1/grants", b"", "GET", 403),
        ("/internal/v1/attempts", b"{}", "POST", 403),
        (f"/report/{'a' * 64}", b"{}", "PUT", 403),
    ],
)
def test_the_report_door_passes_nothing_else(
    lab: Cluster, path: str, body: bytes, method: str, status: int
) -> None:
    assert put_report(lab, path, body, method).status == status
    assert lab.office.report(lab.mine.id, "r1") is None


def test_refused_attempts_reach_the_control_plane_once(lab: Cluster) -> None:
    path = f"/jeux/{secrets.token_hex(4)}"
    key = lab.grant(lab.mine, grants.STORAGE)["door_access_key"]
    for _ in range(3):
        ask(lab.door(lab.mine, "storage"), "DELETE", path, headers=signed(key))

    def kept() -> list[int]:
        found = [a for a in lab.office.attempts(lab.mine.id) if a.target == f"DELETE {path}"]
        assert all(a.rule is Rule.DOOR_STORAGE and a.member_id is None for a in found)
        return [a.count for a in found]

    assert eventually(lambda: sum(kept()) == 1)
    assert eventually(lambda: sum(kept()) == 3, 20), "the others are counted and come together"
    assert eventually(lambda: not list((lab.folder / "attempts").glob("*.sending")))


def test_what_is_open_stays_open_while_the_control_plane_is_away(lab: Cluster) -> None:
    lab.office.stop()
    path = f"/jeux/{secrets.token_hex(4)}"
    key = lab.grant(lab.mine, grants.STORAGE)["door_access_key"]
    try:
        for _ in range(3):
            time.sleep(0.4)
            assert lab.list(lab.mine, of=lab.mine, key_of=lab.mine).status == 200
        assert put_report(lab, "/report/later", b"{}").status == 502
        ask(lab.door(lab.mine, "storage"), "DELETE", path, headers=signed(key))
        lab.process.kill()  # what was noted and not taken yet survives this too
        lab.process.start()
        assert eventually(lambda: lab.says("/live") == 200, 30)
        assert lab.says("/ready") == 503
        assert eventually(lab.works)
    finally:
        lab.office.start()
    assert eventually(lambda: lab.says("/ready") == 200)
    assert put_report(lab, "/report/later", b"{}").status == 204
    assert eventually(
        lambda: f"DELETE {path}" in {a.target for a in lab.office.attempts(lab.mine.id)}, 40
    )


def test_a_gateway_on_an_empty_disk_finds_everything_again(lab: Cluster) -> None:
    lab.process.kill()
    for path in sorted((lab.folder / "mirror").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    lab.process.start()
    lab.process.wait_ready()
    for sandbox in (lab.mine, lab.other):
        for port in lab.ports[sandbox.id].values():
            wait_for_door(port)
    modes = {path.stat().st_mode & 0o777 for path in (lab.folder / "mirror").rglob("*.json")}
    assert modes == {0o600}


def test_the_people_side_asks_for_the_same_ticket_as_on_one_machine(lab: Cluster) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{lab.people}/", headers={"Host": f"{lab.mine.id}.vaseclos.localhost"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 401
    caught.value.close()
    request.full_url = f"http://127.0.0.1:{lab.people}/live"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 401, "under a sandbox's name it is one of that page's addresses"
    caught.value.close()


def test_a_ticket_opens_once_whatever_becomes_of_the_gateway(lab: Cluster) -> None:
    key = (lab.folder / "admin-key").read_text().encode()
    member_id = MemberId("m-0000000001")
    token = issue(key, sandbox_id=lab.mine.id, member_id=member_id, now=datetime.now(UTC))

    def enter() -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", lab.people, timeout=30)) as made:
            host = {"Host": f"{lab.mine.id}.vaseclos.localhost"}
            made.request("GET", f"/entrer?jeton={token}", headers=host)
            return made.getresponse().status

    assert enter() == 303
    assert enter() == 403
    lab.process.kill()  # what it remembered is gone, and another replica never knew it
    lab.process.start()
    lab.process.wait_ready()
    assert enter() == 403


class FakeOffice:
    def __init__(self, *contents: Any) -> None:
        self.contents = list(contents)
        self.sent: list[tuple[str, list[dict[str, Any]]]] = []
        self.error: OfficeError | None = None

    async def grants(self, etag: str) -> Answer:
        content = self.contents.pop(0)
        if isinstance(content, Exception):
            raise content
        return Answer(etag + "x", content)

    async def send_attempts(self, batch: str, attempts: list[dict[str, Any]]) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((batch, attempts))


ONE = {"sandbox_id": "sb-d400000001", "name": "storage.json", "values": {"a": 1}}


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"grants": "x"},
        {"grants": [{}]},
        {"grants": [ONE, {**ONE, "sandbox_id": "../../etc"}]},
        {"grants": [ONE, {**ONE, "sandbox_id": "sb-other"}]},
        {"grants": [ONE, {**ONE, "name": "../storage.json"}]},
        {"grants": [ONE, {**ONE, "name": ".hidden"}]},
        {"grants": [ONE, {**ONE, "values": None}]},
        OfficeError("down", status=500),
    ],
)
async def test_of_an_answer_that_is_wrong_nothing_is_followed(tmp_path: Path, bad: Any) -> None:
    good = {"grants": [ONE, {**ONE, "name": "tracking.json"}]}
    office = FakeOffice(good, bad, {"grants": [ONE]})
    mirror = Mirror(office=office, folder=tmp_path, every_seconds=1)  # type: ignore[arg-type]
    await mirror.look()
    there = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.json"))
    assert there == ["sb-d400000001/storage.json", "sb-d400000001/tracking.json"]
    await mirror.look()
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.json")) == there
    await mirror.look()
    assert [path.name for path in tmp_path.rglob("*.json")] == ["storage.json"]


async def test_a_batch_is_sent_under_one_name_until_it_is_taken(tmp_path: Path) -> None:
    office = FakeOffice()
    shipper = Shipper(office=office, folder=tmp_path)  # type: ignore[arg-type]
    line = json.dumps({"rule": "door_hub", "target": "GET /", "at": "now", "count": 1})
    (tmp_path / "sb-d400000001.jsonl").write_text(f"{line}\n{line[:10]}")
    (tmp_path / "notes.jsonl").write_text("not ours")
    office.error = OfficeError("down")
    assert not await shipper.ship()
    (waiting,) = tmp_path.glob("*.sending")
    (tmp_path / "sb-d400000001.jsonl").write_text(line + "\n")
    assert not await shipper.ship()
    assert [*tmp_path.glob("*.sending")] == [waiting], "one batch of a sandbox at a time"
    office.error = None
    assert await shipper.ship()
    ((batch, attempts),) = office.sent
    assert batch == waiting.name.split(".")[1]
    assert attempts == [json.loads(line) | {"sandbox_id": "sb-d400000001"}]
    assert await shipper.ship()
    assert len(office.sent) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.jsonl"]


async def test_a_batch_that_is_refused_for_good_keeps_nothing_up(tmp_path: Path) -> None:
    office = FakeOffice()
    office.error = OfficeError("no", status=422)
    (tmp_path / "sb-d400000001.jsonl").write_text("{}\n")
    shipper = Shipper(office=office, folder=tmp_path)  # type: ignore[arg-type]
    assert await shipper.ship()
    assert list(tmp_path.iterdir()) == []


async def test_notes_that_nobody_takes_leave_room_for_the_grants(tmp_path: Path) -> None:
    small, large = tmp_path / "sb-d400000001.jsonl", tmp_path / "sb-d400000002.ab.sending"
    small.write_bytes(b"x" * 1000)
    large.write_bytes(b"x" * MOST_WAITING_BYTES)
    shipper = Shipper(office=FakeOffice(), folder=tmp_path)  # type: ignore[arg-type]
    shipper._trim()
    assert list(tmp_path.iterdir()) == [small]
    shipper._trim()
    assert list(tmp_path.iterdir()) == [small]
