"""How a reference page is written."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.settings import CHECKOUT
from lab.web.language import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FOLDER = CHECKOUT / "docs" / "reference"
NOTE = (
    "<!-- Made from the code by `python -m tests.docs.generate`: changes here are lost. "
    "A test compares. -->"
)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    def line(cells: Sequence[object]) -> str:
        shown = (str(cell).replace("\n", " ").replace("|", "\\|") or " " for cell in cells)
        return f"| {' | '.join(shown)} |"

    return [line(head), line(["---"] * len(head)), *map(line, rows), ""]


def page(*lines: str) -> str:
    return "\n".join([NOTE, "", *lines]).rstrip() + "\n"


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def english(french: str, **facts: object) -> str:
    return LANGUAGES["en"].text(french, **facts)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    kept = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("LAB_"):
            del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
