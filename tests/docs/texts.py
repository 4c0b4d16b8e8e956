"""The documents as tests read them: prose by language, fenced blocks, links, code in a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.settings import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT_PAGES = ("README.md", "CHANGELOG.md", "THIRD_PARTY.md")
GENERATED = CHECKOUT / "docs" / "reference"
FRENCH_FIRST = ("README.md", "docs/guide-")
PROVED = "<!-- every row names a test -->"

_FENCE = re.compile(r"^\s*```(\w*)")
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@dataclass(frozen=True)
class Line:
    path: Path
    number: int
    text: str
    language: str = "en"

    @property
    def where(self) -> str:
        return f"{name_of(self.path)}:{self.number}"


@dataclass(frozen=True)
class Block:
    where: str
    language: str
    text: str


def name_of(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def pages(*, generated: bool = True) -> list[Path]:
    found = [CHECKOUT / name for name in ROOT_PAGES]
    found += sorted((CHECKOUT / "docs").rglob("*.md"))
    return [path for path in found if generated or path.parent != GENERATED]


def lines_and_blocks(path: Path) -> tuple[list[Line], list[Block]]:
    language = "fr" if name_of(path).startswith(FRENCH_FIRST) else "en"
    first = language
    lines: list[Line] = []
    blocks: list[Block] = []
    inside: list[str] | None = None
    kind, began = "", 0
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        fence = _FENCE.match(text)
        if fence and inside is None:
            inside, kind, began = [], fence[1], number
        elif fence and inside is not None:
            blocks.append(Block(f"{name_of(path)}:{began}", kind, "\n".join(inside)))
            inside = None
        elif inside is not None:
            inside.append(text)
        else:
            if text.startswith("## "):
                language = _language_of(text, first)
            lines.append(Line(path, number, text, language))
    assert inside is None, f"{name_of(path)}: a block is not closed"
    return lines, blocks


def _language_of(heading: str, first: str) -> str:
    if heading == "## English":
        return "en"
    return "fr" if "français" in heading else first


def all_lines(*, generated: bool = True) -> Iterator[Line]:
    for path in pages(generated=generated):
        yield from lines_and_blocks(path)[0]


def all_blocks() -> Iterator[Block]:
    for path in pages():
        yield from lines_and_blocks(path)[1]


def prose(line: Line) -> str:
    """Return what a person reads of a line: no code, no addresses, no marks."""
    text = re.sub(r"<!--.*?-->", "", line.text)
    text = _CODE.sub("x", text)
    text = _LINK.sub(r"\1", text)
    return re.sub(r"[*_]{1,2}", "", text)


def codes(line: Line) -> list[str]:
    return _CODE.findall(line.text)


def links(line: Line) -> list[str]:
    return [target for _, target in _LINK.findall(_CODE.sub("x", line.text))]


def named_tests(text: str) -> list[tuple[str, str]]:
    return _TEST.findall(text)


def anchors(path: Path) -> set[str]:
    found = set()
    for line in lines_and_blocks(path)[0]:
        if line.text.startswith("#"):
            title = line.text.lstrip("#").strip().lower().replace("`", "")
            kept = "".join(c for c in title if c.isalnum() or c in " -_")
            found.add(kept.replace(" ", "-"))
    return found


def proved_rows() -> Iterator[Line]:
    """Yield the rows of tables in which each row must name a test."""
    for path in pages():
        in_table = False
        header = 0
        for line in lines_and_blocks(path)[0]:
            if line.text == PROVED:
                in_table, header = True, 2
            elif in_table and line.text.startswith("|"):
                header -= 1
                if header < 0:
                    yield line
            elif in_table and line.text:
                in_table = False
