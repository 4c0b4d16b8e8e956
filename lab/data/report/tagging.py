"""What makes a PDF readable aloud: the tree of its headings, paragraphs and tables.

ReportLab draws; it does not say what it draws. Here each paragraph is marked as it is drawn, and
the tree is written at the end (PDF 1.7, ISO 32000-1, 14.7 and 14.8). What is not marked is a line
or a background; the foot of each page is marked as an artifact.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph


@dataclass(eq=False, slots=True)
class Node:
    """One element of the tree.

    Attributes:
        role: A standard structure type, for example ``H1`` or ``TD``.
        scope: Of a table's header: ``Column`` or ``Row``.
        marks: Where it was drawn: the page's number from 0, and the mark's on that page.
    """

    role: str
    scope: str = ""
    children: list[Node] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)

    def add(self, role: str, scope: str = "") -> Node:
        """Return a new element under this one."""
        child = Node(role, scope)
        self.children.append(child)
        return child


class TaggedCanvas(Canvas):  # type: ignore[misc]  # the library has no types
    """Writes the tree that ``root`` holds when all is drawn."""

    root: Node

    def save(self) -> None:
        """Write the tree, then the file."""
        pages = self._doc.Pages.pages
        parents: dict[int, list[Any]] = defaultdict(list)
        top = PDFDictionary({"Type": PDFName("StructTreeRoot")})
        root_ref = self._doc.Reference(top)
        top["K"] = PDFArray([self._element(self.root, root_ref, parents)])
        numbers: list[Any] = []
        for number, page in enumerate(pages):
            page.StructParents = number
            page.__NoDefault__ = [*page.__NoDefault__, "StructParents"]
            numbers += [number, self._doc.Reference(PDFArray(parents[number]))]
        top["ParentTree"] = self._doc.Reference(PDFDictionary({"Nums": PDFArray(numbers)}))
        top["ParentTreeNextKey"] = len(pages)
        self._doc.Catalog.StructTreeRoot = top
        self._doc.Catalog.MarkInfo = PDFDictionary({"Marked": "true"})
        super().save()

    def _element(self, node: Node, parent: Any, parents: dict[int, list[Any]]) -> Any:
        """Write an element and what is under it; return a reference to it."""
        entry = PDFDictionary({
            "Type": PDFName("StructElem"),
            "S": PDFName(node.role),
            "P": parent,
        })
        ref = self._doc.Reference(entry)
        kids = [self._element(child, ref, parents) for child in node.children]
        for number, mark in node.marks:
            page = self._doc.Reference(self._doc.Pages.pages[number])
            content = {"Type": PDFName("MCR"), "Pg": page, "MCID": mark}
            kids.append(PDFDictionary(content))
            # Marks are numbered as they are drawn, so that this list is in their order.
            there = parents[number]
            there += [None] * (mark + 1 - len(there))
            there[mark] = ref
        entry["K"] = PDFArray(kids)
        if node.scope:
            table = {"O": PDFName("Table"), "Scope": PDFName(node.scope)}
            entry["A"] = PDFDictionary(table)
        return ref


class Tagged(Paragraph):  # type: ignore[misc]  # the library has no types
    """A paragraph that says what it is when it is drawn."""

    node: Node | None = None

    def draw(self) -> None:
        """Draw it between two marks."""
        if self.node is None:
            super().draw()
            return
        page = self.canv.getPageNumber() - 1
        drawn: dict[int, int] = self.canv.__dict__.setdefault("marks_of_pages", {})
        mark = drawn.get(page, 0)
        drawn[page] = mark + 1
        self.node.marks.append((page, mark))
        self.canv._code.append(f"/{self.node.role} <</MCID {mark}>> BDC")  # noqa: SLF001
        super().draw()
        self.canv._code.append("EMC")  # noqa: SLF001

    def split(self, width: float, height: float) -> list[Any]:
        """Cut it; each part is of the same element."""
        parts: list[Any] = super().split(width, height)
        for part in parts:
            part.node = self.node
        return parts


def artifact(canvas: Any, text: str, x: float, y: float) -> None:
    """Draw a line of text that is no part of what is read: the foot of a page."""
    canvas._code.append("/Artifact BMC")  # noqa: SLF001
    canvas.drawString(x, y, text)
    canvas._code.append("EMC")  # noqa: SLF001
