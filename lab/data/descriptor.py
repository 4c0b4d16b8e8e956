"""The machine-readable descriptor of a version: a Frictionless Data Package.

Everything the lab knows about a version is in it, so that a folder alone is
enough to publish it again elsewhere.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from lab.domain.dataset import Column, DataClass, Dataset, DatasetRef, DatasetVersion
from lab.domain.ids import DatasetId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.data.source import Source
    from lab.domain.dataset import DatasetFile


MOST_VALUES = 500
"""Of a column of text: a contract with more of them is a copy of the column."""
_ORDERED = frozenset({"integer", "number", "date"})


def write(
    source: Source, files: Iterable[DatasetFile], *, ref: DatasetRef, published_at: datetime
) -> dict[str, Any]:
    """Describe a version, whose data ``files`` are one table in several formats."""
    dataset = source.dataset
    evidence = {"anonymisation": dict(source.evidence)} if source.evidence else {}
    return {
        "profile": "data-package",
        "name": str(dataset.id),
        "id": f"{ref.dataset_id}/v{ref.version}",
        "version": f"{ref.version}.0.0",
        "title": dataset.title_fr,
        "title_en": dataset.title_en,
        "description": dataset.description_fr,
        "description_en": dataset.description_en,
        "created": published_at.isoformat(),
        "data_class": dataset.data_class.value,
        "licenses": [{"name": source.licence_name, "title": dataset.licence}],
        "sources": [{"title": dataset.source}],
        "row_count": source.table.num_rows,
        **evidence,
        "resources": [_resource(source, file) for file in files],
    }


def dataset(document: dict[str, Any]) -> Dataset:
    """Read the data set back from a descriptor."""
    return Dataset(
        id=DatasetId(document["name"]),
        title_fr=document["title"],
        title_en=document["title_en"],
        description_fr=document["description"],
        description_en=document["description_en"],
        data_class=DataClass(document["data_class"]),
        licence=document["licenses"][0]["title"],
        source=document["sources"][0]["title"],
    )


def version(document: dict[str, Any], files: tuple[DatasetFile, ...]) -> DatasetVersion:
    """Read the version back from a descriptor."""
    fields = document["resources"][0]["schema"]["fields"]
    major = int(document["version"].split(".")[0])
    return DatasetVersion(
        ref=DatasetRef(DatasetId(document["name"]), major),
        row_count=document["row_count"],
        columns=tuple(Column(f["name"], f["type"], f["title"], f["title_en"]) for f in fields),
        files=files,
        published_at=datetime.fromisoformat(document["created"]),
    )


def _resource(source: Source, file: DatasetFile) -> dict[str, Any]:
    stem, _, extension = file.name.rpartition(".")
    resource: dict[str, Any] = {
        "name": f"{stem}-{extension}",
        "path": file.name,
        "format": extension,
        "mediatype": file.media_type,
        "bytes": file.size_bytes,
        "hash": f"sha256:{file.sha256}",
        "schema": {"fields": [_field(source, c) for c in source.columns], "missingValues": [""]},
    }
    if extension == "csv":
        resource |= {"profile": "tabular-data-resource", "encoding": "utf-8"}
        resource["dialect"] = {"delimiter": ",", "header": True}
    return resource


def _field(source: Source, column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "title": column.label_fr,
        "title_en": column.label_en,
    }
    values = source.table[column.name]
    constraints: dict[str, Any] = {"required": values.null_count == 0}
    known = values.unique().drop_null().to_pylist()
    if column.type == "string" and len(known) <= MOST_VALUES:
        constraints["enum"] = sorted(known)
    if column.type in _ORDERED and known:
        constraints |= {"minimum": _plain(min(known)), "maximum": _plain(max(known))}
    return field | {"constraints": constraints}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
