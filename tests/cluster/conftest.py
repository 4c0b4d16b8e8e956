"""The cluster for tests: started where none runs, left alone where one does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cluster.driver import doctor
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.plan import Plan, default_state

if TYPE_CHECKING:
    from collections.abc import Iterator

NEEDING = {"cluster", "small"}  # fixtures that are a cluster
SECONDS = 600
READY = "LAB_CLUSTER_READY"
"""Set where several files run beside each other: the cluster is up, and one of them steers it."""


def can_run(plan: Plan) -> str:
    """Why no cluster can run here, in one line; empty where it can."""
    lacking = doctor.beyond_help(plan)
    if not lacking and not Cluster(plan).is_started:
        lacking = doctor.problems(plan)
    return "; ".join(lacking)


def the_plan() -> Plan:
    """Of the cluster that runs, or of the usual one."""
    state = default_state("lab")
    return Plan.saved(state) or Plan(state=state)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    found = Cluster(the_plan())
    why_not = can_run(found.plan)
    if why_not:
        pytest.skip(why_not)
    ran = found.is_started
    if ran and os.environ.get(READY):
        yield found
        return
    found.up()
    found.set_leaky(leaky=False)  # a run that was killed may have left it open
    yield found
    if not ran:
        found.down()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and NEEDING & set(item.fixturenames):
            item.add_marker(pytest.mark.cluster)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(SECONDS))
