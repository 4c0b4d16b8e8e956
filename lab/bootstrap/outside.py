"""Every outside system of the lab, as the settings choose it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.bootstrap.attempts import FileAttempts
from lab.bootstrap.launching import LocalLauncher
from lab.bootstrap.machine import (
    LocalProofs,
    build_dataset_storage,
    build_notebooks,
    build_providers,
)
from lab.domain.errors import NotReadyError
from lab.providers.s3.options import build_blobs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Stage
    from lab.ports import (
        AttemptSource,
        CatalogueSource,
        GrantSnapshots,
        Launcher,
        Notebooks,
        ProofSource,
        Provider,
    )
    from lab.providers.s3.blobs import BucketBlobs
    from lab.providers.s3.datasets import DatasetStorage
    from lab.settings import Settings
    from lab.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Every outside system. Tests give the ones they want to hold.

    Attributes:
        providers: None at all in a process that does not run the loop on a cluster.
        launcher: Of this machine where none is given.
        grants: What a gateway mirrors, where it does not read the folder itself.
        subscribe: Has something called with each sandbox of which anything changed outside.
        closers: Called when the lab is put away.
    """

    providers: Mapping[Stage, Provider]
    notebooks: Notebooks
    attempts: AttemptSource
    proofs: ProofSource
    launcher: Launcher | None = None
    grants: GrantSnapshots | None = None
    subscribe: Callable[[Callable[[SandboxId], None]], None] | None = None
    closers: tuple[Callable[[], Awaitable[None]], ...] = ()

    async def aclose(self) -> None:
        """Let go of every connection."""
        for close in self.closers:
            await close()


def outside(
    settings: Settings, catalogue: CatalogueSource, store: SqlStore, *, acts: bool
) -> Outside:
    """Make the outside systems that the settings choose.

    Args:
        settings: Of this process.
        catalogue: What can be chosen.
        store: What several processes share on a cluster.
        acts: Whether this process runs the loop.
    """
    if settings.runtime == "kubernetes":
        # Here: its libraries are installed only where the lab runs on a cluster.
        from lab.bootstrap.cluster import outside_on_cluster  # noqa: PLC0415

        return outside_on_cluster(settings, catalogue, store, acts=acts)
    return Outside(
        providers=build_providers(settings, catalogue),
        notebooks=build_notebooks(settings),
        attempts=FileAttempts(
            keepers_dir=settings.run_dir / "keepers",
            gateway_dir=settings.state_dir / "attempts",
        ),
        proofs=LocalProofs(settings.state_dir),
        launcher=LocalLauncher(settings=settings, catalogue=catalogue),
    )


def dataset_storage(settings: Settings) -> DatasetStorage:
    """Make what keeps the bytes of published data sets."""
    if settings.runtime == "kubernetes":
        from lab.bootstrap.cluster import dataset_storage_on_cluster  # noqa: PLC0415

        return dataset_storage_on_cluster(settings)
    return build_dataset_storage(settings)


def quarantine_blobs(settings: Settings, secret: str) -> BucketBlobs:
    """Make what keeps encrypted files on a cluster, with a credential for nothing else.

    Args:
        settings: Of a lab on a cluster.
        secret: Name of the file with the credential's secret key.

    Raises:
        NotReadyError: There is no such secret.
    """
    cluster = settings.on_cluster
    options = {
        "endpoint": cluster.storage_url,
        "region": cluster.storage_region,
        "admin": cluster.storage_admin,
        "access_key": cluster.quarantine_access_key,
        "secret_file": settings.secrets_dir / secret,
    }
    try:
        return build_blobs(options, bucket=cluster.quarantine_bucket)
    except FileNotFoundError as error:
        raise NotReadyError("quarantine", secret, "no such secret") from error
