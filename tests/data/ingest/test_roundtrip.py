from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.data.ingest import ColumnOptions, ColumnType, Options, read
from lab.data.ingest.model import Limits
from lab.data.ingest.records import cut

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1", "mac_roman", "cp850")
LETTERS = "abcXYZ 0123456789éèàçêîôûÉ«».,;|\t\"'\n=+-@/%$"
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.text(LETTERS, max_size=8), min_size=width, max_size=width),
        min_size=1,
        max_size=6,
    )
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=TABLES,
    encoding=st.sampled_from(ENCODINGS),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_comes_back_value_for_value(
    rows: list[list[str]], encoding: str, delimiter: str, quoting: int, end: str
) -> None:
    width = len(rows[0])
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerow([f"c{i}" for i in range(width)])
    writer.writerows(rows)
    # The letters are too few for French to show: single-byte encodings are named.
    named = None if encoding.startswith("utf") else encoding
    options = Options(
        encoding=named,
        delimiter=delimiter,
        columns={f"c{i}": ColumnOptions(type=ColumnType.TEXT) for i in range(width)},
    )
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "s", Path(folder) / "t"
        source.write_bytes(text.getvalue().encode(encoding))
        reading = read(source, target, options=options)
        table = pl.read_parquet(target)
    assert reading.rows == len(rows)
    assert [[cell or "" for cell in row] for row in table.rows()] == rows


@settings(max_examples=50, deadline=None)
@given(rows=TABLES, size=st.integers(1, 20))
def test_records_are_cut_alike_whatever_the_chunks(rows: list[list[str]], size: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    raw = text.getvalue().encode()
    chunks = [raw[i : i + size] for i in range(0, len(raw), size)]
    blocks = list(cut(chunks, delimiter=",", quote='"', limits=Limits()))
    assert b"".join(block.data for block in blocks) == raw
    assert [int(n) for block in blocks for n in block.fields] == [len(rows[0])] * len(rows)


def test_french_text_tells_its_encoding_and_delimiter(tmp_path: Path) -> None:
    text = "Prénom;Âge;Ville\nÉlise;12;Québec\nFrançois;40;L’Île-d’Orléans\nZoé;7;« Là »\n"
    source, target = tmp_path / "s", tmp_path / "t"
    for encoding in ("utf-8", "utf-16", "cp1252", "mac_roman"):
        source.write_bytes(text.encode(encoding))
        reading = read(source, target)
        assert (reading.encoding, reading.delimiter) == (encoding, ";")
        assert pl.read_parquet(target)["ville"].to_list() == [
            "Québec",
            "L’Île-d’Orléans",
            "« Là »",
        ]
    source.write_bytes(text.replace("’", "'").encode("cp850"))
    assert read(source, target).encoding == "cp850"
