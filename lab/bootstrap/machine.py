"""The outside systems of the lab on one machine, from the settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lab import providers
from lab.domain.object_store import StoreKind
from lab.domain.sandbox import Stage
from lab.providers.jupyterhub import HubNotebooks
from lab.providers.local import launch, proofs
from lab.providers.s3.options import build_datasets
from lab.settings import ProviderSettings

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.containment import Proof
    from lab.domain.ids import SandboxId
    from lab.ports import CatalogueSource, Provider
    from lab.providers.s3.datasets import DatasetStorage
    from lab.settings import Settings

_USED = {
    Stage.ISOLATION: "local",
    Stage.CONTAINMENT: "local",
    Stage.DATA: "s3",
    Stage.TRACKING: "mlflow",
    Stage.WORKSPACE: "jupyterhub",
}


def build_providers(settings: Settings, catalogue: CatalogueSource) -> dict[Stage, Provider]:
    """Make the provider that the settings choose for each stage."""
    made = {}
    for stage in Stage:
        chosen = settings.providers.get(stage, ProviderSettings(use=_USED[stage]))
        options = _options(settings, catalogue, chosen.use) | chosen.options
        made[stage] = providers.build(chosen.use, stage, options)
    return made


def build_notebooks(settings: Settings) -> HubNotebooks:
    """Make what starts and stops notebook servers."""
    return HubNotebooks(
        api_url=_hub_api(settings),
        token_file=settings.secrets_dir / "hub-api-token",
        public_url=settings.public_url,
    )


def build_dataset_storage(settings: Settings) -> DatasetStorage:
    """Make what keeps the bytes of published data sets: in the store that DATA is given."""
    chosen = settings.providers.get(Stage.DATA)
    return build_datasets(storage_options(settings) | (chosen.options if chosen else {}))


def _options(settings: Settings, catalogue: CatalogueSource, use: str) -> dict[str, Any]:
    match use:
        case "local":
            return _local(settings, catalogue)
        case "s3":
            return storage_options(settings)
        case "mlflow":
            return _mlflow(settings)
        case "jupyterhub":
            return _jupyterhub(settings)
        case _:
            return {}


def _local(settings: Settings, catalogue: CatalogueSource) -> dict[str, Any]:
    def doors_of(profile_id: str) -> list[str]:
        known = {str(key): profile for key, profile in catalogue.catalogue().profiles.items()}
        return sorted(door.value for door in known[profile_id].doors)

    return {
        "state_dir": settings.state_dir,
        "run_dir": settings.run_dir,
        "runtime_env": settings.notebook_env,
        "doors_of": doors_of,
    }


def storage_options(settings: Settings) -> dict[str, Any]:
    """Return how the object store is spoken to, whoever runs it."""
    chosen = settings.storage
    kept = {
        "grants_dir": settings.state_dir / "grants",
        "datasets_dir": settings.state_dir / "datasets",
        "encrypts": chosen.encrypts,
    }
    if chosen.kind is StoreKind.EXTERNAL:
        return kept | {
            "endpoint": chosen.endpoint.rstrip("/"),
            "admin": chosen.admin,
            "region": chosen.region,
            "access_key": chosen.access_key,
            "secret_file": chosen.secret_file,
        }
    return kept | {
        "endpoint": f"http://127.0.0.1:{settings.ports.storage}",
        "admin": chosen.kind.value,
        "access_key": _own_admin(settings),
        "secret_file": settings.secrets_dir / "s3-admin-key",
    }


def _own_admin(settings: Settings) -> str:
    """Return the administrator's access key at the store that the lab starts."""
    drawn = settings.state_dir / "minio" / "admin-name"
    if settings.storage.kind is StoreKind.MINIO and drawn.exists():
        return drawn.read_text(encoding="utf-8").strip()
    return "lab-admin"


def _mlflow(settings: Settings) -> dict[str, Any]:
    folder = settings.state_dir / "mlflow"
    return {
        "endpoint": f"http://127.0.0.1:{settings.ports.tracking}",
        "username": "lab-admin",
        "secret_file": settings.secrets_dir / "mlflow-admin-password",
        "grants_dir": settings.state_dir / "grants",
        "artifacts_dir": folder / "artifacts",
        "database": folder / "mlflow.db",
    }


def _jupyterhub(settings: Settings) -> dict[str, Any]:
    return {
        "api_url": _hub_api(settings),
        "token_file": settings.secrets_dir / "hub-api-token",
        "keepers_dir": settings.run_dir / "keepers",
        "running": launch.running,
        "stop": launch.stop,
    }


def _hub_api(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.ports.hub}/hub/api"


class LocalProofs:
    """Reads the proofs that the local provider keeps."""

    def __init__(self, state_dir: Path) -> None:
        self._sandboxes_dir = state_dir / "sandboxes"

    async def proof(self, sandbox_id: SandboxId) -> Proof | None:
        """Return the last one, or nothing where none was made."""
        path = self._sandboxes_dir / sandbox_id / "proof.json"
        return await asyncio.to_thread(proofs.read, path)
