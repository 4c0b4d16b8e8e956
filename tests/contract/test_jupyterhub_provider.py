"""Stage WORKSPACE against a real hub, with the processes of real servers beside it."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.ids import AgencyId, MemberId, ProfileId, RequestId, SandboxId, TemplateId
from lab.domain.quantity import Resources
from lab.domain.sandbox import Sandbox, SandboxSpec, Seen, Stage
from lab.providers.jupyterhub import HubNotebooks, build
from tests.conftest import NOON
from tests.hub import direct
from tests.hub.conftest import stage  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pathlib import Path

    from lab.providers.jupyterhub import JupyterHubProvider
    from tests.hub.stage import Stage as HubStage

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

CLAIRE, DENIS = MemberId("m-00000000c7"), MemberId("m-00000000d8")


def sandbox(number: int, *members: MemberId) -> Sandbox:
    spec = SandboxSpec(
        agency_id=AgencyId("rft"),
        template_id=TemplateId("01-depart"),
        profile_id=ProfileId("closed"),
        resources=Resources(1000, 2**30),
        members=members,
        datasets=(),
        expires_at=NOON + timedelta(days=1),
    )
    return Sandbox(SandboxId(f"sb-00000000{number:02x}"), RequestId("rq-0000000001"), spec, NOON)


@dataclass
class Found:
    sandbox_id: str
    member_id: str
    run_dir: Path


def running(base: Path) -> list[Found]:
    return [
        Found(path.parent.parent.name, path.parent.name, path.parent)
        for path in base.glob("**/status.json")
        if direct.is_alive(json.loads(path.read_text())["pid"])
    ]


def options(hub: HubStage, **more: Any) -> dict[str, Any]:
    return {
        "api_url": f"{hub.config.hub_url}/hub/api",
        "token_file": hub.config.secrets_dir / "hub-api-token",
        "keepers_dir": hub.config.run_dir / "keepers",
        "running": running,
        "stop": direct.stop_now,
    } | more


@pytest.fixture
def hub(stage: HubStage) -> HubStage:  # noqa: F811 - the fixture above
    return stage


@pytest.fixture
def provider(hub: HubStage) -> JupyterHubProvider:
    return build(Stage.WORKSPACE, options(hub))


def notebooks(hub: HubStage) -> HubNotebooks:
    return HubNotebooks(
        api_url=f"{hub.config.hub_url}/hub/api",
        token_file=hub.config.secrets_dir / "hub-api-token",
        public_url=hub.config.public_url,
    )


async def until(provider: JupyterHubProvider, box: Sandbox, seen: Seen) -> None:
    async with asyncio.timeout(60):
        while (await provider.observe(box)).seen is not seen:
            await asyncio.sleep(0.1)


async def test_made_seen_and_removed_each_as_often_as_one_likes(
    provider: JupyterHubProvider,
) -> None:
    box = sandbox(0x11, CLAIRE, DENIS)
    assert (await provider.observe(box)).seen is Seen.ABSENT
    await provider.remove(box.id)
    for _ in range(2):
        await provider.ensure(box)
        assert (await provider.observe(box)).seen is Seen.READY
    assert box.id in await provider.owned()
    for _ in range(2):
        await provider.remove(box.id)
        await until(provider, box, Seen.ABSENT)
    gone = await provider.observe(box)
    assert {(f.kind, f.is_present) for f in gone.facts} == {("server", False), ("process", False)}
    assert {f.name for f in gone.facts} == {f"{CLAIRE}/{box.id}", f"{DENIS}/{box.id}"}
    assert box.id not in await provider.owned()


async def test_half_made_is_made_again_and_half_removed_is_removed_again(
    provider: JupyterHubProvider,
) -> None:
    box = sandbox(0x12, CLAIRE, DENIS)
    await provider.ensure(replace(box, spec=replace(box.spec, members=(CLAIRE,))))
    assert (await provider.observe(box)).seen is Seen.REVOKED
    await provider.ensure(box)
    assert (await provider.observe(box)).seen is Seen.READY
    await provider.revoke(box.id)
    await until(provider, box, Seen.ABSENT)


async def test_removing_stops_a_running_server_and_leaves_the_others(
    hub: HubStage, provider: JupyterHubProvider
) -> None:
    box, other = sandbox(0x13, CLAIRE), sandbox(0x14, CLAIRE)
    people = notebooks(hub)
    for each in (box, other):
        hub.give_order(CLAIRE, each.id)
        await provider.ensure(each)
    state = await people.start(CLAIRE, box.id)
    assert state.state == "pending"
    said = [s async for s in people.progress(CLAIRE, box.id)]
    assert said[-1].state == "ready"
    assert said[-1].url.endswith(f"/user/{CLAIRE}/{box.id}/")
    assert any("murs" in s.message for s in said)
    assert (await people.start(CLAIRE, box.id)).state == "ready"
    assert len(running(hub.config.run_dir / "keepers" / box.id)) == 1
    # By what the idle rule goes: the one that runs, not the one that is only made.
    used = [each for each in await people.running() if each.member_id == CLAIRE]
    assert [each.sandbox_id for each in used] == [box.id]
    assert abs(datetime.now(UTC) - used[0].used_at) < timedelta(minutes=2)
    assert (await people.state(CLAIRE, box.id)).used_at is not None

    await provider.remove(box.id)
    await until(provider, box, Seen.ABSENT)
    assert not running(hub.config.run_dir / "keepers" / box.id)
    assert not (hub.config.grants_dir / box.id / f"hub-{CLAIRE}.json").exists()
    assert (await provider.observe(other)).seen is Seen.READY
    await provider.remove(other.id)


async def test_a_start_that_is_refused_says_why_in_french(
    hub: HubStage, provider: JupyterHubProvider
) -> None:
    box = sandbox(0x15, CLAIRE)
    people = notebooks(hub)
    await provider.ensure(box)
    hub.portal.refusals[box.id, CLAIRE] = (409, {"detail": "containment"})
    await people.start(CLAIRE, box.id)
    said = [s async for s in people.progress(CLAIRE, box.id)]
    assert said[-1].state == "failed"
    assert said[-1].message.startswith("Ce bac à sable n’est pas prêt")
    assert (await people.state(CLAIRE, box.id)).state == "failed"
    await provider.remove(box.id)
    with pytest.raises(ProviderError):
        await people.start(CLAIRE, box.id)


async def test_a_wrong_token_is_an_operators_matter(hub: HubStage, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("0123456789abcdef" * 4)
    for token_file in (wrong, tmp_path / "missing"):
        provider = build(Stage.WORKSPACE, options(hub, token_file=token_file))
        box = sandbox(0x16, CLAIRE)
        assert (await provider.observe(box)).seen is Seen.UNKNOWN
        for act in (provider.ensure(box), provider.remove(box.id), provider.owned()):
            with pytest.raises(TerminalProviderError):
                await act


async def test_what_is_not_a_hub_is_never_read_as_nothing_there(hub: HubStage) -> None:
    async with TestServer(web.Application()) as server:
        url = str(server.make_url("/hub/api"))
        provider = build(Stage.WORKSPACE, options(hub, api_url=url))
        assert (await provider.observe(sandbox(0x17, CLAIRE))).seen is Seen.UNKNOWN
        with pytest.raises(ProviderError):
            await provider.owned()


async def test_a_server_whose_hub_was_killed_is_found_and_stopped(
    hub: HubStage, provider: JupyterHubProvider
) -> None:
    box = sandbox(0x18, DENIS)
    hub.give_order(DENIS, box.id)
    await provider.ensure(box)
    await notebooks(hub).start(DENIS, box.id)
    async with asyncio.timeout(60):
        while not running(hub.config.run_dir / "keepers" / box.id):
            await asyncio.sleep(0.05)
    hub.end("hub", signal.SIGKILL)
    try:
        seen = await provider.observe(box)
        assert seen.seen is Seen.CONVERGING
        assert [f.is_present for f in seen.facts if f.kind == "process"] == [True]
        with pytest.raises(ProviderError):
            await provider.remove(box.id)
        assert not running(hub.config.run_dir / "keepers" / box.id)
        assert (await provider.observe(box)).seen is Seen.UNKNOWN
    finally:
        hub.start_hub()
    await provider.remove(box.id)
    await until(provider, box, Seen.ABSENT)
