from __future__ import annotations

import asyncio
import functools
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.catalogue import FileCatalogue
from lab.domain.attempt import BlockedAttempt, Rule
from lab.domain.catalogue import Catalogue, NotebookTemplate
from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.dataset import (
    Column,
    DataClass,
    Dataset,
    DatasetFile,
    DatasetRef,
    DatasetVersion,
)
from lab.domain.figures import Backlog
from lab.domain.ids import DatasetId, MemberId, SandboxId, TemplateId
from lab.domain.sandbox import Seen, Stage, StageState
from lab.ports import RunningServer, ServerState
from lab.settings import CHECKOUT
from tests.conftest import NOON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.sandbox import Sandbox
    from lab.ports import Store
    from lab.services.datasets import DatasetService


class Ids:
    def __init__(self) -> None:
        self.last = 0

    def __call__(self, prefix: str) -> str:
        self.last += 1
        return f"{prefix}-{self.last:010x}"


class Idle:
    def backlog(self) -> Backlog:
        return Backlog(1, 2, 3)

    async def run(self) -> None:
        await asyncio.Event().wait()


class FakePasswords:
    async def hash(self, password: str) -> str:
        return f"fake:{password}"

    async def verify(self, password_hash: str, password: str) -> bool:
        return bool(password_hash) and password_hash == f"fake:{password}"


@functools.cache
def policies() -> Catalogue:
    """Read the shipped files once: a lab is made for each test."""
    return FileCatalogue(
        policies_dir=CHECKOUT / "policies", templates_dir=CHECKOUT / "no-such-folder"
    ).catalogue()


class FakeCatalogue:
    def __init__(self) -> None:
        files = policies()
        template = NotebookTemplate(
            TemplateId("01-depart"),
            "Premier modèle",
            "A first model",
            "Lit un jeu de données, entraîne un modèle simple et en garde la trace.",
            "Reads a data set, trains a simple model and keeps track of it.",
            "depart.ipynb",
        )
        self._catalogue = Catalogue(
            {template.id: template},
            files.profiles,
            files.sizes,
            files.approval,
            files.privacy,
            files.questionnaires,
            files.two_approvals,
        )

    def catalogue(self) -> Catalogue:
        return self._catalogue


class FakeNotebooks:
    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self.states: dict[tuple[str, str], ServerState] = {}
        self.fail_with: Exception | None = None

    def _look(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with

    async def start(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        self._look()
        key = (member_id, sandbox_id)
        if self.states.get(key, ServerState("stopped")).state != "ready":
            self.states[key] = ServerState("pending", message="Le carnet démarre", percent=30)
        return self.states[key]

    async def stop(self, member_id: MemberId, sandbox_id: SandboxId) -> None:
        self._look()
        self.states.pop((member_id, sandbox_id), None)

    async def state(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        self._look()
        return self.states.get((member_id, sandbox_id), ServerState("stopped"))

    async def running(self) -> Sequence[RunningServer]:
        self._look()
        return [
            RunningServer(MemberId(member), SandboxId(sandbox), state.used_at)
            for (member, sandbox), state in self.states.items()
            if state.used_at is not None
        ]

    def finish(self, member_id: str, sandbox_id: str) -> None:
        scheme, _, authority = self._public_url.partition("://")
        url = f"{scheme}://{member_id}.{authority}/user/{member_id}/{sandbox_id}/"
        self.states[member_id, sandbox_id] = ServerState("ready", url=url, percent=100)


class FakeAttempts:
    def __init__(self) -> None:
        self.found: dict[str, list[BlockedAttempt]] = {}

    async def read(self, sandbox_id: SandboxId) -> Sequence[BlockedAttempt]:
        return self.found.get(sandbox_id, [])

    def add(self, sandbox_id: SandboxId, member_id: MemberId, rule: Rule, target: str) -> None:
        attempt = BlockedAttempt(
            sandbox_id, member_id, rule, target, NOON, NOON + timedelta(seconds=3), 2
        )
        self.found.setdefault(sandbox_id, []).append(attempt)


class FakeProofs:
    def __init__(self) -> None:
        self.found: dict[str, Proof] = {}

    async def proof(self, sandbox_id: SandboxId) -> Proof | None:
        return self.found.get(sandbox_id)

    def add(self, sandbox_id: SandboxId) -> None:
        closed = (
            ProbeResult(name, Expected.BLOCKED, Outcome.BLOCKED, "réseau inaccessible", 0, 2)
            for name in ("tcp4-internet", "udp4-internet", "dns-public", "metadata-169")
        )
        door = ProbeResult("door-storage", Expected.OPEN, Outcome.OPEN, took_ms=5)
        results = (*closed, door)
        self.found[sandbox_id] = Proof(
            sandbox_id, "ab" * 32, NOON, NOON + timedelta(seconds=2), results, "cd" * 32
        )


class FakeLauncher:
    async def launch(self, sandbox: Sandbox, member_id: MemberId) -> Mapping[str, object]:
        return {
            "sandbox_id": sandbox.id,
            "member_id": member_id,
            "resources": {"cpu_millicores": sandbox.spec.resources.cpu_millicores},
            "home": "/tmp/nowhere",
        }


async def make_ready(store: Store, sandbox_id: SandboxId, **different: StageState) -> None:
    states = [
        StageState(
            sandbox_id,
            stage,
            Seen.READY,
            NOON,
            started_at=NOON,
            ready_at=NOON + timedelta(seconds=1.5 * n + 0.4),
        )
        for n, stage in enumerate(Stage)
    ]
    async with store.begin() as tx:
        await tx.sandboxes.put_stages([different.get(s.stage.value, s) for s in states])


async def publish_samples(datasets: DatasetService) -> None:
    columns = (
        Column("dossier", "integer", "Numéro de dossier", "File number"),
        Column("age", "integer", "Âge à la demande", "Age when filed"),
        Column("recue_le", "date", "Reçue le", "Received on"),
    )
    for slug, data_class, title in (
        ("demandes-prestations", DataClass.SYNTHETIC, "Demandes de prestations"),
        ("rand-hie", DataClass.OPEN, "Enquête RAND sur l’assurance maladie"),
        ("dossiers-reels", DataClass.DEIDENTIFIED, "Dossiers dépersonnalisés"),
    ):
        dataset = Dataset(
            DatasetId(slug),
            title,
            f"{title} (EN)",
            "Une table fictive, faite par un générateur de ce projet.",
            "A fictional table, made by a generator of this project.",
            data_class,
            "CC0-1.0",
            "Vase clos",
        )
        version = DatasetVersion(
            DatasetRef(dataset.id, 1),
            50_000,
            columns,
            (DatasetFile("demandes.parquet", 2_345_678, "0f" * 32, "application/parquet"),),
            NOON,
        )
        await datasets.record(dataset, version)
