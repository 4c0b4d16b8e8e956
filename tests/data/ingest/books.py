"""Writes small .xlsx workbooks by hand: no library of this project writes them."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SCHEMAS = "http://schemas.openxmlformats.org"
_MAIN = f'xmlns="{_SCHEMAS}/spreadsheetml/2006/main"'
_LINKS = f"{_SCHEMAS}/officeDocument/2006/relationships"
_PACKAGE = f'xmlns="{_SCHEMAS}/package/2006/relationships"'
DATE, MOMENT = 1, 2
"""Styles: a number so marked is a date, or a date and time."""

Cell = str | int | float | bool | None | tuple[float, int]


def write_book(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> Path:
    """Cells: text, numbers, truths, (serial, style), `=formula` without a value, `#ERROR`."""
    tags = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>'
        for i, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    styles = f'<Relationship Id="rId99" Type="{_LINKS}/styles" Target="styles.xml"/>'
    office = f'<Relationship Id="rId1" Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/>'
    formats = '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_SCHEMAS}/package/2006/content-types"/>',
        "_rels/.rels": f"<Relationships {_PACKAGE}>{office}</Relationships>",
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_LINKS}"><sheets>{tags}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships {_PACKAGE}>{links}{styles}</Relationships>",
        "xl/styles.xml": f"<styleSheet {_MAIN}><cellXfs>{formats}</cellXfs></styleSheet>",
    }
    for i, rows in enumerate(sheets.values(), 1):
        body = "".join(f'<row r="{r}">{_row(r, row)}</row>' for r, row in enumerate(rows, 1))
        parts[f"xl/worksheets/sheet{i}.xml"] = (
            f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>"
        )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def _row(number: int, row: Sequence[Cell]) -> str:
    return "".join(_cell(f"{chr(65 + i)}{number}", cell) for i, cell in enumerate(row))


def _cell(ref: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, tuple):
        return f'<c r="{ref}" s="{cell[1]}"><v>{cell[0]}</v></c>'
    if isinstance(cell, bool):
        return f'<c r="{ref}" t="b"><v>{int(cell)}</v></c>'
    if not isinstance(cell, str):
        return f'<c r="{ref}"><v>{cell}</v></c>'
    kinds = {"#": f' t="e"><v>{cell}</v>', "=": f"><f>{cell[1:]}</f>"}
    body = kinds.get(cell[:1], f' t="inlineStr"><is><t>{escape(cell)}</t></is>')
    return f'<c r="{ref}"{body}</c>'
