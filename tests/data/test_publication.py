from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from lab.data import rand_hie
from lab.data.errors import PublicationError
from lab.data.publication import build_shipped, check_columns, publish, read
from lab.domain.dataset import MOUNTABLE, DataClass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.data.publication import Built

PUBLISHED_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILES = [
    *("data.parquet", "data.csv", "datapackage.json", "croissant.json", "dcat.json"),
    "FICHE.md",
]
IDS = ["demandes-prestations", "rand-hie"]

# How Frictionless reads each type from a CSV.
PARSE: dict[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "date": date.fromisoformat,
    "boolean": lambda text: {"true": True, "false": False}[text],
}


@pytest.fixture(params=IDS)
def built(request: pytest.FixtureRequest, shipped: list[Built]) -> Built:
    return next(each for each in shipped if each.dataset.id == request.param)


def test_both_shipped_data_sets_may_be_mounted(shipped: list[Built]) -> None:
    assert [each.dataset.id for each in shipped] == IDS
    assert [each.dataset.data_class for each in shipped] == [DataClass.SYNTHETIC, DataClass.OPEN]
    assert all(each.dataset.data_class in MOUNTABLE for each in shipped)
    assert [each.version.row_count for each in shipped] == [50_000, 20_190]
    assert [len(each.version.columns) for each in shipped] == [15, 10]


def test_a_version_says_everything_the_form_shows(built: Built) -> None:
    dataset = built.dataset
    assert all((dataset.title_fr, dataset.title_en, dataset.description_fr, dataset.licence))
    assert all(column.label_fr and column.label_en for column in built.version.columns)
    assert built.version.published_at == PUBLISHED_AT


def test_the_folder_holds_the_files_and_their_checksums(built: Built) -> None:
    assert [file.name for file in built.version.files] == FILES
    assert sorted(path.name for path in built.folder.iterdir()) == sorted(FILES)
    for file in built.version.files:
        content = (built.folder / file.name).read_bytes()
        assert file.size_bytes == len(content)
        assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_the_same_date_gives_the_same_bytes(shipped: list[Built], tmp_path: Path) -> None:
    again = build_shipped(tmp_path, published_at=PUBLISHED_AT)
    assert [each.version for each in again] == [each.version for each in shipped]


def test_a_version_that_is_there_keeps_its_date_and_its_bytes(built: Built) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in built.folder.iterdir()}
    build_shipped(built.folder.parents[1], published_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert read(built.folder) == built
    assert before == {path.name: path.stat().st_mtime_ns for path in built.folder.iterdir()}


def test_the_descriptor_agrees_with_every_value_of_the_csv(built: Built) -> None:
    document = json.loads((built.folder / "datapackage.json").read_text("utf-8"))
    resource = next(each for each in document["resources"] if each["path"] == "data.csv")
    fields = resource["schema"]["fields"]
    with (built.folder / "data.csv").open(encoding=resource["encoding"], newline="") as lines:
        header, *rows = csv.reader(lines, delimiter=resource["dialect"]["delimiter"])
    assert header == [field["name"] for field in fields]
    assert len(rows) == document["row_count"]
    for index, field in enumerate(fields):
        values = [row[index] for row in rows]
        assert field["constraints"]["required"] == ("" not in values)
        for text in set(values) - {""}:
            PARSE[field["type"]](text)
        if "enum" in field["constraints"]:
            assert set(values) - {""} == set(field["constraints"]["enum"])


def test_csv_and_parquet_are_one_table(built: Built) -> None:
    table = parquet.read_table(built.folder / "data.parquet")
    with (built.folder / "data.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for column in built.version.columns:
        read_back = [
            PARSE[column.type](row[column.name]) if row[column.name] else None for row in rows
        ]
        assert read_back == table[column.name].to_pylist(), column.name


def test_the_descriptor_is_a_data_package(built: Built) -> None:
    document = json.loads((built.folder / "datapackage.json").read_text("utf-8"))
    assert document["id"] == f"{built.dataset.id}/v1"
    assert datetime.fromisoformat(document["created"]) == PUBLISHED_AT
    assert [set(licence) for licence in document["licenses"]] == [{"name", "title"}]
    for resource in document["resources"]:
        content = (built.folder / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_the_card_is_french_first_and_lists_every_column_twice(built: Built) -> None:
    card = (built.folder / "FICHE.md").read_text("utf-8")
    french, english = card.split('<a id="english"></a>')
    assert french.startswith(f"# {built.dataset.title_fr}")
    for column in built.version.columns:
        assert f"| `{column.name}` |" in french
        assert column.label_fr in french
        assert column.label_en in english
    for part, limits in ((french, "## Limites"), (english, "## Limits")):
        assert limits in part
        assert built.dataset.licence in part


def test_the_french_of_the_card_follows_quebec_typography(built: Built) -> None:
    french = (built.folder / "FICHE.md").read_text("utf-8").split('<a id="english"></a>')[0]
    for wrong in (" ;", " ?", " !", "« ", " »", " : ", "'"):
        assert wrong not in french, wrong


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    built = publish(rand_hie.source(), tmp_path / "v1", version=1, published_at=PUBLISHED_AT)
    data = built.folder / "data.csv"
    data.chmod(0o644)
    data.write_bytes(data.read_bytes().replace(b"13.73189", b"13.73188", 1))
    with pytest.raises(PublicationError, match=r"data\.csv: its bytes are not those published"):
        read(built.folder)


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    built = publish(rand_hie.source(), tmp_path / "v1", version=1, published_at=PUBLISHED_AT)
    (built.folder / "FICHE.md").unlink()
    with pytest.raises(PublicationError, match=r"FICHE\.md"):
        read(built.folder)


def test_a_version_is_published_once(tmp_path: Path) -> None:
    source = rand_hie.source()
    publish(source, tmp_path / "v1", version=1, published_at=PUBLISHED_AT)
    with pytest.raises(PublicationError, match="a version never changes"):
        publish(source, tmp_path / "v1", version=1, published_at=PUBLISHED_AT)


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    source = replace(rand_hie.source(), licence_name=object())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        publish(source, tmp_path / "rand-hie" / "v1", version=1, published_at=PUBLISHED_AT)
    assert list((tmp_path / "rand-hie").iterdir()) == []


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (pa.table({"mdvis": [1]}), "columns"),
        (rand_hie.load().set_column(0, "mdvis", pa.array(["1"] * rand_hie.ROWS)), "is string"),
    ],
)
def test_columns_are_checked_against_the_data(table: pa.Table, why: str) -> None:
    with pytest.raises(PublicationError, match=why):
        check_columns(replace(rand_hie.source(), table=table))


def test_the_real_table_is_what_statsmodels_says() -> None:
    table = rand_hie.load()
    assert (table.num_rows, table.num_columns) == (20_190, 10)
    visits = table["mdvis"].to_numpy()
    assert visits.mean() == pytest.approx(2.860426, abs=1e-6)
    assert visits.max() == 77
