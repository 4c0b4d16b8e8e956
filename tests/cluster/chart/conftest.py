"""An API server: the cluster's, or the one that LAB_TEST_KUBECONFIG names."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.chart import world as worlds
from tests.cluster.chart.asking import Api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.chart.world import World


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    named = os.environ.get("LAB_TEST_KUBECONFIG")
    if named:
        return Path(named)
    return Path(request.getfixturevalue("cluster").plan.kubeconfig)


@pytest.fixture(scope="session")
def api(kubeconfig: Path) -> Iterator[Api]:
    with Api(kubeconfig) as found:
        yield found


@pytest.fixture(scope="package")
def world(api: Api) -> Iterator[World]:
    made = worlds.build(api, mark=secrets.token_hex(3))
    yield made
    worlds.remove(made)
