from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab import bootstrap
from lab.domain.sandbox import Phase, Stage
from lab.providers.memory import MemoryProvider
from lab.reconciling.leading import Leading
from lab.reconciling.lease import Elector, LostLeaseError, Terms
from lab.settings import Settings
from tests.reconciling.fake_lease import FakeLease
from tests.world import ROOT, FakeAttempts, FakeNotebooks, NoProofs, World, draft, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.bootstrap import Lab
    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Sandbox

SHORT = Terms(
    lasts=timedelta(seconds=4), renew=timedelta(seconds=0.3), give_up=timedelta(seconds=3)
)


@dataclass
class Steps:
    """What was done to the outside, by whom, and whether they led then."""

    done: list[tuple[str, str, Stage]] = field(default_factory=list)
    strayed: list[str] = field(default_factory=list)


class Watched(MemoryProvider):
    """One process's way to an outside system that all share."""

    def __init__(self, shared: MemoryProvider, elector: Elector, steps: Steps) -> None:
        super().__init__(shared.stage)
        self._waiting, self._revoked, self._gone = shared._waiting, shared._revoked, shared._gone
        self.granted = shared.granted
        self._elector, self._steps = elector, steps

    def _note(self, word: str) -> None:
        self._steps.done.append((self._elector.identity, word, self._stage))
        if not self._elector.is_leader():
            self._steps.strayed.append(f"{self._elector.identity} {word} {self._stage}")

    async def ensure(self, sandbox: Sandbox) -> None:
        self._note("ensure")
        await asyncio.sleep(0.02)
        await super().ensure(sandbox)

    async def remove(self, sandbox_id: SandboxId) -> None:
        self._note("remove")
        await asyncio.sleep(0.02)
        await super().remove(sandbox_id)


@dataclass
class Process:
    elector: Elector
    lab: Lab
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[bool] | None = None

    def start(self) -> None:
        leading = Leading(elector=self.elector, controller=self.lab.controller, wake_seconds=0.05)
        self.task = asyncio.create_task(leading.run(self.stop))

    async def end(self) -> bool:
        assert self.task is not None
        return await self.task

    async def kill(self) -> None:
        """End it as a machine would: no lease given back, nothing wound up."""
        if self.task is not None:
            before = asyncio.all_tasks()
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
            names = {"Leading._work", "Elector.keep"}
            mine = [t for t in before if getattr(t.get_coro(), "__qualname__", "") in names]
            ended = [t for t in mine if t.cancelling()]
            await asyncio.gather(*ended, return_exceptions=True)


@dataclass
class Scene:
    world: World
    lease: FakeLease
    steps: Steps
    processes: dict[str, Process] = field(default_factory=dict)
    api: Lab | None = None

    async def prepare(self) -> None:
        """Put two processes together; that takes the one thread they share for a while."""
        settings = Settings(
            templates_dir=ROOT / "notebooks-templates",
            policies_dir=ROOT / "policies",
            poll=timedelta(milliseconds=20),
        )
        for name in "ab":
            elector = Elector(self.lease, identity=name, terms=SHORT)
            systems = bootstrap.Outside(
                providers={
                    stage: Watched(shared, elector, self.steps)
                    for stage, shared in self.world.providers.items()
                },
                notebooks=FakeNotebooks(),
                attempts=FakeAttempts(),
                proofs=NoProofs(),
            )
            lab = await bootstrap.build(
                settings,
                store=self.world.store,  # type: ignore[arg-type]
                clock=self.world.clock,
                systems=systems,
                certificate_key="a key of the tests, long enough",
                guard=elector.check,
            )
            self.processes[name] = Process(elector, lab)
        self.api = await self.world.lab()

    async def start(self, name: str) -> Process:
        self.processes[name].start()
        return self.processes[name]

    def leader(self) -> str:
        return next((n for n, each in self.processes.items() if each.elector.is_leader()), "")


@pytest.fixture
async def stage() -> AsyncIterator[Scene]:
    async with new_world(looks_to_ready=2) as world:
        made = Scene(world, FakeLease(), Steps())
        await made.prepare()
        yield made
        for process in made.processes.values():
            await process.kill()


async def until(holds: Callable[[], object], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.01)


async def asked(stage: Scene) -> SandboxId:
    """The API is another process: it writes to the store, and can wake nobody."""
    api = stage.api
    assert api is not None
    filed = await api.requests.file(stage.world.people["requester"], draft())
    assert filed.request.sandbox_id is not None
    return filed.request.sandbox_id


def is_in(stage: Scene, sandbox_id: SandboxId, phase: Phase) -> Callable[[], object]:
    async def look() -> bool:
        lab = next(iter(stage.processes.values())).lab
        view = await lab.sandboxes.get(stage.world.people["requester"], sandbox_id)
        return view.phase is phase

    return look


async def test_only_the_leader_works_and_it_hears_of_what_another_process_wrote(
    stage: Scene,
) -> None:
    await stage.start("a")
    await until(lambda: stage.leader() == "a")
    await stage.start("b")
    sandbox_id = await asked(stage)
    await until(is_in(stage, sandbox_id, Phase.READY))
    assert [(who, word) for who, word, _ in stage.steps.done] == [("a", "ensure")] * len(Stage)
    assert [kind for _, _, kind in stage.steps.done] == list(Stage)
    assert stage.steps.strayed == []


@pytest.mark.parametrize("after", range(1, 6))
async def test_a_leader_killed_in_the_middle_loses_no_step_and_doubles_none(
    stage: Scene, after: int
) -> None:
    await stage.start("a")
    await until(lambda: stage.leader() == "a")
    await stage.start("b")
    sandbox_id = await asked(stage)
    await until(lambda: len(stage.steps.done) >= after)
    await stage.processes["a"].kill()
    await until(is_in(stage, sandbox_id, Phase.READY))
    assert stage.steps.strayed == []
    by_stage = [kind for _, _, kind in stage.steps.done]
    # The one that was under way may be made again: nobody knows whether it was done.
    again = [kind for kind in Stage if by_stage.count(kind) > 1]
    assert set(by_stage) == set(Stage)
    assert len(again) <= 1
    assert len(by_stage) <= len(Stage) + 1
    first_of_b = next((i for i, (who, _, _) in enumerate(stage.steps.done) if who == "b"), None)
    if after < len(Stage):
        assert first_of_b is not None
        assert all(who == "b" for who, _, _ in stage.steps.done[first_of_b:])


async def test_a_removal_goes_on_where_the_dead_leader_left_it(stage: Scene) -> None:
    await stage.start("a")
    sandbox_id = await asked(stage)
    await until(is_in(stage, sandbox_id, Phase.READY))
    await stage.start("b")
    assert stage.api is not None
    await stage.api.sandboxes.delete(stage.world.people["requester"], sandbox_id)
    await until(lambda: any(word == "remove" for _, word, _ in stage.steps.done))
    await stage.processes["a"].kill()
    await until(is_in(stage, sandbox_id, Phase.DELETED))
    assert stage.steps.strayed == []
    async with stage.world.store.read() as tx:
        assert await tx.sandboxes.certificate(sandbox_id) is not None
    for provider in stage.world.providers.values():
        assert await provider.owned() == frozenset()


async def test_who_loses_the_lease_writes_nothing_more(stage: Scene) -> None:
    process = await stage.start("a")
    await until(lambda: stage.leader() == "a")
    stage.lease.is_down = True
    await until(lambda: not process.elector.is_leader())
    sandbox_id = await asked(stage)
    with pytest.raises(LostLeaseError):
        await process.lab.controller._reconciler.reconcile(sandbox_id)
    assert await process.end() is False, "the process must end, and not in order"
    assert stage.steps.done == []
    async with stage.world.store.read() as tx:
        assert await tx.sandboxes.stages(sandbox_id) == {}


async def test_who_is_told_to_stop_gives_the_lease_back_when_all_is_still(stage: Scene) -> None:
    first = await stage.start("a")
    await until(lambda: stage.leader() == "a")
    await stage.start("b")
    first.stop.set()
    assert await first.end() is True
    assert not first.elector.is_leader()
    await until(lambda: stage.leader() == "b", 3)  # less than the lease lasts


async def test_who_waits_for_the_lease_stops_when_told(stage: Scene) -> None:
    await stage.start("a")
    await until(lambda: stage.leader() == "a")
    second = await stage.start("b")
    second.stop.set()
    assert await second.end() is True
    assert stage.leader() == "a"


async def test_what_must_be_known_first_is_asked_before_anything_is_made(stage: Scene) -> None:
    process = stage.processes["a"]

    async def refuse() -> None:
        raise RuntimeError("this cluster does not enforce anything")

    elector = Elector(FakeLease(), identity="c", terms=SHORT)
    leading = Leading(elector=elector, controller=process.lab.controller, first=refuse)
    await asked(stage)
    assert await leading.run(asyncio.Event()) is False
    assert [who for who, _, _ in stage.steps.done] == []
