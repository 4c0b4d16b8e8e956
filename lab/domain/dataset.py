"""Data sets: what may be mounted in a sandbox, always as an immutable version."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.ids import DatasetId


class DataClass(Enum):
    """What the law calls the data. Statuses never mix."""

    SYNTHETIC = "synthetique"
    ANONYMISED = "anonymise"
    OPEN = "ouvert"
    DEIDENTIFIED = "depersonnalise"
    """Still personal information (LAI, art. 65.1): never mounted in a sandbox."""


MOUNTABLE = frozenset({DataClass.SYNTHETIC, DataClass.ANONYMISED, DataClass.OPEN})


class VersionStatus(Enum):
    """Whether a published version may be mounted."""

    ACTIVE = "active"
    TO_REVIEW = "a_reviser"
    """Its analysis is due, or failed (A-2.1, r. 0.1, art. 8): not mounted before it passes."""
    WITHDRAWN = "retire"
    """Taken back for good."""


DOCUMENTS = ("datapackage.json", "croissant.json", "dcat.json", "FICHE.md")
"""The files of a version that say what it is. Anybody who may read of the data set reads them."""


@dataclass(frozen=True, slots=True, order=True)
class DatasetRef:
    """One immutable version of one data set."""

    dataset_id: DatasetId
    version: int


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a published table.

    Attributes:
        type: A Frictionless Table Schema type: ``string``, ``integer``, ``number``,
            ``date`` or ``boolean``.
    """

    name: str
    type: str
    label_fr: str
    label_en: str


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """One file of a version, relative to its prefix.

    Attributes:
        sha256: Hexadecimal, of the stored bytes.
    """

    name: str
    size_bytes: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set, whatever its versions."""

    id: DatasetId
    title_fr: str
    title_en: str
    description_fr: str
    description_en: str
    data_class: DataClass
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """One published version. Its bytes never change; whether it may be mounted does.

    Attributes:
        next_review_at: UTC; from then on it is ``TO_REVIEW``. ``None`` for what the lab itself
            makes or what is open already.
    """

    ref: DatasetRef
    row_count: int
    columns: tuple[Column, ...]
    files: tuple[DatasetFile, ...]
    published_at: datetime
    status: VersionStatus = VersionStatus.ACTIVE
    next_review_at: datetime | None = None

    @property
    def prefix(self) -> str:
        """Where its files lie in the data bucket, with the closing slash."""
        return f"{self.ref.dataset_id}/v{self.ref.version}/"
