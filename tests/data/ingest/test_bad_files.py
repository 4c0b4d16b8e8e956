from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from lab.data.ingest import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.data.ingest.conftest import Ingest, Refuse


def _zip(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return held.getvalue()


@pytest.mark.parametrize(
    ("raw", "reason", "place"),
    [
        (b"", "empty_file", ""),
        (b"\n\n\n", "empty_file", ""),
        (b"a,b\n", "header_only", ""),
        (b"a,b\n1,2,3\n4,5\n6\n", "ragged_rows", "2 (3), 4 (1)"),
        (b"a,b\nx,y\0z\n", "nul_byte", "Ligne 2"),
        (b'a,b\n1,2\n"x,3\n4,5\n', "unclosed_quote", "Ligne 3, colonne 1"),
        (b'a,b\n1,2\n3,12" tuyau\n', "stray_quote", "Ligne 3, colonne 2"),
        (b'a,b\n1,2\n"x"y,3\n', "stray_quote", "Ligne 3, colonne 1"),
        ("a,b\né,1\n".encode() + "à,2\nça,3\n".encode("cp1252"), "mixed_encoding", "UTF-8 : 2"),
        ("a,b\nx,1\nMontrÃ©al,2\n".encode(), "double_encoded", "lignes : 3"),
        ("a,b\nx,1\nlâ€™eau,2\n".encode(), "double_encoded", "lignes : 3"),
        ("a,b\né,1\n".encode("utf-16-le"), "utf16_without_bom", ""),
        ("a,b\né,1\n".encode("utf-32"), "utf32", ""),
        (b"\xff\xfea\0,\0b\0\n\0\0\0,\0c\0\n\0", "nul_byte", "Ligne 2"),
        (b"\xff\xfea\0,\0b\0\n\0c\0,\0\x00\xd8", "not_in_encoding", "Ligne 2"),
        (b"\xef\xbb\xbfa,b\n\xe9,2\n", "not_in_encoding", "Ligne 2"),
        (b"a,b\n\x81\x8d,2\n", "encoding_uncertain", ""),
        (b"\xd0\xcf\x11\xe0 old", "old_excel", ""),
        (b"PK\x03\x04 broken", "corrupt_archive", ""),
        (b"PAR1 broken", "corrupt_archive", ""),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-6], "corrupt_archive", ""),
        (_zip(a=b"x\n1\n", b=b"x\n1\n"), "several_members", "2 fichiers"),
        (_zip(a=_zip(b=b"x\n1\n")), "nested_archive", ""),
        (b'{"a":1}\n{"a":2\n', "bad_json", "Ligne 2"),
        (b'{"a":1}\n{"a":NaN}\n', "bad_json", "Ligne 2"),
        (b'{"a":1}\n\n{"a":1} {"a":2}\n', "bad_json", "Ligne 3"),
        (b'{"a":1}\n{"a":1,"b":null,"a":2}\n', "duplicate_key", "Ligne 2"),
        (b'{"a":1}\n[1]\n', "not_an_object", "Ligne 2"),
        (b'[{"a":1}]', "json_array", ""),
    ],
)
def test_a_bad_file_is_refused_with_its_place(
    refuse: Refuse, raw: bytes, reason: str, place: str
) -> None:
    error = refuse(raw)
    assert error.reason == reason, error
    assert place in error.fr


@pytest.mark.parametrize("pack", [gzip.compress, lambda raw: _zip(a=raw)])
def test_a_bomb_is_refused(refuse: Refuse, pack: Callable[[bytes], bytes]) -> None:
    bomb = b"a,b\n" + b"1,2\n" * 5_000_000
    assert refuse(pack(bomb)).reason == "zip_bomb"
    small = Limits(max_unpacked_bytes=100)
    assert refuse(pack(b"a,b\n" + b"1,2\n" * 50), limits=small).reason == "zip_bomb"


def test_limits_of_bytes_and_columns(refuse: Refuse, ingest: Ingest) -> None:
    assert refuse(b"a,b\n1,2\n", limits=Limits(max_bytes=7)).reason == "file_too_large"
    wide = ",".join(f"c{i}" for i in range(2_000)) + "\n" + ",".join(["1"] * 2_000) + "\n"
    reading, table = ingest(wide)
    assert len(reading.columns) == table.width == 2_000
    error = refuse(wide.replace("\n", ",1\n"))
    assert error.reason == "too_many_columns"
    assert "2001" in error.fr


def test_a_cell_of_a_megabyte_is_read_and_a_larger_one_named(
    ingest: Ingest, refuse: Refuse
) -> None:
    _, table = ingest("a,b\n1," + "x" * 1_000_000 + "\n2,y\n")
    assert table["b"].str.len_bytes().to_list() == [1_000_000, 1]
    error = refuse("a,b\n1,z\n1," + "x" * 1_100_000 + "\n")
    assert error.reason == "cell_too_large"
    assert "Ligne 3, colonne 2" in error.fr
    error = refuse('a,b\n1,z\n1,"' + "x\n" * 10_000_000)
    assert error.reason == "unclosed_quote"
    assert "Ligne 3, colonne 2" in error.fr


def test_headers_twice_or_empty_get_safe_names_and_are_told(ingest: Ingest) -> None:
    reading, table = ingest("Âge,Âge,,Âge \n1,2,3,4\n")
    assert table.columns == ["age", "age_2", "colonne_3", "age_3"]
    assert [c.given for c in reading.columns] == ["Âge", "Âge", "", "Âge "]
    assert {w.reason for w in reading.warnings} == {"duplicate_header", "empty_header"}


def test_formulas_are_kept_and_counted(ingest: Ingest) -> None:
    reading, table = ingest("a,b\n\"=cmd|'/c calc'!A1\",-1\n@x,-2\n+1 (418),-3\n-,4\n")
    assert table["a"].to_list() == ["=cmd|'/c calc'!A1", "@x", "+1 (418)", "-"]
    (warned,) = reading.warnings
    assert (warned.reason, warned.column) == ("formula_like", "a")
    assert "3" in warned.says.fr


def test_blank_lines_are_left_out_and_told(ingest: Ingest) -> None:
    reading, table = ingest("a,b\r\n1,2\r\n\r\n3,4\r\n\r\n")
    assert table.rows() == [(1, 2), (3, 4)]
    assert [w.reason for w in reading.warnings] == ["blank_lines"]
    assert ingest("a\n1\n\n3\n")[1]["a"].to_list() == [1, None, 3]


def test_a_cancelled_reading_leaves_nothing(tmp_path: Path) -> None:
    from lab.data.ingest import Progress, Step, read  # noqa: PLC0415

    source = tmp_path / "s.csv"
    source.write_bytes(b"a,b\n" + b"1,2\n" * 1000)
    for step in Step:
        if step is Step.ENCODING:
            continue

        def stop(at: Progress, wanted: Step = step) -> None:
            assert 0 <= at.bytes_done <= at.bytes_total
            if at.step is wanted:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            read(source, tmp_path / "out.parquet", progress=stop)
        assert [p.name for p in tmp_path.iterdir()] == ["s.csv"]
