"""Data sets: what is offered, and the publication of a version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import NotFoundError, StateError
from lab.domain.member import Resource, Target, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.dataset import Dataset, DatasetFile, DatasetRef, DatasetVersion
    from lab.domain.ids import DatasetId
    from lab.domain.member import Member
    from lab.ports import Store
    from lab.services.journal import Journal


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A data set with its versions, newest first."""

    dataset: Dataset
    versions: Sequence[DatasetVersion]


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a version: the very bytes that were published."""

    file: DatasetFile
    content: bytes


class DatasetService:
    """What people can do with data sets."""

    def __init__(self, *, store: Store, journal: Journal) -> None:
        self._store, self._journal = store, journal

    async def all(self, actor: Member) -> Sequence[DatasetView]:
        """Return every data set that has a version."""
        self._journal.require(actor, Verb.LIST, Target(Resource.DATASET))
        async with self._store.read() as tx:
            views = [
                DatasetView(d, await tx.datasets.versions(d.id)) for d in await tx.datasets.all()
            ]
        return [view for view in views if view.versions]

    async def get(self, actor: Member, dataset_id: DatasetId) -> DatasetView:
        """Return one data set.

        Raises:
            NotFoundError: There is none by that id.
        """
        self._journal.require(actor, Verb.READ, Target(Resource.DATASET), dataset_id)
        async with self._store.read() as tx:
            dataset = await tx.datasets.get(dataset_id)
            if dataset is None:
                raise NotFoundError("dataset", dataset_id)
            return DatasetView(dataset, await tx.datasets.versions(dataset_id))

    async def document(self, actor: Member, ref: DatasetRef, name: str) -> Document:
        """Return one of a version's documents, as it was published.

        Raises:
            NotFoundError: There is no such version, or it has no such document.
        """
        self._journal.require(actor, Verb.READ, Target(Resource.DATASET), ref.dataset_id)
        async with self._store.read() as tx:
            version = await tx.datasets.version(ref)
            if version is None:
                raise NotFoundError("dataset version", f"{ref.dataset_id}@{ref.version}")
            file = next((each for each in version.files if each.name == name), None)
            text = await tx.datasets.document(ref, name)
        if file is None or text is None:
            raise NotFoundError("document", name)
        content = text.encode()
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise StateError("document", name, state="altered", wanted="read")
        return Document(file, content)

    async def record(
        self,
        dataset: Dataset,
        version: DatasetVersion,
        documents: Mapping[str, str] | None = None,
    ) -> bool:
        """Write down a version whose files are in place; tell whether it is new.

        Its documents are kept beside it, also of one that is known already.

        Called by the lab itself once the object store holds the files.

        Raises:
            ConflictError: Another version by that number is there.
        """
        async with self._store.begin() as tx:
            await tx.datasets.put(dataset)
            await tx.datasets.add_documents(version.ref, documents or {})
            if await tx.datasets.version(version.ref) is not None:
                return False
            await tx.datasets.add_version(version)
            await self._journal.done(
                tx,
                actor=None,
                action="dataset.publish",
                resource_id=dataset.id,
                facts={"version": str(version.ref.version)},
            )
        return True
