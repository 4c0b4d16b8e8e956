"""The shipped data sets, brought to where they are missing: to the store, or to our rows."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lab.data import publication
from lab.domain.dataset import DOCUMENTS

if TYPE_CHECKING:
    from lab.bootstrap import Lab
    from lab.data.publication import Built
    from lab.domain.dataset import DatasetRef
    from lab.providers.s3.datasets import DatasetStorage


class Shipped:
    """Publishes what is not published. The bytes of a version never change.

    The date of publication is written in them. So a version that one side has
    already is made with that side's date, or read back from there.
    """

    def __init__(self, lab: Lab, storage: DatasetStorage) -> None:
        self._lab, self._storage = lab, storage

    async def publish(self) -> int:
        """Publish all that is missing; return how many versions are new.

        Raises:
            ProviderError: The store failed; call again.
            StateError: The store holds other bytes under that version.
        """
        count = 0
        for ref in publication.SHIPPED:
            count += await self._publish(ref)
        return count

    async def _publish(self, ref: DatasetRef) -> bool:
        async with self._lab.store.read() as tx:
            known = await tx.datasets.version(ref)
            is_told = await tx.datasets.document(ref, DOCUMENTS[0]) is not None
        stored = await self._storage.published(ref)
        if known is not None and stored is not None and is_told:
            return False
        if stored is not None:
            folder = await self._storage.materialise(ref)
            built = await asyncio.to_thread(publication.read, folder)
            return await self._record(built)
        at = datetime.now(UTC) if known is None else known.published_at
        with tempfile.TemporaryDirectory(prefix="lab-seeding-") as folder_name:
            built = await asyncio.to_thread(_build, ref, Path(folder_name), at)
            files = {file.name: built.folder / file.name for file in built.version.files}
            await self._storage.publish(built.version, files)
            return await self._record(built)

    async def _record(self, built: Built) -> bool:
        texts = {
            file.name: (built.folder / file.name).read_text("utf-8")
            for file in built.version.files
            if file.name in DOCUMENTS
        }
        return await self._lab.datasets.record(built.dataset, built.version, texts)


def _build(ref: DatasetRef, folder: Path, at: datetime) -> Built:
    return publication.build_one(ref, folder, published_at=at)
