from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

from lab import bootstrap
from lab.bootstrap.chained import Chained
from lab.bootstrap.edits import Edits
from lab.bootstrap.keeping import ShippedAttempts, StoredProofs, StoredReports
from lab.bootstrap.launching_kubernetes import KubernetesLauncher
from lab.bootstrap.opening import opened
from lab.domain.errors import StoreUnavailableError
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Stage
from lab.grants import STORAGE
from lab.providers.kubernetes.apply import ForeignEdit
from lab.providers.kubernetes.containment import ContainmentProvider
from lab.providers.kubernetes.enforcement_gate import GatedIsolation
from lab.providers.mlflow.provider import MlflowProvider
from lab.providers.s3.provider import S3Provider
from lab.settings import BadSettingsError, Settings, from_environment
from lab.store import SqlGrants, open_store
from tests.conftest import NOON
from tests.store.test_shared import MINE, proof

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab.store import SqlStore

SECRETS = ("proof-key", "certificate-key", "s3-admin-key", "mlflow-admin-password")
DIGEST = "registry:5000/x@sha256:" + "a" * 64
CLUSTER = {"images": {"notebook": DIGEST, "probe": DIGEST}, "internet": ["192.0.2.10:80"]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name in (*SECRETS, "witness-token", "hub-api-token"):
        (folder / name).write_text(secrets.token_urlsafe(32))
    (folder / "grants-key").write_text(Fernet.generate_key().decode() + "\n")
    (folder / "database-url").write_text("postgresql+psycopg://lab:pass@database/lab\n")
    return from_environment(
        state_dir=tmp_path,
        runtime="kubernetes",
        public_url="https://lab.example.test",
        cluster=CLUSTER,
    )


@pytest.fixture
async def store() -> AsyncIterator[SqlStore]:
    opened = await open_store("sqlite+aiosqlite://")
    yield opened
    await opened.aclose()


async def test_the_process_that_acts_has_a_provider_for_each_stage(
    settings: Settings, store: SqlStore
) -> None:
    lab = await bootstrap.build(settings, store=store)
    assert set(lab.providers) == set(Stage)
    assert {stage: provider.stage for stage, provider in lab.providers.items()} == {
        stage: stage for stage in Stage
    }
    kinds = [type(provider) for provider in lab.providers.values()]
    assert kinds == [GatedIsolation, ContainmentProvider, S3Provider, MlflowProvider, Chained]
    assert isinstance(lab.grants, SqlGrants)
    await lab.systems.aclose()


async def test_the_api_has_no_way_to_what_sandboxes_are_made_of(
    settings: Settings, store: SqlStore
) -> None:
    for name in ("witness-token", "proof-key", "s3-admin-key", "mlflow-admin-password"):
        (settings.secrets_dir / name).unlink()
    lab = await bootstrap.build(settings, store=store, acts=False)
    assert lab.providers == {}
    assert isinstance(lab.launcher, KubernetesLauncher)
    assert isinstance(lab.proofs, StoredProofs)
    assert await ShippedAttempts().read(MINE) == ()
    await lab.systems.aclose()


async def test_a_change_outside_has_its_sandbox_looked_at(
    settings: Settings, store: SqlStore
) -> None:
    lab = await bootstrap.build(settings, store=store)
    told = lab.controller._queue
    systems = lab.systems
    assert systems.subscribe is not None
    session = lab.providers[Stage.CONTAINMENT]._session  # type: ignore[attr-defined]
    session._changed(MINE)
    async with told.take() as found:
        assert found == MINE
    await lab.systems.aclose()


async def test_proofs_and_reports_go_through_the_store(store: SqlStore) -> None:
    proofs, reports = StoredProofs(store), StoredReports(store)
    assert await proofs.proof(MINE) is None
    await proofs.put(proof())
    assert await proofs.proof(MINE) == await proofs.get(MINE) == proof()
    await proofs.drop(MINE)
    assert await proofs.get(MINE) is None
    async with store.begin() as tx:
        await tx.reports.put(MINE, "r1", {"a": 1}, NOON)
    assert await reports.get(MINE, "r1") == {"a": 1}
    assert await reports.take(MINE, "r1") == {"a": 1}
    assert await reports.take(MINE, "r1") is None
    await reports.drop_of(MINE)


async def test_an_edit_that_was_put_back_is_in_the_audit_log(store: SqlStore) -> None:
    edit = ForeignEdit(MINE, "NetworkPolicy", "tout-fermer", ("spec.egress",), ("kubectl",))
    await Edits(store).record(edit)
    async with store.read() as tx:
        (event,) = await tx.audit.all()
    assert (event.action, event.resource_id) == ("sandbox.put_back", MINE)
    assert dict(event.facts) == {
        "object": "NetworkPolicy/tout-fermer",
        "fields": "spec.egress",
        "writers": "kubectl",
    }


async def test_grants_are_opened_with_every_key_of_the_secret(
    settings: Settings, store: SqlStore
) -> None:
    first = await bootstrap.build(settings, store=store, acts=False)
    assert isinstance(first.grants, SqlGrants)
    await first.grants.write(SandboxId(MINE), STORAGE, {"a": 1})
    path = settings.secrets_dir / "grants-key"
    path.write_text(f"{Fernet.generate_key().decode()}\n{path.read_text()}")
    second = await bootstrap.build(settings, store=store, acts=False)
    assert isinstance(second.grants, SqlGrants)
    assert await second.grants.read(MINE, STORAGE) == {"a": 1}


def test_settings_of_a_cluster(settings: Settings) -> None:
    assert settings.domain == "lab.example.test"
    assert settings.database_url == "postgresql+psycopg://lab:pass@database/lab"
    assert settings.api_url == "http://api:8001"
    assert settings.on_cluster.images.probe == DIGEST
    assert settings.ports.control_plane == 8001


def test_settings_of_one_machine_are_as_they_were(tmp_path: Path) -> None:
    settings = from_environment(state_dir=tmp_path, port=9000)
    assert (settings.runtime, settings.role, settings.cluster) == ("machine", "all", None)
    assert settings.public_url == "http://vaseclos.localhost:9000"
    assert settings.api_url == "http://127.0.0.1:9001"
    assert settings.with_port(9100).public_url == "http://vaseclos.localhost:9100"
    behind = from_environment(state_dir=tmp_path, public_url="https://lab.example.test")
    assert behind.with_port(9100).public_url == "https://lab.example.test"
    with pytest.raises(ValueError, match="kubernetes"):
        _ = settings.on_cluster


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cluster": None}, "settings: runtime kubernetes needs LAB_CLUSTER"),
        ({"runtime": "nomad"}, "settings: LAB_RUNTIME: Input should be 'machine' or"),
        ({"cluster": {**CLUSTER, "more": 1}}, "settings: LAB_CLUSTER.more: Extra inputs"),
        ({"cluster": {}}, "settings: LAB_CLUSTER.images: Field required"),
        (
            {"cluster": {"images": {"notebook": "x:latest", "probe": DIGEST}}},
            "settings: LAB_CLUSTER.images.notebook: String should match",
        ),
        ({"database_url": "sqlite+aiosqlite://"}, "settings: runtime kubernetes keeps its rows"),
        ({"public_url": "ftp://x"}, "settings: LAB_PUBLIC_URL: String should match"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said_in_a_line(
    tmp_path: Path, values: dict[str, object], said: str
) -> None:
    good = {
        "state_dir": tmp_path,
        "runtime": "kubernetes",
        "cluster": CLUSTER,
        "database_url": "postgresql+psycopg://lab:hidden@database/lab",
    }
    with pytest.raises(BadSettingsError) as caught:
        from_environment(**(good | values))
    text = str(caught.value)
    assert text.startswith(said)
    assert "\n" not in text
    assert "hidden" not in text


async def test_a_database_that_comes_late_is_waited_for_and_not_for_ever(
    settings: Settings, tmp_path: Path
) -> None:
    nowhere = f"postgresql+psycopg://lab@/lab?host={tmp_path}/nothing"
    late = settings.model_copy(update={"database_url": nowhere})
    with pytest.raises(StoreUnavailableError):
        await opened(late, patience_seconds=0.6)
