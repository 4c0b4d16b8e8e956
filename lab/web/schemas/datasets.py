"""Data sets, and what else can be chosen, on the wire."""

from __future__ import annotations

from datetime import datetime

from lab.domain.catalogue import NotebookTemplate, SizeClass
from lab.domain.dataset import DataClass, DatasetVersion, VersionStatus
from lab.domain.egress import EgressProfile
from lab.services.datasets import DatasetView
from lab.web.schemas.common import Out, ResourcesOut


class ColumnOut(Out):
    """One column. / Une colonne."""

    name: str
    type: str
    label_fr: str
    label_en: str


class FileOut(Out):
    """One file of a version. / Un fichier d’une version."""

    name: str
    size_bytes: int
    sha256: str
    media_type: str


class VersionOut(Out):
    """One immutable version, and whether it may be mounted. / Une version immuable."""

    version: int
    row_count: int
    columns: list[ColumnOut]
    files: list[FileOut]
    published_at: datetime
    status: VersionStatus
    next_review_at: datetime | None

    @classmethod
    def of(cls, version: DatasetVersion) -> VersionOut:
        """Write it."""
        columns = [
            ColumnOut(name=c.name, type=c.type, label_fr=c.label_fr, label_en=c.label_en)
            for c in version.columns
        ]
        files = [
            FileOut(name=f.name, size_bytes=f.size_bytes, sha256=f.sha256, media_type=f.media_type)
            for f in version.files
        ]
        return cls(
            version=version.ref.version,
            row_count=version.row_count,
            columns=columns,
            files=files,
            published_at=version.published_at,
            status=version.status,
            next_review_at=version.next_review_at,
        )


class DatasetOut(Out):
    """A data set with its versions, newest first. / Un jeu de données et ses versions."""

    id: str
    title_fr: str
    title_en: str
    description_fr: str
    description_en: str
    data_class: DataClass
    licence: str
    source: str
    versions: list[VersionOut]

    @classmethod
    def of(cls, view: DatasetView) -> DatasetOut:
        """Write it."""
        dataset = view.dataset
        return cls(
            id=dataset.id,
            title_fr=dataset.title_fr,
            title_en=dataset.title_en,
            description_fr=dataset.description_fr,
            description_en=dataset.description_en,
            data_class=dataset.data_class,
            licence=dataset.licence,
            source=dataset.source,
            versions=[VersionOut.of(version) for version in view.versions],
        )


class TemplateOut(Out):
    """A notebook template. / Un gabarit de carnet."""

    id: str
    title_fr: str
    title_en: str
    description_fr: str
    description_en: str
    entry: str

    @classmethod
    def of(cls, template: NotebookTemplate) -> TemplateOut:
        """Write it."""
        return cls(
            id=template.id,
            title_fr=template.title_fr,
            title_en=template.title_en,
            description_fr=template.description_fr,
            description_en=template.description_en,
            entry=template.entry,
        )


class ProfileOut(Out):
    """An egress profile. / Un profil de règles de sortie."""

    id: str
    label_fr: str
    label_en: str
    description_fr: str
    description_en: str
    doors: list[str]

    @classmethod
    def of(cls, profile: EgressProfile) -> ProfileOut:
        """Write it."""
        return cls(
            id=profile.id,
            label_fr=profile.label_fr,
            label_en=profile.label_en,
            description_fr=profile.description_fr,
            description_en=profile.description_en,
            doors=sorted(door.value for door in profile.doors),
        )


class SizeOut(Out):
    """A named amount of compute. / Un format."""

    id: str
    label_fr: str
    label_en: str
    resources: ResourcesOut

    @classmethod
    def of(cls, size: SizeClass) -> SizeOut:
        """Write it."""
        return cls(
            id=size.id,
            label_fr=size.label_fr,
            label_en=size.label_en,
            resources=ResourcesOut.of(size.resources),
        )
