from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab import grants
from lab.bootstrap.launching_kubernetes import KubernetesLauncher
from lab.catalogue import FileCatalogue
from lab.domain.dataset import (
    DataClass,
    Dataset,
    DatasetFile,
    DatasetRef,
    DatasetVersion,
)
from lab.domain.errors import ProviderError
from lab.domain.ids import DatasetId, MemberId
from lab.hub.orders import PodOrder
from lab.settings import Cluster, Settings
from lab.store import open_store
from tests.conftest import NOON, make_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.domain.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
ANNE, BRUNO = MemberId("m-00000000a1"), MemberId("m-00000000b2")
DATASET = DatasetId("demandes-prestations")
IMAGE = "registre.test/vase-clos/notebook@sha256:" + "a" * 64
DOORS = {
    "sandbox_id": "sb-0000000001",
    "doors": ["hub", "storage", "tracking"],
    "ports": {"storage": 20000, "tracking": 20001, "report": 20002},
    "address": "10.98.64.20",
    "hub_address": "10.98.64.21",
}


@pytest.fixture
def sandbox() -> Sandbox:
    found = make_sandbox()
    return replace(found, spec=replace(found.spec, members=(ANNE, BRUNO)))


@pytest.fixture
async def launcher(tmp_path: Path) -> AsyncIterator[tuple[KubernetesLauncher, grants.FileGrants]]:
    cluster = {"images": {"notebook": IMAGE, "probe": IMAGE}, "storage_class": "vite"}
    settings = Settings(
        state_dir=tmp_path,
        runtime="kubernetes",
        cluster=Cluster.model_validate(cluster),
        database_url="postgresql+psycopg://x@127.0.0.1/x",
    )
    held = grants.FileGrants(tmp_path / "grants")
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path / 'lab.sqlite'}")
    file = DatasetFile("data.csv", 12, "ab" * 32, "text/csv")
    async with store.begin() as tx:
        await tx.datasets.put(
            Dataset(DATASET, "t", "t", "d", "d", DataClass.SYNTHETIC, "CC0", "s")
        )
        version = DatasetVersion(DatasetRef(DATASET, 1), 2, (), (file,), NOON)
        await tx.datasets.add_version(version)
    catalogue = FileCatalogue(
        policies_dir=ROOT / "policies", templates_dir=ROOT / "notebooks-templates"
    )
    yield (
        KubernetesLauncher(settings=settings, catalogue=catalogue, grants=held, store=store),
        held,
    )
    await store.aclose()


async def give(held: grants.FileGrants, sandbox: Sandbox) -> None:
    await held.write(
        sandbox.id, grants.STORAGE, {"door_access_key": "cle", "door_secret_key": "s"}
    )
    await held.write(sandbox.id, grants.DOORS, DOORS)


def env_of(container: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container["env"]}


async def test_an_order_is_what_the_rows_say_and_the_hub_can_read_it(
    launcher: tuple[KubernetesLauncher, grants.FileGrants], sandbox: Sandbox
) -> None:
    launching, held = launcher
    await give(held, sandbox)
    order = PodOrder.model_validate_json(json.dumps(await launching.launch(sandbox, ANNE)))
    assert (order.template, order.entry) == ("01-depart", "depart.ipynb")
    assert order.pod["metadata"]["namespace"] == sandbox.id
    (main,), (wait, first) = order.pod["spec"]["containers"], order.pod["spec"]["initContainers"]
    assert main["image"] == wait["image"] == first["image"] == IMAGE
    assert env_of(wait)["LAB_GATEWAY"] == "10.98.64.20"
    # Two members share what was granted.
    assert main["resources"]["limits"]["cpu"] == "500m"
    assert order.claim["spec"]["storageClassName"] == "vite"
    assert order.claim["spec"]["resources"]["requests"]["storage"] == "2560Mi"
    aliases = {
        name: alias["ip"]
        for alias in order.pod["spec"]["hostAliases"]
        for name in alias["hostnames"]
    }
    assert aliases == {
        "donnees.lab": "10.98.64.20",
        "suivi.lab": "10.98.64.20",
        "hub.lab": "10.98.64.21",
    }
    assert json.loads(env_of(first)["LAB_DATASETS"]) == [
        {
            "id": DATASET,
            "version": 1,
            "files": [{"name": "data.csv", "size": 12, "sha256": "ab" * 32}],
        }
    ]


async def test_a_notebook_is_told_what_it_is_told_on_one_machine_and_no_key(
    launcher: tuple[KubernetesLauncher, grants.FileGrants], sandbox: Sandbox
) -> None:
    launching, held = launcher
    await give(held, sandbox)
    order = PodOrder.model_validate(await launching.launch(sandbox, ANNE))
    env = env_of(order.pod["spec"]["containers"][0])
    assert env["AWS_ENDPOINT_URL"] == "http://donnees.lab:9000"
    assert env["MLFLOW_TRACKING_URI"] == "http://suivi.lab:5000"
    assert env["MLFLOW_EXPERIMENT_NAME"] == "essais"
    assert "AWS_SECRET_ACCESS_KEY" not in env
    assert '"cle"' not in json.dumps(order.pod)


async def test_without_its_grants_or_its_data_nothing_is_launched(
    launcher: tuple[KubernetesLauncher, grants.FileGrants], sandbox: Sandbox
) -> None:
    launching, held = launcher
    with pytest.raises(ProviderError, match="storage grant"):
        await launching.launch(sandbox, ANNE)
    await held.write(sandbox.id, grants.STORAGE, {})
    with pytest.raises(ProviderError, match="the doors are not there"):
        await launching.launch(sandbox, ANNE)
    await give(held, sandbox)
    missing = replace(sandbox.spec, datasets=(DatasetRef(DATASET, 9),))
    with pytest.raises(ProviderError, match="v9 is not published"):
        await launching.launch(replace(sandbox, spec=missing), ANNE)
