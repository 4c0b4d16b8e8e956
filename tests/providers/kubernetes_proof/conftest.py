from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.providers.kubernetes.fake_server import FakeServer
from tests.providers.kubernetes_proof.cluster import Cluster, add_node, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.conftest import FixedClock


@pytest.fixture
async def cluster(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Cluster]:
    async with FakeServer().running() as server:
        server.put("namespaces", {"metadata": {"name": "vase-clos"}})
        hub = {"metadata": {"name": "hub", "namespace": "vase-clos"}}
        server.put("services", {**hub, "spec": {"clusterIP": "10.1.0.1"}})
        for name in ("node1", "node2"):
            add_node(server, name)
        async with running(server, tmp_path, clock) as made:
            yield made
