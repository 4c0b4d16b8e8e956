"""The tracking server's own place in the object store, and its own credential there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lab.domain.sandbox import Stage
from lab.seeding.places import ensure_place

if TYPE_CHECKING:
    from lab.settings import Settings

SECRET, USER = "tracking-s3-key", "lab-tracking"


async def prepare(settings: Settings) -> bool:
    """Make bucket and user for the secret that the tracking server is given; tell whether it is.

    Without that secret the server is given another credential, and makes its bucket itself.

    Raises:
        ProviderError: The store failed; call again.
    """
    if settings.runtime != "kubernetes":
        return False
    bucket = urlsplit(settings.on_cluster.tracking_artifacts).netloc
    return await ensure_place(
        settings, bucket=bucket, user=USER, secret=SECRET, stage=Stage.TRACKING
    )
