from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from lab.domain.dataset import DatasetRef
from lab.domain.ids import (
    AgencyId,
    DatasetId,
    MemberId,
    ProfileId,
    RequestId,
    SandboxId,
    TemplateId,
)
from lab.domain.quantity import GIB, Resources
from lab.domain.sandbox import Sandbox, SandboxSpec

pytest_plugins = ["tests.parts_fixtures", "tests.postgres_fixture"]


def pytest_sessionstart() -> None:
    # Else looptime makes a loop for the first test that has none, and nobody closes it.
    asyncio.set_event_loop(None)


TOGETHER = {
    "notebooks": ("tests/hub/test_browser.py", "tests/hub/test_end_to_end.py"),
    "doors": (
        "tests/gateway/test_isolation.py",
        "tests/gateway/test_real_clients.py",
        "tests/gateway/test_doors.py",
        "tests/gateway/test_people.py",
        "tests/contract/test_mlflow_provider.py",
        "tests/gateway/test_on_cluster.py",
    ),
    "stores": (
        "tests/contract/test_s3_provider.py",
        "tests/gateway/test_isolation_minio.py",
        "tests/seeding/test_places.py",
        "tests/providers/quarantine/test_contract.py",
        "tests/providers/quarantine/test_pieces.py",
        "tests/seeding/test_seeding.py",
    ),
}
"""Files that need the same servers: one process runs them, so that these start once."""

LONG = (
    "tests/e2e/test_tour.py",
    "tests/e2e/test_supervision.py",
    "tests/web/test_browser.py",
    "doors",
    "notebooks",
    "tests/e2e/test_storage.py",
    "stores",
    "tests/e2e/test_disk_full.py",
    "tests/contract/test_mlflow_stores.py",
    "tests/data/test_template.py",
    "tests/web/test_access_matrix.py",
    "tests/web/test_bad_input.py",
    "tests/web/test_xss.py",
    "tests/web/test_browser_intakes.py",
    "tests/reconciling/test_leading.py",
)
"""What takes longest is begun first, for a run ends with its last file."""


GROUPS = {name: group for group, names in TOGETHER.items() for name in names}


def group_of(file: str) -> str:
    return GROUPS.get(file, file)


class Together(LoadFileScheduling):
    """Gives a process whole files, for stories only make sense whole, and whole groups."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(group_of(item.location[0]), len(LONG)))


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class FixedClock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


def make_sandbox(sandbox_id: str = "sb-0000000001", *, days: int = 30) -> Sandbox:
    spec = SandboxSpec(
        agency_id=AgencyId("rft"),
        template_id=TemplateId("01-depart"),
        profile_id=ProfileId("standard"),
        resources=Resources(1000, 2 * GIB, 5 * GIB),
        members=(MemberId("m-0000000001"),),
        datasets=(DatasetRef(DatasetId("demandes-prestations"), 1),),
        expires_at=NOON + timedelta(days=days),
    )
    return Sandbox(SandboxId(sandbox_id), RequestId("rq-0000000001"), spec, created_at=NOON)
