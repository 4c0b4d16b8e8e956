"""A whole lab with every outside system in hand: for tests that steer time and faults."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lab import bootstrap
from lab.domain.agency import Agency, Usage
from lab.domain.dataset import (
    Column,
    DataClass,
    Dataset,
    DatasetFile,
    DatasetRef,
    DatasetVersion,
)
from lab.domain.ids import AgencyId, DatasetId
from lab.domain.member import Member, Role
from lab.domain.quantity import GIB, Resources
from lab.domain.request import RequestDraft
from lab.domain.sandbox import Seen, Stage
from lab.ports import RunningServer, ServerState
from lab.providers.memory import MemoryProvider
from lab.services.members import NewMember
from lab.settings import Settings
from lab.store import open_store
from tests.conftest import NOON, FixedClock
from tests.kept import once

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from lab.bootstrap import Intaking, Lab
    from lab.domain.attempt import BlockedAttempt
    from lab.domain.containment import Proof
    from lab.domain.ids import MemberId, SandboxId
    from lab.domain.letter import Letter
    from lab.domain.sandbox import Sandbox
    from lab.ports import PostError, Store

ROOT = Path(__file__).resolve().parent.parent
QUOTA = Usage(Resources(4000, 8 * GIB, 40 * GIB), 3)


class FakeNotebooks:
    def __init__(self) -> None:
        self.started: list[tuple[MemberId, SandboxId]] = []
        self.used: list[RunningServer] = []
        self.fails: Exception | None = None
        self.states_used_at: datetime | None = None

    async def start(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        self.started.append((member_id, sandbox_id))
        return ServerState("pending")

    async def running(self) -> Sequence[RunningServer]:
        if self.fails is not None:
            raise self.fails
        return self.used

    async def stop(self, member_id: MemberId, sandbox_id: SandboxId) -> None:
        if self.fails is not None:
            raise self.fails
        if (member_id, sandbox_id) in self.started:
            self.started.remove((member_id, sandbox_id))

    async def state(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        running = (member_id, sandbox_id) in self.started
        if not running:
            return ServerState("stopped")
        return ServerState("ready", used_at=self.states_used_at)


class FakeAttempts:
    def __init__(self) -> None:
        self.waiting: list[BlockedAttempt] = []

    async def read(self, sandbox_id: SandboxId) -> Sequence[BlockedAttempt]:
        mine = [attempt for attempt in self.waiting if attempt.sandbox_id == sandbox_id]
        self.waiting = [attempt for attempt in self.waiting if attempt not in mine]
        return mine


@dataclass
class Desk:
    """A post office that takes mail, or fails in the way it is told to."""

    is_local: bool = True
    fails: list[PostError] = field(default_factory=list)
    taken: list[Letter] = field(default_factory=list)

    async def send(self, letter: Letter) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.taken.append(letter)


class NoProofs:
    async def proof(self, sandbox_id: SandboxId) -> Proof | None:  # noqa: ARG002
        return None


@dataclass
class World:
    store: Store
    clock: FixedClock
    providers: dict[Stage, MemoryProvider]
    notebooks: FakeNotebooks = field(default_factory=FakeNotebooks)
    attempts: FakeAttempts = field(default_factory=FakeAttempts)
    people: dict[str, Member] = field(default_factory=dict)
    dossiers: Intaking | None = None
    desk: Desk = field(default_factory=Desk)

    async def lab(self) -> Lab:
        return await bootstrap.build(
            Settings(
                templates_dir=ROOT / "notebooks-templates",
                policies_dir=ROOT / "policies",
                poll=timedelta(milliseconds=20),
            ),
            store=self.store,
            clock=self.clock,
            systems=bootstrap.Outside(
                providers=self.providers,
                notebooks=self.notebooks,
                attempts=self.attempts,
                proofs=NoProofs(),
            ),
            dossiers=self.dossiers,
            post=self.desk,
            certificate_key="a key of the tests, long enough",
        )

    async def seen(self, sandbox: Sandbox) -> list[Seen]:
        return [(await self.providers[stage].observe(sandbox)).seen for stage in Stage]


@asynccontextmanager
async def new_world(*, looks_to_ready: int = 2) -> AsyncGenerator[World]:
    store = await open_store("sqlite+aiosqlite://")
    providers = {stage: MemoryProvider(stage, looks_to_ready) for stage in Stage}
    world = World(store, FixedClock(), providers)

    async def fill_it() -> dict[str, Member]:
        await fill(world)
        return dict(world.people)

    world.people.update(await once(store, "world", fill_it))
    yield world
    await store.aclose()


async def fill(world: World) -> None:
    lab = await world.lab()
    async with world.store.begin() as tx:
        for code in ("rft", "bnf"):
            await tx.agencies.put(Agency(AgencyId(code), f"Organisme {code}", code, QUOTA, 90))
        await put_dataset(tx, "demandes-prestations", DataClass.SYNTHETIC)
        await put_dataset(tx, "dossiers-caches", DataClass.DEIDENTIFIED)
        await put_dataset(tx, "dossiers-anonymes", DataClass.ANONYMISED)
    for login, agency, role in (
        ("requester", "rft", Role.REQUESTER),
        ("scientist", "rft", Role.SCIENTIST),
        ("stranger", "bnf", Role.REQUESTER),
        ("operator", None, Role.OPERATOR),
        ("reviewer", None, Role.REVIEWER),
        ("supervisor", None, Role.REVIEWER),
    ):
        agency_id = AgencyId(agency) if agency else None
        new = NewMember(login, login.title(), agency_id, frozenset({role}))
        world.people[login] = await lab.members.create(None, new)


async def put_dataset(tx: object, name: str, data_class: DataClass) -> None:
    dataset_id = DatasetId(name)
    datasets = tx.datasets  # type: ignore[attr-defined]
    await datasets.put(Dataset(dataset_id, name, name, "d", "d", data_class, "CC0-1.0", "tests"))
    await datasets.add_version(
        DatasetVersion(
            DatasetRef(dataset_id, 1),
            10,
            (Column("a", "integer", "A", "A"),),
            (DatasetFile("data.csv", 3, "0" * 64, "text/csv"),),
            NOON,
        )
    )


def draft(**changes: object) -> RequestDraft:
    values: dict[str, object] = {
        "agency_id": "rft",
        "purpose": "Prévoir les délais de traitement",
        "datasets": ("demandes-prestations",),
        "template": "01-depart",
        "size": "petit",
        "profile": "standard",
        "ends_on": date(2026, 12, 5),
        "colleagues": ("scientist",),
    }
    return RequestDraft(**(values | changes))  # type: ignore[arg-type]


@asynccontextmanager
async def running(lab: Lab) -> AsyncGenerator[None]:
    task = asyncio.create_task(lab.controller.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
