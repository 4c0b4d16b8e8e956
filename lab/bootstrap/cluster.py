"""The outside systems of the lab on a cluster, from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab import providers
from lab.bootstrap.chained import Chained
from lab.bootstrap.clock import SystemClock
from lab.bootstrap.edits import Edits
from lab.bootstrap.keeping import ShippedAttempts, StoredProofs, StoredReports
from lab.bootstrap.launching_kubernetes import KubernetesLauncher
from lab.bootstrap.outside import Outside
from lab.domain.sandbox import Stage
from lab.domain.secret import Secret
from lab.providers.jupyterhub import HubNotebooks
from lab.providers.kubernetes import open_session
from lab.providers.kubernetes.enforcement_gate import WallSettings, build_walls
from lab.providers.s3.options import build_datasets
from lab.settings import ProviderSettings
from lab.store import SqlGrants

if TYPE_CHECKING:
    from lab.domain.egress import Door
    from lab.ports import CatalogueSource, Provider
    from lab.providers.kubernetes.session import Session
    from lab.providers.s3.datasets import DatasetStorage
    from lab.settings import Settings
    from lab.store import SqlStore


def outside_on_cluster(
    settings: Settings, catalogue: CatalogueSource, store: SqlStore, *, acts: bool
) -> Outside:
    """Make the outside systems; those that sandboxes are made of only where ``acts``."""
    grants = grants_of(settings, store)
    proofs = StoredProofs(store)
    made = Made(settings, catalogue, store=store, grants=grants, proofs=proofs) if acts else None
    return Outside(
        providers={} if made is None else made.providers(),
        notebooks=HubNotebooks(
            api_url=_hub_api(settings),
            token_file=settings.secrets_dir / "hub-api-token",
            public_url=settings.public_url,
        ),
        attempts=ShippedAttempts(),
        proofs=proofs,
        launcher=KubernetesLauncher(
            settings=settings, catalogue=catalogue, grants=grants, store=store
        ),
        grants=grants,
        subscribe=None if made is None else made.session.subscribe,
        closers=() if made is None else (made.aclose,),
    )


def grants_of(settings: Settings, store: SqlStore) -> SqlGrants:
    """Open the grants. The secret holds one key a line, the newest first."""
    return SqlGrants(store, settings.secret("grants-key").split())


def session_of(settings: Settings, store: SqlStore) -> Session:
    """Make what the stages share at the API server."""
    cluster = settings.on_cluster
    return open_session({
        "namespace": cluster.namespace,
        "kubeconfig": settings.kubeconfig,
        "gateway_selector": cluster.gateway_selector,
        "hub_selector": cluster.hub_selector,
        "front_selector": cluster.front_selector,
        "on_foreign_edit": Edits(store).record,
    })


def dataset_storage_on_cluster(settings: Settings) -> DatasetStorage:
    """Make what keeps the bytes of published data sets."""
    return build_datasets(_s3(settings) | {"datasets_dir": settings.state_dir / "datasets"})


class Made:
    """Makes the provider of each stage; the stages share a session, grants and the store."""

    def __init__(
        self,
        settings: Settings,
        catalogue: CatalogueSource,
        *,
        store: SqlStore,
        grants: SqlGrants,
        proofs: StoredProofs,
    ) -> None:
        self._settings, self._catalogue, self._grants = settings, catalogue, grants
        self.session = session_of(settings, store)
        self._walls = build_walls(
            _wall_settings(settings),
            session=self.session,
            grants=grants,
            proofs=proofs,
            reports=StoredReports(store),
            doors_of=self._doors_of,
            clock=SystemClock(),
        )

    def providers(self) -> dict[Stage, Provider]:
        """Return one for each stage."""
        return {stage: self._provider(stage) for stage in Stage}

    async def aclose(self) -> None:
        """End what runs, and let go of the API server."""
        await self._walls.aclose()
        await self.session.aclose()

    def _provider(self, stage: Stage) -> Provider:
        chosen = self._settings.providers.get(stage)
        if chosen is not None:
            return self._build(chosen, stage)
        match stage:
            case Stage.ISOLATION:
                return self._walls.guard(self._build(ProviderSettings(use="kubernetes"), stage))
            case Stage.CONTAINMENT:
                return self._walls.containment
            case Stage.DATA:
                return self._build(ProviderSettings(use="s3"), stage)
            case Stage.TRACKING:
                return self._build(ProviderSettings(use="mlflow"), stage)
            case Stage.WORKSPACE:
                return Chained(
                    self._build(ProviderSettings(use="kubernetes"), stage),
                    self._build(ProviderSettings(use="jupyterhub"), stage),
                )

    def _build(self, chosen: ProviderSettings, stage: Stage) -> Provider:
        options = self._options(chosen.use) | chosen.options
        return providers.build(chosen.use, stage, options)

    def _options(self, use: str) -> dict[str, Any]:
        settings, grants = self._settings, {"grants": self._grants}
        match use:
            case "kubernetes":
                return {"session": self.session} | grants
            case "s3":
                return _s3(settings) | grants
            case "mlflow":
                return _mlflow(settings) | grants
            case "jupyterhub":
                return {
                    "api_url": _hub_api(settings),
                    "token_file": settings.secrets_dir / "hub-api-token",
                }
            case _:
                return {}

    def _doors_of(self, profile_id: str) -> frozenset[Door]:
        known = {str(key): each for key, each in self._catalogue.catalogue().profiles.items()}
        return known[profile_id].doors


def _wall_settings(settings: Settings) -> WallSettings:
    cluster = settings.on_cluster
    return WallSettings(
        proof_key=Secret.checked(settings.secret("proof-key"), name="proof-key").reveal().encode(),
        witness_host=cluster.witness_host,
        witness_token=settings.secret("witness-token"),
        probe_image=cluster.images.probe,
        images=(cluster.images.notebook,),
        internet=cluster.internet,
        pull_secret=cluster.pull_secret,
    )


def _s3(settings: Settings) -> dict[str, Any]:
    cluster = settings.on_cluster
    return {
        "endpoint": cluster.storage_url,
        "region": cluster.storage_region,
        "admin": cluster.storage_admin,
        "access_key": cluster.storage_access_key,
        "secret_file": settings.secrets_dir / "s3-admin-key",
    }


def _mlflow(settings: Settings) -> dict[str, Any]:
    cluster = settings.on_cluster
    return {
        "endpoint": cluster.tracking_url,
        "username": cluster.tracking_username,
        "secret_file": settings.secrets_dir / "mlflow-admin-password",
        "artifacts": {
            "root": cluster.tracking_artifacts,
            "endpoint": cluster.storage_url,
            "region": cluster.storage_region,
            "access_key": cluster.storage_access_key,
            "secret_file": settings.secrets_dir / "s3-admin-key",
        },
    }


def _hub_api(settings: Settings) -> str:
    return f"{settings.on_cluster.hub_url}/hub/api"
