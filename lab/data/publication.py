"""From a source to an immutable version: a folder of files that describe and check themselves.

A version folder holds ``data.parquet`` and ``data.csv`` (the same table),
``datapackage.json`` (Frictionless Data Package, the working contract), ``croissant.json`` and
``dcat.json``, which say the same in two other vocabularies, and ``FICHE.md`` (data card).
The CSV is what the descriptor says: UTF-8, comma, one header line, empty for
missing, ISO dates, ``true`` and ``false``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv, parquet

from lab.data import benefits_source, descriptor, rand_hie
from lab.data.card import write_card
from lab.data.croissant import MEDIA_TYPE, croissant_of
from lab.data.dcat import dcat_of
from lab.data.errors import PublicationError
from lab.domain.dataset import Dataset, DatasetFile, DatasetRef, DatasetVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from lab.data.source import Source

SHIPPED: Mapping[DatasetRef, Callable[[], Source]] = {
    DatasetRef(benefits_source.DATASET.id, 1): benefits_source.source,
    DatasetRef(rand_hie.DATASET.id, 1): rand_hie.source,
}
"""Every data set the lab ships, and how its table is made."""

MEDIA_TYPES = {
    "data.parquet": "application/vnd.apache.parquet",
    "data.csv": "text/csv",
    "datapackage.json": "application/json",
    "croissant.json": MEDIA_TYPE,
    "dcat.json": MEDIA_TYPE,
    "FICHE.md": "text/markdown",
}
"""The files of a version, and what each is. In the order they are listed to people."""

_LATER = frozenset({"croissant.json", "dcat.json"})
"""What versions have that were published since there is such a file. The bytes of others stay."""

_ARROW_OF = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Built:
    """One version on disk.

    Attributes:
        folder: Holds exactly the files of the version.
    """

    dataset: Dataset
    version: DatasetVersion
    folder: Path


def build_shipped(target_dir: Path, *, published_at: datetime) -> list[Built]:
    """Build every data set the lab ships, version 1, below ``target_dir/<id>/v1``.

    A version that is there already is checked against its own checksums and
    returned as it is, with the date it was published: its bytes never change.

    Args:
        target_dir: Made if missing.
        published_at: Aware. Written in what is built now; the same gives the same bytes.

    Raises:
        PublicationError: A version that is there is not what it says, or a source is wrong.
    """
    return [build_one(ref, target_dir, published_at=published_at) for ref in SHIPPED]


def build_one(ref: DatasetRef, target_dir: Path, *, published_at: datetime) -> Built:
    """Build one of ``SHIPPED``; as ``build_shipped`` does for all.

    Raises:
        PublicationError: A version that is there is not what it says, or a source is wrong.
        KeyError: The lab ships no such thing.
    """
    source = SHIPPED[ref]
    folder = target_dir / ref.dataset_id / f"v{ref.version}"
    if folder.exists():
        return read(folder)
    return publish(source(), folder, version=ref.version, published_at=published_at)


def publish(source: Source, folder: Path, *, version: int, published_at: datetime) -> Built:
    """Write one version. ``folder`` appears whole, or not at all.

    Raises:
        PublicationError: ``folder`` exists, or the columns are not those of the table.
    """
    check_columns(source)
    if folder.exists():
        raise PublicationError(str(folder), "it exists already; a version never changes")
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        _write_files(source, making, version=version, published_at=published_at)
        for path in making.iterdir():
            path.chmod(0o444)
        making.chmod(0o755)
        making.rename(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return read(folder)


def read(folder: Path) -> Built:
    """Read a version back from its folder, checking every byte of its data.

    Raises:
        PublicationError: A file is missing, or is not what the descriptor says.
    """
    try:
        document = json.loads((folder / "datapackage.json").read_text("utf-8"))
        names = [n for n in MEDIA_TYPES if n not in _LATER or (folder / n).exists()]
        files = tuple(_file(folder / name) for name in names)
    except (OSError, ValueError) as error:
        raise PublicationError(str(folder), str(error)) from error
    promised = {r["path"]: (r["bytes"], r["hash"]) for r in document["resources"]}
    for file in files:
        found = (file.size_bytes, f"sha256:{file.sha256}")
        if promised.get(file.name, found) != found:
            raise PublicationError(str(folder / file.name), "its bytes are not those published")
    return Built(descriptor.dataset(document), descriptor.version(document, files), folder)


def check_columns(source: Source) -> None:
    """Check the promised columns against the table itself.

    Raises:
        PublicationError: A name, an order or a type is not as promised, or a label is missing.
    """
    name = str(source.dataset.id)
    promised = [column.name for column in source.columns]
    if promised != source.table.column_names:
        raise PublicationError(name, f"columns {promised} are not {source.table.column_names}")
    for column in source.columns:
        found = source.table.schema.field(column.name).type
        if found != _ARROW_OF.get(column.type):
            raise PublicationError(name, f"column {column.name} is {found}, not {column.type}")
        if not (column.label_fr and column.label_en):
            raise PublicationError(name, f"column {column.name} has no label")


def _write_files(source: Source, folder: Path, *, version: int, published_at: datetime) -> None:
    labels = {c.name: {"label_fr": c.label_fr, "label_en": c.label_en} for c in source.columns}
    fields = [
        source.table.schema.field(name).with_metadata(labels[name])
        for name in source.table.column_names
    ]
    table = source.table.cast(pa.schema(fields))
    parquet.write_table(table, folder / "data.parquet", compression="zstd", row_group_size=65_536)
    options = csv.WriteOptions(quoting_style="needed", quoting_header="needed")
    csv.write_csv(table, folder / "data.csv", options)
    data = [_file(folder / name) for name in ("data.csv", "data.parquet")]
    ref = DatasetRef(source.dataset.id, version)
    document = descriptor.write(source, data, ref=ref, published_at=published_at)
    for name, content in (
        ("datapackage.json", document),
        ("croissant.json", croissant_of(document)),
        ("dcat.json", dcat_of(document)),
    ):
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        (folder / name).write_text(text, "utf-8")
    card = write_card(source, ref=ref, published_at=published_at)
    (folder / "FICHE.md").write_text(card, "utf-8")


def _file(path: Path) -> DatasetFile:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return DatasetFile(path.name, len(content), digest, MEDIA_TYPES[path.name])
