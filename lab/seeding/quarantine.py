"""The quarantine's own place in the object store, and its own credential there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.bootstrap.intakes import QUARANTINE_SECRET
from lab.seeding.places import ensure_place

if TYPE_CHECKING:
    from lab.settings import Settings


async def prepare(settings: Settings) -> bool:
    """Make bucket and user for the secret that the quarantine is given; tell whether it is.

    Raises:
        ProviderError: The store failed; call again.
    """
    if settings.runtime != "kubernetes":
        return False
    cluster = settings.on_cluster
    return await ensure_place(
        settings,
        bucket=cluster.quarantine_bucket,
        user=cluster.quarantine_access_key,
        secret=QUARANTINE_SECRET,
        # Whatever the bucket is told to keep, what is destroyed there must be gone.
        has_versions=True,
    )
