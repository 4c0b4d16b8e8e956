"""Two reconcilers, a lease on a real API server, a PostgreSQL: killed, frozen, told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from lab import bootstrap
from lab.domain.agency import Agency, Usage
from lab.domain.dataset import DataClass
from lab.domain.ids import AgencyId, SandboxId
from lab.domain.member import Role
from lab.domain.quantity import GIB, Resources
from lab.domain.sandbox import Phase, Stage
from lab.providers.kubernetes.client import Client
from lab.providers.kubernetes.resources import LEASE, NAMESPACE
from lab.reconciling.__main__ import LOST
from lab.services.members import NewMember
from lab.settings import Settings
from tests.cluster.leader_process import systems
from tests.parts_fixtures import PARENT_GONE, free_ports
from tests.postgres_fixture import PostgresServer, postgres
from tests.world import ROOT, draft, put_dataset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.bootstrap import Lab
    from lab.domain.member import Member
    from tests.cluster.driver.cluster import Cluster

__all__ = ["postgres"]

pytestmark = [pytest.mark.cluster, pytest.mark.real, pytest.mark.timeout(300)]

DIGEST = "registry:5000/x@sha256:" + "a" * 64
QUOTA = Usage(Resources(16_000, 32 * GIB, 160 * GIB), 9)


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    if found := os.environ.get("LAB_TEST_KUBECONFIG"):
        return Path(found)
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.plan.kubeconfig


@dataclass
class Step:
    at: float
    pid: int
    word: str
    stage: str
    sandbox_id: str


@dataclass
class Replica:
    popen: subprocess.Popen[bytes]
    port: int

    def says(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            url = f"http://127.0.0.1:{self.port + 2}/live"
            with urllib.request.urlopen(url, timeout=1) as answer:
                return dict(json.loads(answer.read()))
        return {}

    @property
    def leads(self) -> bool:
        return bool(self.says().get("leading"))


@dataclass
class Scene:
    folder: Path
    kubeconfig: Path
    namespace: str
    client: Client
    settings: Settings
    lab: Lab
    person: Member
    replicas: list[Replica] = field(default_factory=list)

    def start(self) -> Replica:
        port = next(p for p in free_ports(20) if p < 65000)
        env = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "LAB_RUNTIME": "kubernetes",
            "LAB_STATE_DIR": str(self.settings.state_dir),
            "LAB_CLUSTER": self.settings.on_cluster.model_dump_json(),
            "LAB_KUBECONFIG": str(self.kubeconfig),
            "LAB_DATABASE_URL": self.settings.database_url,
            "LAB_PORT": str(port),
            "LAB_POLL": "PT0.1S",
        }
        with (self.folder / f"replica-{len(self.replicas)}.log").open("ab") as log:
            popen = subprocess.Popen(
                [
                    *PARENT_GONE,
                    *(sys.executable, "-m", "tests.cluster.leader_process", str(self.folder)),
                ],
                env=env,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self.replicas.append(Replica(popen, port))
        return self.replicas[-1]

    def steps(self) -> list[Step]:
        path = self.folder / "steps.log"
        lines = path.read_text().splitlines() if path.exists() else []
        words = [line.split() for line in lines]
        return [Step(float(at), int(pid), *rest) for at, pid, *rest in words]

    async def asked(self) -> SandboxId:
        filed = await self.lab.requests.file(self.person, draft(colleagues=(), ends_on=_later()))
        assert filed.request.sandbox_id is not None
        return filed.request.sandbox_id

    async def is_in(self, sandbox_id: SandboxId, phase: Phase) -> bool:
        return (await self.lab.sandboxes.get(self.person, sandbox_id)).phase is phase

    def logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in self.folder.glob("replica-*.log"))


def _later() -> date:
    return (datetime.now(UTC) + timedelta(days=20)).date()


async def furnish(lab: Lab) -> Member:
    async with lab.store.begin() as tx:
        await tx.agencies.put(Agency(AgencyId("rft"), "Régie", "Board", QUOTA, 90))
        await put_dataset(tx, "demandes-prestations", DataClass.SYNTHETIC)
    roles = frozenset({Role.REQUESTER, Role.SCIENTIST})
    return await lab.members.create(
        None, NewMember("demandeur", "Demandeur", AgencyId("rft"), roles)
    )


@pytest.fixture
async def scene(
    kubeconfig: Path, postgres: PostgresServer, tmp_path: Path
) -> AsyncIterator[Scene]:
    client = Client(kubeconfig)
    namespace = f"test-d4-{uuid4().hex[:8]}"
    await client.create(NAMESPACE, {**NAMESPACE.header(), "metadata": {"name": namespace}})
    secrets_dir = tmp_path / "state" / "secrets"
    secrets_dir.mkdir(parents=True)
    (secrets_dir / "certificate-key").write_text(secrets.token_urlsafe(32))
    settings = Settings(
        state_dir=tmp_path / "state",
        runtime="kubernetes",
        cluster={"namespace": namespace, "images": {"notebook": DIGEST, "probe": DIGEST}},
        database_url=postgres.url(postgres.new_database()),
    )
    lab = await bootstrap.build(settings, systems=systems(tmp_path))
    made = Scene(tmp_path, kubeconfig, namespace, client, settings, lab, await furnish(lab))
    yield made
    for replica in made.replicas:
        with suppress(ProcessLookupError):
            replica.popen.send_signal(signal.SIGCONT)
        replica.popen.kill()
        replica.popen.wait(10)
    await lab.aclose()
    await client.delete(NAMESPACE, namespace)
    await client.aclose()


async def until(scene: Scene, holds: Callable[[], object], seconds: float = 60) -> float:
    """Wait for it; return how long it took."""
    began = time.monotonic()
    while True:
        found = holds()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return time.monotonic() - began
        assert time.monotonic() - began < seconds, scene.logs()
        await asyncio.sleep(0.05)


async def two(scene: Scene) -> tuple[Replica, Replica]:
    first = scene.start()
    await until(scene, lambda: first.leads)
    second = scene.start()
    await until(scene, lambda: second.says() and not second.leads)
    return first, second


def check(steps: list[Step], word: str, *, at_most_again: int) -> None:
    """No step lost, none doubled but the one whose end nobody knows, never two at a time."""
    by_stage = [step.stage for step in steps if step.word == word]
    assert set(by_stage) == {stage.value for stage in Stage}
    assert len(by_stage) <= len(Stage) + at_most_again
    done = [step.stage for step in steps if step.word == f"{word}d"]
    assert len(done) == len(set(done)) or at_most_again
    pids = [step.pid for step in steps]
    changes = [a for a, b in pairwise(pids) if a != b]
    assert len(changes) == len(set(pids)) - 1, "they never take turns"


async def test_of_two_one_works_and_the_lease_names_it(scene: Scene) -> None:
    first, second = await two(scene)
    sandbox_id = await scene.asked()
    await until(scene, lambda: scene.is_in(sandbox_id, Phase.READY))
    check(scene.steps(), "ensure", at_most_again=0)
    assert {step.pid for step in scene.steps()} == {first.popen.pid}
    lease = await scene.client.get(LEASE, "reconciler", scene.namespace)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == first.says()["holder"] == second.says()["holder"]


@pytest.mark.parametrize("after", [1, 4])
async def test_a_leader_killed_in_a_step_is_followed_and_nothing_is_lost_or_doubled(
    scene: Scene, after: int
) -> None:
    first, second = await two(scene)
    sandbox_id = await scene.asked()
    await until(scene, lambda: len([s for s in scene.steps() if s.word == "ensure"]) >= after)
    first.popen.kill()
    killed_at = time.time()
    took = await until(scene, lambda: second.leads)
    assert 5 < took < 25
    await until(scene, lambda: scene.is_in(sandbox_id, Phase.READY))
    check(scene.steps(), "ensure", at_most_again=1)
    after_it = [step for step in scene.steps() if step.at > killed_at + 1]
    assert {step.pid for step in after_it} == {second.popen.pid}
    await scene.lab.sandboxes.delete(scene.person, sandbox_id)
    await until(scene, lambda: scene.is_in(sandbox_id, Phase.DELETED))
    removals = [step for step in scene.steps() if step.word.startswith("remove")]
    check(removals, "remove", at_most_again=0)
    async with scene.lab.store.read() as tx:
        assert await tx.sandboxes.certificate(sandbox_id) is not None


async def test_a_leader_that_was_frozen_does_nothing_when_it_wakes(scene: Scene) -> None:
    first, second = await two(scene)
    sandbox_id = await scene.asked()
    await until(scene, lambda: any(step.word == "ensure" for step in scene.steps()))
    first.popen.send_signal(signal.SIGSTOP)
    await until(scene, lambda: second.leads)
    await until(scene, lambda: scene.is_in(sandbox_id, Phase.READY))
    before = len([s for s in scene.steps() if s.word == "ensure"])
    first.popen.send_signal(signal.SIGCONT)
    await until(scene, lambda: first.popen.poll() is not None, 10)
    assert first.popen.returncode == LOST
    begun = [s for s in scene.steps() if s.word == "ensure"]
    assert len(begun) == before, "it began nothing; what was under way is repeatable"
    assert second.leads


async def test_a_leader_that_is_told_to_stop_hands_over_at_once(scene: Scene) -> None:
    first, second = await two(scene)
    sandbox_id = await scene.asked()
    await until(scene, lambda: len(scene.steps()) > 2)
    first.popen.terminate()
    await until(scene, lambda: first.popen.poll() is not None, 10)
    assert first.popen.returncode == 0, scene.logs()
    assert await until(scene, lambda: second.leads) < 8
    await until(scene, lambda: scene.is_in(sandbox_id, Phase.READY))
    check(scene.steps(), "ensure", at_most_again=1)


async def test_a_leader_whose_lease_somebody_takes_ends_at_once(scene: Scene) -> None:
    only = scene.start()
    await until(scene, lambda: only.leads)
    change = {"spec": {"holderIdentity": "an operator"}}
    await scene.client.correct(LEASE, "reconciler", scene.namespace, change)
    await until(scene, lambda: only.popen.poll() is not None, 15)
    assert only.popen.returncode == LOST
