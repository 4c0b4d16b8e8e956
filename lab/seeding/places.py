"""What a service of the lab has for itself in the object store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.domain.errors import ProviderError
from lab.domain.sandbox import Stage
from lab.providers.s3.options import StoreRefusedError, prepare_service_bucket

if TYPE_CHECKING:
    from lab.settings import Settings


async def ensure_place(
    settings: Settings,
    *,
    bucket: str,
    user: str,
    secret: str,
    stage: Stage = Stage.DATA,
    has_versions: bool = False,
) -> bool:
    """Make a bucket, and the user that may work there only; tell whether there is a secret for it.

    Without the secret nothing is made.

    Args:
        settings: Of a lab on a cluster.
        bucket: For this service alone.
        user: Its access key.
        secret: Name of the file that holds its secret key.
        stage: Which failed, where the store does.
        has_versions: It may also remove older versions of what is in the bucket.

    Raises:
        ProviderError: The store failed; call again.
    """
    secret_file = settings.secrets_dir / secret
    if not secret_file.exists():
        return False
    cluster = settings.on_cluster
    options: dict[str, Any] = {
        "endpoint": cluster.storage_url,
        "region": cluster.storage_region,
        "admin": cluster.storage_admin,
        "access_key": cluster.storage_access_key,
        "secret_file": settings.secrets_dir / "s3-admin-key",
    }
    try:
        await prepare_service_bucket(
            options, bucket=bucket, user=user, secret_file=secret_file, has_versions=has_versions
        )
    except StoreRefusedError as error:
        raise ProviderError(stage, str(error)) from error
    return True
