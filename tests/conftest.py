from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

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


LONG = (
    "tests/e2e/test_supervision.py",
    "tests/e2e/test_tour.py",
    "tests/e2e/test_disk_full.py",
    "tests/e2e/test_storage.py",
    "tests/web/test_browser.py",
    "tests/data/test_template.py",
    "tests/contract/test_mlflow_stores.py",
    "tests/contract/test_mlflow_provider.py",
    "tests/contract/test_jupyterhub_provider.py",
    "tests/hub/test_browser.py",
    "tests/hub/test_end_to_end.py",
    "tests/reconciling/test_leading.py",
)
"""Files that start whole labs or many servers: begun first, for a run ends with its last file."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.location[0], len(LONG)))


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
