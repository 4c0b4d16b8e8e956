from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.fernet import Fernet

from lab.domain.attempt import Rule
from lab.domain.ids import SandboxId
from lab.domain.sandbox import SANDBOX_CHANGED
from lab.grants import DOORS, STORAGE
from lab.settings import Settings
from lab.store import SqlGrants
from lab.web.app import create_app
from tests.conftest import NOON, make_sandbox
from tests.web.conftest import SECRETS, WebLab, build_lab, settings_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.conftest import FixedClock

TOKEN = "m1n2b3v4c5x6z7l8k9j0h1g2"
DIGEST = "registry:5000/x@sha256:" + "a" * 64
MINE = "sb-d400000001"


@pytest.fixture
async def lab(tmp_path: Path, clock: FixedClock) -> AsyncIterator[WebLab]:
    settings = settings_in(tmp_path)
    (settings.secrets_dir / "gateway-token").write_text(TOKEN)
    on_cluster = Settings(
        state_dir=settings.state_dir,
        run_dir=settings.run_dir,
        runtime="kubernetes",
        public_url="http://vaseclos.localhost:8080",
        database_url="postgresql+psycopg://not-used/lab",
        cluster={"images": {"notebook": DIGEST, "probe": DIGEST}},
    )
    built = await build_lab(on_cluster, clock)
    built.grants = SqlGrants(built.store, [Fernet.generate_key().decode()])
    yield built
    await built.store.aclose()


@pytest.fixture
async def gateway(lab: WebLab) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(lab, run_controller=False))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api:8001", headers=headers
    ) as client:
        yield client


async def put_sandbox(lab: WebLab) -> None:
    async with lab.store.begin() as tx:
        await tx.sandboxes.put(make_sandbox(MINE))


async def test_only_the_gateways_own_token_opens_its_routes(gateway: httpx.AsyncClient) -> None:
    for token in ("", "x" * 24, SECRETS["hub-api-token"], SECRETS["session-key"]):
        headers = {"Authorization": f"Bearer {token}"} if token else {"Authorization": ""}
        for method, path in (
            ("GET", "/internal/v1/grants"),
            ("POST", "/internal/v1/attempts"),
            ("PUT", f"/internal/v1/sandboxes/{MINE}/report?run=r1"),
        ):
            answer = await gateway.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)
    hub = await gateway.get(f"/internal/v1/sandboxes/{MINE}/launch?member=m-1")
    assert hub.status_code == 401, "the gateway is not the hub"


async def test_grants_come_whole_and_then_only_when_they_change(
    lab: WebLab, gateway: httpx.AsyncClient
) -> None:
    assert isinstance(lab.grants, SqlGrants)
    first = await gateway.get("/internal/v1/grants")
    assert (first.status_code, first.json()) == (200, {"grants": []})
    await lab.grants.write(SandboxId(MINE), STORAGE, {"access_key": "a", "n": 1})
    await lab.grants.write(SandboxId(MINE), "access.json", {"mark": "not for the gateway"})
    known = {"If-None-Match": first.headers["etag"]}
    second = await gateway.get("/internal/v1/grants", headers=known)
    assert second.json() == {
        "grants": [{"sandbox_id": MINE, "name": STORAGE, "values": {"access_key": "a", "n": 1}}]
    }
    assert second.headers["cache-control"] == "no-store"
    known = {"If-None-Match": second.headers["etag"]}
    third = await gateway.get("/internal/v1/grants", headers=known)
    assert (third.status_code, third.content) == (304, b"")
    await lab.grants.write(SandboxId(MINE), DOORS, {"doors": []})
    assert (await gateway.get("/internal/v1/grants", headers=known)).status_code == 200


def line(**changes: object) -> dict[str, object]:
    return {
        "sandbox_id": MINE,
        "rule": "door_storage",
        "target": "GET /x",
        "at": "2026-11-21T12:00:00.250+00:00",
        "count": 2,
    } | changes


async def test_attempts_are_kept_once_however_often_they_are_sent(
    lab: WebLab, gateway: httpx.AsyncClient
) -> None:
    await put_sandbox(lab)
    batch = {"batch": "b1", "attempts": [line(), line(target="GET /y"), line(rule="door_report")]}
    for _ in range(2):
        answer = await gateway.post("/internal/v1/attempts", json=batch)
        assert (answer.status_code, answer.json()) == (200, {"kept": 3})
    async with lab.store.read() as tx:
        kept = await tx.sandboxes.attempts(SandboxId(MINE))
    assert len(kept) == 3
    assert {one.rule for one in kept} == {Rule.DOOR_STORAGE, Rule.DOOR_REPORT}
    assert {one.count for one in kept} == {2}


async def test_attempts_of_a_sandbox_that_never_was_are_dropped(
    lab: WebLab, gateway: httpx.AsyncClient
) -> None:
    await put_sandbox(lab)
    batch = {"attempts": [line(), line(sandbox_id="sb-d4ffffffff")]}
    assert (await gateway.post("/internal/v1/attempts", json=batch)).json() == {"kept": 1}


@pytest.mark.parametrize(
    "bad",
    [
        {"sandbox_id": "../x"},
        {"rule": "no_such_rule"},
        {"target": "x" * 300},
        {"target": "a\u0000b"},
        {"at": "2026-11-21T12:00:00"},
        {"at": "yesterday"},
        {"count": 0},
        {"count": "2"},
        {"more": 1},
    ],
)
async def test_attempts_that_are_none_are_refused_for_good(
    lab: WebLab, gateway: httpx.AsyncClient, bad: dict[str, object]
) -> None:
    await put_sandbox(lab)
    answer = await gateway.post("/internal/v1/attempts", json={"attempts": [line(**bad)]})
    assert answer.status_code == 422, answer.text


async def test_a_report_is_kept_once_and_has_its_sandbox_looked_at(
    lab: WebLab, gateway: httpx.AsyncClient
) -> None:
    path = f"/internal/v1/sandboxes/{MINE}/report"
    for wanted in (204, 409):
        answer = await gateway.put(path, params={"run": "r-1"}, json={"results": [{"a": "é"}]})
        assert answer.status_code == wanted, answer.text
    async with lab.store.begin() as tx:
        assert await tx.outbox.take() == [(SANDBOX_CHANGED, MINE)]
        assert await tx.reports.take(SandboxId(MINE), "r-1") == {"results": [{"a": "é"}]}
    for run in ("", "a/b", "A", "x" * 64):
        answer = await gateway.put(path, params={"run": run}, json={})
        assert answer.status_code == 422, run
    assert (await gateway.put(path, params={"run": "r-2"}, json=[1])).status_code == 422
    much = {"text": "x" * 300_000}
    assert (await gateway.put(path, params={"run": "r-2"}, json=much)).status_code == 413
    bad = "/internal/v1/sandboxes/sb-x/report"
    assert (await gateway.put(bad, params={"run": "r-2"}, json={})).status_code == 422


async def test_a_ticket_is_used_once_whichever_gateway_it_came_to(
    gateway: httpx.AsyncClient,
) -> None:
    path = "/internal/v1/tickets/abcdefgh-_12/use"
    assert [(await gateway.post(path)).status_code for _ in range(3)] == [204, 409, 409]
    assert (await gateway.post("/internal/v1/tickets/other-nonce/use")).status_code == 204
    assert (await gateway.post("/internal/v1/tickets/x/use")).status_code == 422


async def test_on_one_machine_nobody_is_the_gateway(tmp_path: Path, clock: FixedClock) -> None:
    lab = await build_lab(settings_in(tmp_path), clock)
    transport = httpx.ASGITransport(app=create_app(lab, run_controller=False))
    base = lab.settings.public_url
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        for token in ("", TOKEN, "None"):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await client.get("/internal/v1/grants", headers=headers)
            assert answer.status_code == 401
    await lab.store.aclose()


async def test_a_kubelet_asks_for_health_by_any_address_and_for_nothing_else(
    gateway: httpx.AsyncClient,
) -> None:
    for path in ("/health/live", "/health/ready", "/health/reconciled"):
        answer = await gateway.get(path, headers={"Host": "10.0.3.7:8001"})
        assert answer.status_code == 200, path
    for path in ("/", "/api", "/internal/v1/grants", "/health/other"):
        answer = await gateway.get(path, headers={"Host": "10.0.3.7:8001"})
        assert answer.status_code == 421, path


async def test_health_tells_when_nobody_works_off_what_was_asked_for(
    lab: WebLab, clock: FixedClock, gateway: httpx.AsyncClient
) -> None:
    async with lab.store.begin() as tx:
        await tx.outbox.add(SANDBOX_CHANGED, MINE, NOON)
    assert (await gateway.get("/health/reconciled")).json()["reconciled"] is True
    clock.time = NOON + timedelta(minutes=2)
    answer = await gateway.get("/health/reconciled")
    assert answer.status_code == 503
    assert answer.json() == {"reconciled": False, "waiting_seconds": 120}
