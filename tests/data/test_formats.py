from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lab.data.croissant import croissant_of
from lab.data.dcat import dcat_of
from lab.data.descriptor import MOST_VALUES
from lab.data.publication import publish, read
from lab.data.source import Prose, Source
from lab.domain.dataset import Column, DataClass, Dataset
from lab.domain.ids import DatasetId
from tests.conftest import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.data.publication import Built

ROWS = MOST_VALUES + 1
COLUMNS = {
    "région": ("string", pa.array(["Gaspé", None] * (ROWS // 2) + ["Laval"])),
    "texte": ("string", pa.array([f"valeur {n}" for n in range(ROWS)])),
    "âge": ("integer", pa.array(range(ROWS), pa.int64())),
    "montant": ("number", pa.array([0.5] * ROWS)),
    "jour": ("date", pa.array([date(2026, 1, 1)] * ROWS)),
    "actif": ("boolean", pa.array([True] * ROWS)),
}
PROSE = Prose("w", "h", ("l",), ("u",))

# What the specifications ask for, restated: Data Package and Table Schema 1.0 (Frictionless),
# Croissant 1.1 (MLCommons), DCAT 3 (W3C), and the fields that donneesquebec.ca takes.
NAME = re.compile(r"[a-z0-9][-a-z0-9._]*")
TYPES = {"string", "integer", "number", "date", "boolean"}
BOUNDED = {"integer", "number", "date"}
CROISSANT = {"@context", "@type", "conformsTo", "description", "license", "name", "url"}
CROISSANT |= {"creator", "datePublished", "distribution"}
QUEBEC = {"title", "name", "notes", "language", "license_id", "update_frequency", "resources"}
RELIDI = {"condon_valinc", "condon_nombre", "condon_boolee", "condon_datheu", "confic_utf8"}
RELIDI |= {"confic_separateur_virgule", "confic_epsg", "confic_pascom", "description_champs"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("formats") / "v2"
    name, kind = DatasetId("essai-2026"), DataClass.ANONYMISED
    source = Source(
        dataset=Dataset(name, "Essai", "Trial", "Une ligne.", "A row.", kind, "Interne", "Régie"),
        columns=tuple(Column(n, t, n.title(), n.title()) for n, (t, _) in COLUMNS.items()),
        table=pa.table({n: values for n, (_, values) in COLUMNS.items()}),
        licence_name="other-closed",
        french=PROSE,
        english=PROSE,
    )
    return publish(source, folder, version=2, published_at=NOON)


def document(built: Built, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((built.folder / name).read_text("utf-8"))
    return found


def keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from keys(each)


def test_the_data_package_is_a_contract_for_each_column(built: Built) -> None:
    package = document(built, "datapackage.json")
    assert NAME.fullmatch(package["name"])
    assert all({"name", "path"} & set(licence) for licence in package["licenses"])
    names = [resource["name"] for resource in package["resources"]]
    assert len(set(names)) == len(names) == 2
    for resource in package["resources"]:
        assert NAME.fullmatch(resource["name"])
        assert not resource["path"].startswith(("/", "."))
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", resource["hash"])
        fields = resource["schema"]["fields"]
        assert [(f["name"], f["type"]) for f in fields] == [
            (n, t) for n, (t, _) in COLUMNS.items()
        ]
        assert {field["type"] for field in fields} == TYPES
        for field in fields:
            found = field["constraints"]
            assert isinstance(found["required"], bool)
            assert ({"minimum", "maximum"} <= set(found)) is (field["type"] in BOUNDED)
        rules = {field["name"]: field["constraints"] for field in fields}
        assert rules["région"] == {"required": False, "enum": ["Gaspé", "Laval"]}
        assert "enum" not in rules["texte"]
        assert rules["jour"]["minimum"] == "2026-01-01"


def test_croissant_has_what_1_1_requires_and_finds_each_column(built: Built) -> None:
    croissant = document(built, "croissant.json")
    assert set(croissant) >= CROISSANT
    assert croissant["@type"] == "sc:Dataset"
    assert "http://mlcommons.org/croissant/1.1" in croissant["conformsTo"]
    context = croissant["@context"]
    assert (context["@vocab"], context["cr"]) == (
        "http://schema.org/",
        "http://mlcommons.org/croissant/",
    )
    files = {file["@id"]: file for file in croissant["distribution"]}
    for file in files.values():
        assert file["@type"] == "cr:FileObject"
        there = next(each for each in built.version.files if each.name == file["contentUrl"])
        assert (file["sha256"], file["contentSize"]) == (there.sha256, f"{there.size_bytes} B")
    (records,) = croissant["recordSet"]
    assert [f["source"]["extract"]["column"] for f in records["field"]] == list(COLUMNS)
    assert all(f["source"]["fileObject"]["@id"] in files for f in records["field"])
    assert {f["dataType"].partition(":")[0] for f in records["field"]} == {"sc"}
    ids = [f["@id"] for f in records["field"]]
    assert len(set(ids)) == len(ids)
    assert "très faible" in croissant["rai:personalSensitiveInformation"]


def test_dcat_has_the_fields_of_donnees_quebec_each_with_its_term(built: Built) -> None:
    dcat = document(built, "dcat.json")
    context = dcat["@context"]
    assert set(dcat) >= QUEBEC
    assert (dcat["@type"], context["dcat"]) == ("dcat:Dataset", "http://www.w3.org/ns/dcat#")
    used = set(keys({k: v for k, v in dcat.items() if k != "@context"}))
    prefixes = {name for name in context if not name.startswith("@")}
    for key in used:
        assert key in context or key.startswith("@") or key.partition(":")[0] in prefixes, key
    assert context["notes"] == "dct:description"
    assert context["resources"] == "dcat:distribution"
    assert context["update_frequency"] == "dct:accrualPeriodicity"
    for resource in dcat["resources"]:
        assert {f"relidi_{name}" for name in RELIDI} <= set(resource)
        assert resource["@type"] == "dcat:Distribution"
        there = next(each for each in built.version.files if each.name == resource["url"])
        assert resource["hash"]["spdx:checksumValue"] == there.sha256
    # What is not open is not said to be.
    assert (dcat["private"], dcat["access_rights"]) == (
        True,
        "Dans les bacs à sable du laboratoire",
    )


def test_the_three_say_the_same(built: Built) -> None:
    package = document(built, "datapackage.json")
    assert document(built, "croissant.json") == croissant_of(package)
    assert document(built, "dcat.json") == dcat_of(package)


def test_a_version_of_before_there_were_such_files_is_read_as_it_is(
    built: Built, tmp_path: Path
) -> None:
    folder = tmp_path / "v2"
    folder.mkdir()
    for path in built.folder.iterdir():
        if path.name not in {"croissant.json", "dcat.json"}:
            (folder / path.name).write_bytes(path.read_bytes())
    names = [file.name for file in read(folder).version.files]
    assert names == ["data.parquet", "data.csv", "datapackage.json", "FICHE.md"]
