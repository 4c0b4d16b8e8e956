"""Data sets and their published versions, as they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.dataset import Dataset, DatasetRef, DatasetVersion, VersionStatus
    from lab.domain.ids import DatasetId


class Datasets(Protocol):
    """Data sets and their published versions."""

    async def get(self, dataset_id: DatasetId) -> Dataset | None:
        """Return the data set, or nothing."""
        ...

    async def put(self, dataset: Dataset) -> None:
        """Write, or write over, its description."""
        ...

    async def all(self) -> Sequence[Dataset]:
        """Return every data set, by id."""
        ...

    async def version(self, ref: DatasetRef) -> DatasetVersion | None:
        """Return one version, or nothing."""
        ...

    async def latest(self, dataset_id: DatasetId) -> DatasetVersion | None:
        """Return the newest version, or nothing."""
        ...

    async def versions(self, dataset_id: DatasetId) -> Sequence[DatasetVersion]:
        """Return every version, newest first."""
        ...

    async def add_version(self, version: DatasetVersion) -> None:
        """Write a new version.

        Raises:
            ConflictError: That version is published already.
        """
        ...

    async def add_documents(self, ref: DatasetRef, documents: Mapping[str, str]) -> None:
        """Keep a version's documents by name; what is kept already stays as it is."""
        ...

    async def document(self, ref: DatasetRef, name: str) -> str | None:
        """Return one document of a version, or nothing."""
        ...

    async def set_status(
        self, ref: DatasetRef, status: VersionStatus, next_review_at: datetime | None
    ) -> bool:
        """Write whether a version may be mounted; ``False`` where nothing changed."""
        ...

    async def due(self, now: datetime) -> Sequence[DatasetVersion]:
        """Return the active versions whose review date has come, by name and number."""
        ...
