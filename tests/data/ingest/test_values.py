from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from lab.data.ingest import ColumnOptions, ColumnType, DateOrder, Format
from tests.data.ingest.books import DATE, MOMENT, Cell, write_book

if TYPE_CHECKING:
    from pathlib import Path

    from tests.data.ingest.conftest import Ingest, Refuse


def _at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  a time as written, of no zone


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1 234,56 $", "12,5 $"], "number", [1234.56, 12.5]),
        (["1\u00a0234,56\u00a0$", "\u22122\u202f000,1 $"], "number", [1234.56, -2000.1]),
        (["12,5 %", "3 %"], "number", [12.5, 3.0]),
        (["1,234.56", "1,234"], "number", [1234.56, 1234.0]),
        (["$1,234,567", "$2"], "integer", [1234567, 2]),
        (["1,234", "1234,5"], "number", [1.234, 1234.5]),
        (["1.234,56", "1.234"], "number", [1234.56, 1234.0]),
        (["1,234", "5,678"], "text", ["1,234", "5,678"]),
        (["5 $", "5"], "text", ["5 $", "5"]),
        (["1.5E-05", "2,5e+3".replace(",", ".")], "number", [1.5e-5, 2500.0]),
        (["12E5", "1"], "text", ["12E5", "1"]),
        (["007", "12"], "text", ["007", "12"]),
        (["٣", "4"], "text", ["٣", "4"]),
        (["1" * 19, "2"], "text", ["1" * 19, "2"]),
        (["1", "N/D", "s.o.", "..", "NA", "-", ""], "integer", [1, *[None] * 6]),
        (["2024-03-03", "1999-12-31"], "date", [date(2024, 3, 3), date(1999, 12, 31)]),
        (["2024-02-30", "1999-12-31"], "text", ["2024-02-30", "1999-12-31"]),
        (["13/04/2024", "3/4/2024"], "date", [date(2024, 4, 13), date(2024, 4, 3)]),
        (["04/13/2024", "3/4/2024"], "date", [date(2024, 4, 13), date(2024, 3, 4)]),
        (["03/04/2024", "05/06/2024"], "text", ["03/04/2024", "05/06/2024"]),
        (["03/03/2024", "4-4-2024"], "date", [date(2024, 3, 3), date(2024, 4, 4)]),
        (["13/04/2024", "04/13/2024"], "text", ["13/04/2024", "04/13/2024"]),
        (["3 mars 2024", "1er août 2024"], "date", [date(2024, 3, 3), date(2024, 8, 1)]),
        (["31 avril 2024"], "text", ["31 avril 2024"]),
        (["13/04/2024 8:30", "1/1/2024 23:59"], "datetime",
         [_at(2024, 4, 13, 8, 30), _at(2024, 1, 1, 23, 59)]),
        (["2024-03-03T10:00", "2024-03-03 10:00:01.5"], "datetime",
         [_at(2024, 3, 3, 10), _at(2024, 3, 3, 10, 0, 1, 500_000)]),
        (["2024-03-03T10:00:00Z", "2024-03-03T10:00:00-05:00"], "datetime",
         [datetime(2024, 3, 3, 10, tzinfo=UTC), datetime(2024, 3, 3, 15, tzinfo=UTC)]),
        (["oui", "Non"], "boolean", [True, False]),
        (["VRAI", "faux", "s.o."], "boolean", [True, False, None]),
        (["O", "N"], "boolean", [True, False]),
        (["O", "O"], "text", ["O", "O"]),
        (["true", "false"], "boolean", [True, False]),
        (["oui", "faux"], "text", ["oui", "faux"]),
    ],
)  # fmt: skip
def test_a_column_is_read_for_what_all_its_values_say(
    ingest: Ingest, cells: list[str], kind: str, values: list[object]
) -> None:
    lines = "".join(f'"{cell}";x\n' for cell in cells)
    reading, table = ingest("a;b\n" + lines)
    assert (str(reading.columns[0].type), table["a"].to_list()) == (kind, values)
    assert reading.columns[0].why.fr


def test_what_is_ambiguous_is_told_and_options_decide(ingest: Ingest, refuse: Refuse) -> None:
    raw = 'jour,somme\n03/04/2024,"1,234"\n05/06/2024,"5,678"\n'
    reading, _ = ingest(raw)
    assert {(w.reason, w.column) for w in reading.warnings} == {
        ("ambiguous_date", "jour"),
        ("ambiguous_decimal", "somme"),
    }
    asked = {
        "jour": ColumnOptions(date_order=DateOrder.MDY),
        "somme": ColumnOptions(decimal="."),
    }
    reading, table = ingest(raw, columns=asked)
    assert table.rows() == [(date(2024, 3, 4), 1234), (date(2024, 5, 6), 5678)]
    assert not reading.warnings
    assert ingest(raw, columns={"somme": ColumnOptions(decimal=",")})[1]["somme"][0] == 1.234
    asked = {"jour": ColumnOptions(type=ColumnType.NUMBER)}
    assert refuse(raw, columns=asked).reason == "not_of_type"
    assert refuse(raw, columns={"autre": ColumnOptions()}).reason == "unknown_column"


def test_codes_are_counted_in_typed_columns_and_suggested_elsewhere(ingest: Ingest) -> None:
    raw = "âge,ville\n" + "".join(f"{n},Laval\n" for n in range(18, 80)) + "999,N/D\n999,\nN/D,x\n"
    reading, table = ingest(raw)
    age, ville = reading.columns
    assert (age.type, dict(age.missing)) == (ColumnType.INTEGER, {"N/D": 1})
    assert [(s.value, s.count) for s in age.suggestions] == [("999", 2)]
    assert [(s.value, s.count) for s in ville.suggestions] == [("N/D", 1)]
    assert dict(ville.missing) == {"": 1}
    assert table["age"].max() == 999
    asked = {"âge": ColumnOptions(missing=("999",)), "ville": ColumnOptions(missing=("N/D",))}
    reading, table = ingest(raw, columns=asked)
    assert dict(reading.columns[0].missing) == {"999": 2, "N/D": 1}
    assert dict(reading.columns[1].missing) == {"": 1, "N/D": 1}
    assert table["age"].max() == 79


def test_nines_that_go_on_from_other_values_are_no_codes(ingest: Ingest) -> None:
    ages = "".join(f"{n}\n" for n in [*range(90, 100), 99, 99])
    assert not ingest("a\n" + ages)[0].columns[0].suggestions


def test_json_lines_keep_their_own_types(ingest: Ingest) -> None:
    raw = '{"id":"12","n":1,"x":null}\n{"n":2.5,"id":"7","jour":"2024-03-03"}\n'
    reading, table = ingest(gzip.compress(raw.encode()))
    assert reading.format is Format.JSON_LINES
    assert table.rows() == [("12", 1.0, None, None), ("7", 2.5, None, date(2024, 3, 3))]


def test_parquet_keeps_its_own_types(ingest: Ingest, refuse: Refuse, tmp_path: Path) -> None:
    path = tmp_path / "source.parquet"
    frame = pl.DataFrame({
        "Né le": [date(2024, 1, 1), None],
        "n": pl.Series([1, 2], dtype=pl.UInt8),
        "id": ["1", "2"],
        "d": [Decimal("1.50"), None],
    })
    frame.write_parquet(path)
    reading, table = ingest(path)
    assert table.dtypes == [pl.Date, pl.Int64, pl.String, pl.Float64]
    assert table.rows() == [(date(2024, 1, 1), 1, "1", 1.5), (None, 2, "2", None)]
    assert dict(reading.columns[0].missing) == {"": 1}
    assert reading.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    pl.DataFrame({"a": [[1]]}).write_parquet(path)
    assert refuse(path).reason == "nested_column"


def test_excel_dates_identifiers_and_sheets(
    ingest: Ingest, refuse: Refuse, tmp_path: Path
) -> None:
    rows: list[list[Cell]] = [
        ["id", "jour", "heure", "n", "oui", "faute", "mêlé"],
        ["001", (45000, DATE), (45000.5, MOMENT), 1, True, 1, 1],
        [None] * 7,
        ["002", (45001, DATE), (45001.25, MOMENT), 2.5, False, "#DIV/0!", "x"],
    ]
    book = write_book(tmp_path / "b.xlsx", {"Un": rows, "Deux": [["x"], [1]]})
    reading, table = ingest(book)
    assert reading.sheet == "Un"
    assert {w.reason for w in reading.warnings} == {"several_sheets", "blank_lines", "error_cells"}
    assert table.rows() == [
        ("001", date(2023, 3, 15), _at(2023, 3, 15, 12), 1.0, True, 1, "1"),
        ("002", date(2023, 3, 16), _at(2023, 3, 16, 6), 2.5, False, None, "x"),
    ]
    assert ingest(book, sheet="Deux")[1].rows() == [(1,)]
    assert refuse(book, sheet="Trois").reason == "no_such_sheet"
    book = write_book(tmp_path / "b.xlsx", {"Un": [["a"], ["=1+1"], [2]]})
    assert refuse(book).reason == "formula_without_value"
