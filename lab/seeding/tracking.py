"""The tracking server's own place in the object store, and its own credential there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lab.domain.errors import ProviderError
from lab.domain.sandbox import Stage
from lab.providers.s3 import StoreRefusedError, prepare_service_bucket

if TYPE_CHECKING:
    from lab.settings import Settings

SECRET, USER = "tracking-s3-key", "lab-tracking"


async def prepare(settings: Settings) -> bool:
    """Make bucket and user for the secret that the tracking server is given; tell whether it is.

    Without that secret the server is given another credential, and makes its bucket itself.

    Raises:
        ProviderError: The store failed; call again.
    """
    secret_file = settings.secrets_dir / SECRET
    if settings.runtime != "kubernetes" or not secret_file.exists():
        return False
    cluster = settings.on_cluster
    options: dict[str, Any] = {
        "endpoint": cluster.storage_url,
        "region": cluster.storage_region,
        "admin": cluster.storage_admin,
        "access_key": cluster.storage_access_key,
        "secret_file": settings.secrets_dir / "s3-admin-key",
        "datasets_dir": settings.state_dir / "datasets",
    }
    bucket = urlsplit(cluster.tracking_artifacts).netloc
    try:
        await prepare_service_bucket(options, bucket=bucket, user=USER, secret_file=secret_file)
    except StoreRefusedError as error:
        raise ProviderError(Stage.TRACKING, str(error)) from error
    return True
