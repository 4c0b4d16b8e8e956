"""Data sets and their published versions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from lab.domain.dataset import (
    Column,
    DataClass,
    Dataset,
    DatasetFile,
    DatasetRef,
    DatasetVersion,
    VersionStatus,
)
from lab.domain.errors import ConflictError
from lab.store.tables_data import dataset_documents, dataset_versions, datasets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import DatasetId
    from lab.store.link import Link


class SqlDatasets:
    """Implements ``lab.ports.Datasets``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, dataset_id: DatasetId) -> Dataset | None:
        """Return the data set, or nothing."""
        row = await self._link.first(select(datasets).where(datasets.c.id == dataset_id))
        return None if row is None else _dataset(row)

    async def put(self, dataset: Dataset) -> None:
        """Write, or write over, its description."""
        values = {**asdict(dataset), "data_class": dataset.data_class.value}
        await self._link.write_over(datasets, [values])

    async def all(self) -> Sequence[Dataset]:
        """Return every data set, by id."""
        rows = await self._link.all(select(datasets))
        return sorted(map(_dataset, rows), key=lambda dataset: dataset.id)

    async def version(self, ref: DatasetRef) -> DatasetVersion | None:
        """Return one version, or nothing."""
        table = dataset_versions
        same = and_(table.c.dataset_id == ref.dataset_id, table.c.version == ref.version)
        row = await self._link.first(select(table).where(same))
        return None if row is None else _version(row)

    async def latest(self, dataset_id: DatasetId) -> DatasetVersion | None:
        """Return the newest version, or nothing."""
        row = await self._link.first(_versions_of(dataset_id).limit(1))
        return None if row is None else _version(row)

    async def versions(self, dataset_id: DatasetId) -> Sequence[DatasetVersion]:
        """Return every version, newest first."""
        return [_version(row) for row in await self._link.all(_versions_of(dataset_id))]

    async def add_version(self, version: DatasetVersion) -> None:
        """Write a new version."""
        values = {
            "dataset_id": version.ref.dataset_id,
            "version": version.ref.version,
            "row_count": version.row_count,
            "columns": [asdict(column) for column in version.columns],
            "files": [asdict(file) for file in version.files],
            "published_at": version.published_at,
            "status": version.status.value,
            "next_review_at": version.next_review_at,
        }
        if not await self._link.add(dataset_versions, values):
            name = f"{version.ref.dataset_id}@{version.ref.version}"
            raise ConflictError("dataset version", name, expected=0, found=version.ref.version)

    async def add_documents(self, ref: DatasetRef, documents: Mapping[str, str]) -> None:
        """Keep a version's documents by name; what is kept already stays as it is."""
        version = {"dataset_id": ref.dataset_id, "version": ref.version}
        for name, text in documents.items():
            await self._link.add(dataset_documents, {**version, "name": name, "content": text})

    async def document(self, ref: DatasetRef, name: str) -> str | None:
        """Return one document of a version, or nothing."""
        table = dataset_documents
        same = and_(
            table.c.dataset_id == ref.dataset_id,
            table.c.version == ref.version,
            table.c.name == name,
        )
        row = await self._link.first(select(table).where(same))
        return None if row is None else str(row["content"])

    async def set_status(
        self, ref: DatasetRef, status: VersionStatus, next_review_at: datetime | None
    ) -> bool:
        """Write whether a version may be mounted; ``False`` where nothing changed."""
        table = dataset_versions
        same = and_(table.c.dataset_id == ref.dataset_id, table.c.version == ref.version)
        values = {"status": status.value, "next_review_at": next_review_at}
        is_as_wanted = and_(
            table.c.status == status.value,
            table.c.next_review_at.is_not_distinct_from(next_review_at),
        )
        done = await self._link.run(table.update().where(same, ~is_as_wanted).values(**values))
        return done.rowcount == 1

    async def due(self, now: datetime) -> Sequence[DatasetVersion]:
        """Return the active versions whose review date has come, by name and number."""
        table = dataset_versions
        is_due = and_(table.c.status == VersionStatus.ACTIVE.value, table.c.next_review_at <= now)
        rows = await self._link.all(select(table).where(is_due))
        return sorted(map(_version, rows), key=lambda version: version.ref)


def _versions_of(dataset_id: DatasetId) -> Select[Any]:
    table = dataset_versions
    newest_first = table.c.version.desc()
    return select(table).where(table.c.dataset_id == dataset_id).order_by(newest_first)


def _dataset(row: RowMapping) -> Dataset:
    return Dataset(**{**row, "data_class": DataClass(row["data_class"])})


def _version(row: RowMapping) -> DatasetVersion:
    return DatasetVersion(
        ref=DatasetRef(row["dataset_id"], row["version"]),
        row_count=row["row_count"],
        columns=tuple(Column(**column) for column in row["columns"]),
        files=tuple(DatasetFile(**file) for file in row["files"]),
        published_at=row["published_at"],
        status=VersionStatus(row["status"]),
        next_review_at=row["next_review_at"],
    )
