"""Reads one sheet of an .xlsx workbook.

The library that reads workbooks holds the sheet in memory: the bound is ``max_sheet_bytes`` of
unpacked parts. Before it, each part is unpacked once here, against bombs, and the rows of the
sheet that hold a value are counted in its XML (ECMA-376, part 1, 18.3.1.73): the check on what
the library gives back.
"""

from __future__ import annotations

import html
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import fastexcel
import polars as pl

from lab.data.errors import DataError
from lab.data.ingest.model import Progress, Sentence, Step, Warned
from lab.data.ingest.tables import Told, check_columns
from lab.data.ingest.unpack import BROKEN_ZIP, CHUNK_BYTES, check_unpacked, corrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.data.ingest.model import Options
    from lab.data.ingest.unpack import Origin

_ROWS = 65_536
_ROW_END = re.compile(rb"</(?:\w+:)?row>")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is)[ >]")
_NO_VALUE = re.compile(rb"</(?:\w+:)?f>\s*</(?:\w+:)?c>")
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")


@dataclass(slots=True)
class _Seen:
    rows: int = 0
    faults: int = 0
    formulas: int = 0


class Excel:
    """One sheet; its cells' own types guide the reading, its dates come as dates."""

    def __init__(
        self, origin: Origin, options: Options, *, watch: Callable[[Progress], None]
    ) -> None:
        self._origin, self._options, self._watch = origin, options, watch
        self._told = Told()

    @property
    def told(self) -> Told:
        """What is told beside the batches."""
        return self._told

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows, empty ones left out.

        Raises:
            DataError: ``no_such_sheet``, ``empty_sheet``, ``zip_bomb``, ``corrupt_archive``,
                ``formula_without_value``, ``row_count_mismatch``, ``cell_too_large``.
        """
        try:
            seen = self._survey()
            table, types = self._load()
        except (*BROKEN_ZIP, KeyError, fastexcel.FastExcelError) as error:
            # KeyError: the archive lacks a member that a workbook has.
            raise corrupt(type(error).__name__) from error
        table = self._take_header(table)
        check_columns(len(self._told.names), self._options.limits)
        filled = table.filter(~pl.all_horizontal(pl.all().is_null()))
        if table.height > filled.height:
            self._warn(
                "blank_lines",
                f"Rangées vides, laissées de côté : {table.height - filled.height}.",
                f"Empty rows, left out: {table.height - filled.height}.",
            )
        header_rows = 1 if self._options.has_header else 0
        # A row whose only value is an empty text counts in the XML and not in the table.
        self._told.counted = max(seen.rows - header_rows, filled.height)
        self._tell(seen)
        for start in range(0, filled.height, _ROWS):
            yield _dates_alone(filled, types).slice(start, _ROWS)
        self._watch(Progress(Step.READ, self._origin.size, self._origin.size))

    def _survey(self) -> _Seen:
        """Choose the sheet and unpack everything once, within limits."""
        seen, total = _Seen(), 0
        with zipfile.ZipFile(self._origin.path) as archive:
            sheets = _sheets(archive)
            name = self._choose(list(sheets))
            for member in archive.infolist():
                is_sheet = member.filename == sheets[name]
                tail = b""
                with archive.open(member) as stream:
                    while chunk := stream.read(CHUNK_BYTES):
                        total += len(chunk)
                        check_unpacked(total, self._origin.size, self._options.limits)
                        self._check_sheet_bytes(total)
                        if is_sheet:
                            tail = _count(tail + chunk, seen)
                done = min(member.header_offset + member.compress_size, self._origin.size)
                self._watch(Progress(Step.READ, done, self._origin.size))
        return seen

    def _choose(self, names: list[str]) -> str:
        if not names:
            raise corrupt("workbook")
        asked = self._options.sheet
        if asked is not None and asked not in names:
            shown = ", ".join(names)
            raise DataError(
                "no_such_sheet",
                fr=f"Le classeur n’a pas de feuille « {asked} »; il a : {shown}.",
                en=f"The workbook has no sheet “{asked}”; it has: {shown}.",
            )
        self._told.sheet = asked or names[0]
        if asked is None and len(names) > 1:
            others = ", ".join(names[1:])
            self._warn(
                "several_sheets",
                f"Le classeur a {len(names)} feuilles : la première, « {names[0]} », a été lue; "
                f"les autres ne l’ont pas été ({others}).",
                f"The workbook has {len(names)} sheets: the first, “{names[0]}”, was read; the "
                f"others were not ({others}).",
            )
        return self._told.sheet

    def _check_sheet_bytes(self, total: int) -> None:
        most = self._options.limits.max_sheet_bytes
        if total > most:
            raise DataError(
                "workbook_too_large",
                fr=f"Le classeur dépasse {most} octets une fois décompressé : enregistrez la "
                "feuille en CSV UTF-8.",
                en=f"The workbook is over {most} bytes once unpacked: save the sheet as UTF-8 "
                "CSV.",
            )

    def _load(self) -> tuple[pl.DataFrame, list[str]]:
        reader = fastexcel.read_excel(self._origin.path)
        name = self._told.sheet or 0
        header = 0 if self._options.has_header else None
        typed = reader.load_sheet(name, header_row=header, schema_sample_rows=None)
        types = [str(column.dtype) for column in typed.available_columns()]
        table = reader.load_sheet(name, header_row=None, dtypes="string").to_polars()
        if table.height == 0:
            raise DataError(
                "empty_sheet",
                fr=f"La feuille « {name} » est vide.",
                en=f"The sheet “{name}” is empty.",
            )
        for place, kind in enumerate(types):
            if kind == "string":
                self._told.declared_text.add(place)
            elif kind in {"int", "float"}:
                self._told.declared_numbers.add(place)
        table = table.rename(dict(zip(table.columns, map(str, range(table.width)), strict=True)))
        self._check_cells(table)
        return table, types

    def _take_header(self, table: pl.DataFrame) -> pl.DataFrame:
        if not self._options.has_header:
            self._told.names = [f"colonne_{i + 1}" for i in range(table.width)]
            return table
        self._told.names = [name or "" for name in table.row(0)]
        return table.slice(1)

    def _check_cells(self, table: pl.DataFrame) -> None:
        most = self._options.limits.max_cell_bytes
        for place, size in enumerate(table.select(pl.all().str.len_bytes().max()).row(0)):
            if size is not None and size > most:
                raise DataError(
                    "cell_too_large",
                    fr=f"Colonne {place + 1} : une cellule de {size} octets dépasse la limite "
                    f"de {most} octets.",
                    en=f"Column {place + 1}: a cell of {size} bytes is over the limit of {most} "
                    "bytes.",
                )

    def _tell(self, seen: _Seen) -> None:
        if seen.formulas:
            raise DataError(
                "formula_without_value",
                fr=f"Formules sans valeur enregistrée : {seen.formulas}. Ouvrez le classeur dans "
                "un tableur et enregistrez-le.",
                en=f"Formulas without a saved value: {seen.formulas}. Open the workbook in a "
                "spreadsheet program and save it.",
            )
        if seen.faults:
            self._warn(
                "error_cells",
                f"Cellules en erreur (#DIV/0!, #REF!, …), lues comme manquantes : {seen.faults}.",
                f"Cells in error (#DIV/0!, #REF!, …), read as missing: {seen.faults}.",
            )

    def _warn(self, reason: str, fr: str, en: str) -> None:
        self._told.warnings.append(Warned(reason, None, Sentence(fr, en)))


def _dates_alone(table: pl.DataFrame, types: list[str]) -> pl.DataFrame:
    """Take midnight off the columns of dates that hold nothing else."""
    dates = [str(i) for i, kind in enumerate(types) if kind in {"date", "datetime"}]
    if not dates:
        return table
    flags = table.select(pl.col(dates).str.ends_with(" 00:00:00").all()).row(0)
    alone = [name for name, is_alone in zip(dates, flags, strict=True) if is_alone]
    return table.with_columns(pl.col(alone).str.slice(0, 10)) if alone else table


def _count(text: bytes, seen: _Seen) -> bytes:
    """Count in the rows that end; give back the rest."""
    parts = _ROW_END.split(text)
    for row in parts[:-1]:
        if _VALUE.search(row):
            seen.rows += 1
        if b't="e"' in row:
            seen.faults += row.count(b't="e"')
        if b"/f>" in row or b":f>" in row:
            seen.formulas += len(_NO_VALUE.findall(row))
    return parts[-1]


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheets by name, in the order of the workbook, with the part that holds each."""
    book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
    links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    targets = {
        _attribute(tag, "Id"): _attribute(tag, "Target") for tag in _RELATION.findall(links)
    }
    sheets: dict[str, str] = {}
    for tag in _SHEET.findall(book):
        target = targets.get(_attribute(tag, r"\w+:id"), "")
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if "worksheets/" in part:
            sheets[_attribute(tag, "name")] = part
    return sheets


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"\s{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", tag)
    return html.unescape(found[1] or found[2] or "") if found else ""
