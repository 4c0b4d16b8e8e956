from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import grants
from lab.domain.containment import Expected, Outcome
from lab.domain.egress import Door
from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.ids import MemberId
from lab.domain.sandbox import Seen
from lab.providers.local import build, canary, proofs
from lab.providers.local.containment import ContainmentProvider
from lab.providers.local.place import PlaceProvider, read_place
from lab.providers.local.where import Where
from tests.local.bench import RUNTIME, lacking
from tests.local.gateway import Gateway, wanted_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.domain.sandbox import Observation, Sandbox

pytestmark = pytest.mark.real

with_gateway = pytest.mark.usefixtures("gateway")

PROFILE = {"standard": ("hub", "tracking", "storage"), "data-only": ("hub", "storage")}


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def where() -> Iterator[Where]:
    if why := lacking():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="vc-") as folder:
        yield Where(state_dir=Path(folder, "s"), run_dir=Path(folder, "r"), runtime_env=RUNTIME)


@pytest.fixture
def gateway(where: Where) -> Iterator[Gateway]:
    gateway = Gateway(where.grants, where.run_dir / "doors")
    yield gateway
    gateway.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def places(where: Where) -> PlaceProvider:
    return PlaceProvider(state_dir=where.state_dir, run_dir=where.run_dir)


def walls(where: Where, clock: Clock) -> ContainmentProvider:
    def doors_of(profile: str) -> frozenset[Door]:
        return frozenset(map(Door, PROFILE[profile]))

    return ContainmentProvider(where=where, doors_of=doors_of, clock=clock)


async def until(
    provider: ContainmentProvider, sandbox: Sandbox, seen: set[Seen], timeout_s: float = 40
) -> Observation:
    deadline = time.monotonic() + timeout_s
    while (found := await provider.observe(sandbox)).seen not in seen:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
    return found


@with_gateway
async def test_a_sandbox_is_contained_once_the_probes_say_so_at_both_ends(
    where: Where, clock: Clock
) -> None:
    sandbox, provider = wanted_sandbox(), walls(where, clock)
    dataset = where.state_dir / "datasets" / "demandes-prestations" / "v1"
    dataset.mkdir(parents=True)
    (dataset / "t.csv").write_text("a\n")
    await places(where).ensure(sandbox)
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    began = time.monotonic()
    await provider.ensure(sandbox)
    assert time.monotonic() - began < 1
    assert (await provider.observe(sandbox)).seen is Seen.CONVERGING
    found = await until(provider, sandbox, {Seen.READY, Seen.ABSENT})
    assert found.seen is Seen.READY, found.detail
    proof = proofs.read(where.proof(sandbox.id))
    assert proof is not None
    assert proof.holds
    by_name = {result.name: result for result in proof.results}
    blocked = [r for r in proof.results if r.expected is Expected.BLOCKED]
    assert len(blocked) >= 100
    assert all(result.took_ms < 1000 for result in blocked)
    assert by_name["tcp-host-loopback-1"].arrivals == 0
    assert by_name["udp-host-loopback"].arrivals == 0
    assert by_name["abstract-socket"].arrivals == 0
    assert by_name["unix-socket-1"].arrivals == 0
    for door in ("hub", "tracking", "storage"):
        assert by_name[f"door-{door}"].outcome is Outcome.OPEN
    assert by_name["dataset-read-demandes-prestations"].outcome is Outcome.OPEN
    assert (proof.finished_at - proof.started_at).total_seconds() < 10
    assert not (where.run_dir / "canary" / sandbox.id).exists()


@with_gateway
async def test_a_door_that_the_profile_lacks_must_be_shut(where: Where, clock: Clock) -> None:
    sandbox, provider = wanted_sandbox(profile="data-only"), walls(where, clock)
    before = os.umask(0o077)  # as strict as a service may be started
    try:
        await places(where).ensure(sandbox)
        await provider.ensure(sandbox)
        found = await until(provider, sandbox, {Seen.READY, Seen.ABSENT})
    finally:
        os.umask(before)
    assert found.seen is Seen.READY, found.detail
    proof = proofs.read(where.proof(sandbox.id))
    assert proof is not None
    shut = next(r for r in proof.results if r.name == "door-tracking")
    assert (shut.expected, shut.outcome) == (Expected.BLOCKED, Outcome.BLOCKED)


async def test_without_a_gateway_nothing_is_proved_and_with_it_gone_later_nothing_is_torn_down(
    where: Where, clock: Clock
) -> None:
    sandbox, provider = wanted_sandbox(), walls(where, clock)
    await places(where).ensure(sandbox)
    await provider.ensure(sandbox)
    await asyncio.sleep(0.2)
    found = await provider.observe(sandbox)
    assert found.seen is Seen.CONVERGING
    assert "gateway" in found.detail
    gateway = Gateway(where.grants, where.run_dir / "doors")
    await until(provider, sandbox, {Seen.READY})
    gateway.close()
    for path in where.doors(sandbox.id).glob("*.sock"):
        path.unlink()
    assert (await provider.observe(sandbox)).seen is Seen.UNKNOWN


@with_gateway
async def test_a_proof_ages_and_counts_for_nothing_else(where: Where, clock: Clock) -> None:
    sandbox, provider = wanted_sandbox(), walls(where, clock)
    await places(where).ensure(sandbox)
    await provider.ensure(sandbox)
    await until(provider, sandbox, {Seen.READY})
    clock.ahead = timedelta(hours=13)
    assert (await provider.observe(sandbox)).seen is Seen.DUE
    await provider.ensure(sandbox)
    assert (await provider.observe(sandbox)).seen is Seen.DUE  # while it is made anew
    await until(provider, sandbox, {Seen.READY})
    clock.ahead += timedelta(hours=25)
    found = await provider.observe(sandbox)
    assert (found.seen, found.detail) == (Seen.ABSENT, "the proof is too old")
    clock.ahead = timedelta(hours=13)
    wider = replace(sandbox, spec=replace(sandbox.spec, datasets=()))
    found = await provider.observe(wider)
    assert (found.seen, found.detail) == (Seen.ABSENT, "the walls changed since the proof")
    file = where.proof(sandbox.id)
    file.write_text(file.read_text().replace('"took_ms": 0', '"took_ms": 1', 1))
    found = await provider.observe(sandbox)
    assert (found.seen, found.detail) == (Seen.ABSENT, "the proof is not genuine")


@with_gateway
async def test_walls_that_leak_are_named_and_leave_the_doors_shut(
    where: Where, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, provider = wanted_sandbox(), walls(where, clock)
    await places(where).ensure(sandbox)
    # A folder of the host that is in the sandbox after all.
    monkeypatch.setattr(canary, "_HOST_SOCKETS", ("/opt/lab/doors/hub.sock",))
    await provider.ensure(sandbox)
    found = await until(provider, sandbox, {Seen.ABSENT, Seen.READY})
    assert found.seen is Seen.ABSENT
    assert "unix-socket" in found.detail
    assert grants.read(where.grants, sandbox.id, grants.DOORS) is None
    proof = proofs.read(where.proof(sandbox.id))
    assert proof is not None
    assert not proof.holds


@with_gateway
async def test_shutting_the_doors_is_seen_to_be_done(where: Where, clock: Clock) -> None:
    sandbox, provider = wanted_sandbox(), walls(where, clock)
    await places(where).ensure(sandbox)
    await provider.ensure(sandbox)
    await until(provider, sandbox, {Seen.READY})
    assert await provider.owned() == {sandbox.id}
    gone = sandbox.with_deletion(clock.now(), "asked")
    await provider.remove(sandbox.id)
    deadline = time.monotonic() + 10
    while (found := await provider.observe(gone)).seen is not Seen.ABSENT:
        assert time.monotonic() < deadline, found
        await provider.remove(sandbox.id)
        await asyncio.sleep(0.05)
    assert {(fact.kind, fact.is_present) for fact in found.facts} == {
        ("doors", False), ("socket", False), ("proof", False),
    }  # fmt: skip
    assert await provider.owned() == frozenset()
    await places(where).remove(sandbox.id)
    assert not where.doors(sandbox.id).exists()


async def test_no_place_and_no_bubblewrap_are_said(
    where: Where, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, provider = wanted_sandbox(), walls(where, clock)
    with pytest.raises(ProviderError, match="no place"):
        await provider.ensure(sandbox)
    monkeypatch.setenv("PATH", str(where.state_dir))
    with pytest.raises(TerminalProviderError, match="bubblewrap"):
        await provider.ensure(sandbox)


def test_the_provider_is_built_from_options_and_refuses_others(where: Where) -> None:
    from lab.domain.sandbox import Stage  # noqa: PLC0415

    options = {
        "state_dir": where.state_dir, "run_dir": where.run_dir, "runtime_env": RUNTIME,
        "doors_of": PROFILE,
    }  # fmt: skip
    for stage in (Stage.ISOLATION, Stage.CONTAINMENT):
        assert build(stage, options).stage is stage
    with pytest.raises(ValueError, match="extra"):
        build(Stage.ISOLATION, options | {"other": 1})
    with pytest.raises(ValueError, match="serves"):
        build(Stage.DATA, options)


async def test_a_place_is_made_once_marked_and_removed_without_following_links(
    where: Where,
) -> None:
    sandbox, provider = wanted_sandbox(), places(where)
    found = await provider.observe(sandbox)
    assert found.seen is Seen.ABSENT
    assert not any(fact.is_present for fact in found.facts)
    await provider.ensure(sandbox)
    await provider.ensure(sandbox)
    place = read_place(where.state_dir, sandbox.id)
    assert place is not None
    assert (place.uid is not None) == (os.geteuid() == 0)
    assert (await provider.observe(sandbox)).seen is Seen.READY
    assert await provider.owned() == {sandbox.id}
    # Somebody more in its team has no home yet, and gets one; what is there stays.
    more = replace(sandbox.spec, members=(*sandbox.spec.members, MemberId("m-00000000ff")))
    grown = replace(sandbox, spec=more)
    assert (await provider.observe(grown)).seen is Seen.ABSENT
    await provider.ensure(grown)
    assert (await provider.observe(grown)).seen is Seen.READY
    home = where.state_dir / "sandboxes" / sandbox.id / "homes" / "m-0000000001"
    if place.uid is not None:
        assert home.stat().st_uid == place.uid
    outside = where.state_dir / "precious"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (home / "link").symlink_to(outside)
    (home / "locked").mkdir()
    (home / "locked" / "file").write_text("x")
    (home / "locked").chmod(0)
    await provider.revoke(sandbox.id)
    assert (await provider.observe(sandbox)).seen is Seen.REVOKED
    await provider.remove(sandbox.id)
    await provider.remove(sandbox.id)
    found = await provider.observe(sandbox)
    assert found.seen is Seen.ABSENT
    assert {fact.kind for fact in found.facts} == {"folder", "home", "process"}
    assert (outside / "kept").exists()


async def test_a_folder_without_our_label_is_never_touched(where: Where) -> None:
    sandbox, provider = wanted_sandbox(), places(where)
    folder = where.state_dir / "sandboxes" / sandbox.id
    folder.mkdir(parents=True)
    (folder / "precious").write_text("x")
    for content in (None, {"owner": "another"}):
        if content:
            (folder / "place.json").write_text(json.dumps(content))
        assert (await provider.observe(sandbox)).seen is Seen.UNKNOWN
        with pytest.raises(TerminalProviderError, match="label"):
            await provider.ensure(sandbox)
        with pytest.raises(TerminalProviderError, match="label"):
            await provider.remove(sandbox.id)
        assert await provider.owned() == frozenset()
    assert (folder / "precious").exists()


async def test_a_removal_cut_short_is_finished_by_the_next(where: Where) -> None:
    sandbox, provider = wanted_sandbox(), places(where)
    await provider.ensure(sandbox)
    folder = where.state_dir / "sandboxes"
    (folder / sandbox.id).rename(folder / f".removing-{sandbox.id}")
    assert (await provider.observe(sandbox)).seen is Seen.CONVERGING
    assert await provider.owned() == {sandbox.id}
    await provider.remove(sandbox.id)
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    assert list(folder.iterdir()) == []
