"""A report as a tagged PDF of two pages at most, its fonts inside it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Table as Grid

from lab.data.report.model import Facts, Table
from lab.data.report.tagging import Node, Tagged, TaggedCanvas, artifact

if TYPE_CHECKING:
    from lab.data.report.model import Block, Note, Report

MOST_PAGES = 2
_SCALES = (1.0, 0.94, 0.88, 0.82, 0.76)
"""Tried in this order until all is on two pages. What people typed is cut before."""
_PLAIN, _BOLD = "Vera", "VeraBd"
_MARGIN, _HEAD = 13 * mm, 11 * mm
_BRAND, _LINE, _SOFT = HexColor("#0d5c63"), HexColor("#b9d0d0"), HexColor("#eef4f3")
_FRAMES = {True: HexColor("#0f7a52"), False: HexColor("#ca3535"), None: HexColor("#484c4c")}
_INSTEAD = {"ε": "epsilon", "δ": "delta", "ρ": "rho", "\u202f": "\u00a0", "\u2011": "-"}
_FRAME = 6
"""Points that the library keeps free inside a page's margins."""
_LABEL_SHARES = {1: 0.3, 2: 0.5, 3: 0.52}


def write_pdf(report: Report) -> bytes:
    """Write it. The same report gives the same bytes."""
    made, pages = b"", MOST_PAGES + 1
    for scale in _SCALES:
        made, pages = _Sheet(report, scale).build()
        if pages <= MOST_PAGES:
            return made
    return made


@cache
def _glyphs() -> frozenset[int]:
    """Register the fonts, which come with the library; return what they can draw."""
    for name in (_PLAIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    return frozenset(pdfmetrics.getFont(_PLAIN).face.charToGlyph)


@dataclass(frozen=True, slots=True)
class _Styles:
    title: ParagraphStyle
    subject: ParagraphStyle
    heading: ParagraphStyle
    plain: ParagraphStyle
    bold: ParagraphStyle
    conclusion: ParagraphStyle


class _Sheet:
    """One try at a size."""

    def __init__(self, report: Report, scale: float) -> None:
        self._report, self._scale = report, scale
        self._known = _glyphs()
        self._styles = _styles(scale)
        self._root = Node("Document")
        self._width = letter[0] - 2 * _MARGIN - 2 * _FRAME

    def build(self) -> tuple[bytes, int]:
        """Return the file, and how many pages it has."""
        target = io.BytesIO()
        name = f"{self._report.title} — {self._report.subject}"
        document = SimpleDocTemplate(
            target,
            pagesize=letter,
            leftMargin=_MARGIN,
            rightMargin=_MARGIN,
            topMargin=_HEAD,
            bottomMargin=_HEAD + 4 * mm,
            title=name,
            author="Vase clos",
            subject=self._report.conclusion,
            lang=self._report.language,
            invariant=True,
        )

        def canvas(*args: Any, **options: Any) -> TaggedCanvas:
            made = TaggedCanvas(*args, **options)
            made.root = self._root
            made.setViewerPreference("DisplayDocTitle", "true")
            return made

        document.build(
            self._story(), onFirstPage=self._foot, onLaterPages=self._foot, canvasmaker=canvas
        )
        return target.getvalue(), document.page

    def _foot(self, canvas: Any, document: Any) -> None:
        canvas.setFont(_PLAIN, 6.2)
        artifact(canvas, self._drawable(self._report.footer), _MARGIN + _FRAME, 7 * mm)
        right = letter[0] - _MARGIN - 4 * mm
        artifact(canvas, str(document.page), right, 7 * mm)

    def _story(self) -> list[Any]:
        report, styles = self._report, self._styles
        framed = Grid(
            [[self._says(report.conclusion, styles.conclusion, self._root.add("P"))]],
            colWidths=[self._width],
        )
        frame = _FRAMES[report.is_shown]
        framed.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 1, frame)]))
        story: list[Any] = [
            self._says(report.title, styles.title, Node("H1")),
            self._says(report.subject, styles.subject, Node("P")),
        ]
        # The tree is in the order of reading, which is that of the page.
        self._root.children[:0] = [each.node for each in story]
        story += [Spacer(1, 2 * self._scale), framed]
        for section in report.sections:
            under = self._root.add("Sect")
            story.append(self._says(section.title, styles.heading, under.add("H2")))
            story += [self._block(block, under) for block in section.blocks]
        return story

    def _block(self, block: Block, under: Node) -> Any:
        if isinstance(block, Facts):
            return self._facts(block, under.add("Table"))
        if isinstance(block, Table):
            return self._table(block, under.add("Table"))
        return self._note(block, under)

    def _note(self, note: Note, under: Node) -> Any:
        return self._says(note.text, self._styles.plain, under.add("P"))

    def _facts(self, facts: Facts, under: Node) -> Any:
        rows: list[list[Any]] = []
        for start in range(0, len(facts.rows), facts.across):
            node, row = under.add("TR"), []
            for label, value in facts.rows[start : start + facts.across]:
                row += [
                    self._says(label, self._styles.bold, node.add("TH", "Row")),
                    self._says(value, self._styles.plain, node.add("TD")),
                ]
            rows.append(row + [""] * (2 * facts.across - len(row)))
        pair = self._width / facts.across
        share = _LABEL_SHARES[facts.across]
        widths = [pair * share, pair * (1 - share)] * facts.across
        shaded = [("BACKGROUND", (n, 0), (n, -1), _SOFT) for n in range(0, len(widths), 2)]
        return self._grid(rows, widths, shaded)

    def _table(self, table: Table, under: Node) -> Any:
        caption = self._says(table.caption, self._styles.bold, under.add("Caption"))
        head = under.add("TR")
        rows: list[list[Any]] = [
            [caption] + [""] * (len(table.headers) - 1),
            [
                self._says(name, self._styles.bold, head.add("TH", "Column"))
                for name in table.headers
            ],
        ]
        for cells in table.rows:
            node = under.add("TR")
            first = self._says(cells[0], self._styles.plain, node.add("TH", "Row"))
            others = [self._says(c, self._styles.plain, node.add("TD")) for c in cells[1:]]
            rows.append([first, *others])
        styles = [
            ("SPAN", (0, 0), (-1, 0)),
            ("BACKGROUND", (0, 1), (-1, 1), _SOFT),
        ]
        return self._grid(rows, [self._width * share for share in table.widths], styles)

    def _grid(self, rows: list[list[Any]], widths: list[float], styles: list[Any]) -> Any:
        pad = 1.5 * self._scale
        common = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
            ("TOPPADDING", (0, 0), (-1, -1), pad),
            ("BOTTOMPADDING", (0, 0), (-1, -1), pad),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ]
        return Grid(
            rows,
            colWidths=widths,
            style=TableStyle([*styles, *common]),
            spaceAfter=3 * self._scale,
        )

    def _says(self, text: str, style: ParagraphStyle, node: Node) -> Tagged:
        made = Tagged(escape(self._drawable(text)), style)
        made.node = node
        return made

    def _drawable(self, text: str) -> str:
        """Return a text without what the fonts cannot draw."""
        for sign, instead in _INSTEAD.items():
            text = text.replace(sign, instead)
        return "".join(sign if ord(sign) in self._known else "?" for sign in text)


def _styles(scale: float) -> _Styles:
    size = 8 * scale

    def style(name: str, factor: float = 1.0, **more: Any) -> ParagraphStyle:
        lead = size * factor * 1.22
        return ParagraphStyle(
            name, **({"fontName": _PLAIN, "fontSize": size * factor, "leading": lead} | more)
        )

    return _Styles(
        title=style("title", 1.9, fontName=_BOLD, textColor=_BRAND),
        subject=style("subject", 1.35),
        heading=style(
            "heading",
            1.2,
            fontName=_BOLD,
            textColor=_BRAND,
            spaceBefore=6 * scale,
            spaceAfter=1.5 * scale,
            keepWithNext=1,
        ),
        plain=style("plain"),
        bold=style("bold", fontName=_BOLD),
        conclusion=style("conclusion", 1.15, fontName=_BOLD),
    )
