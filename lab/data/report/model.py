"""What a report is made of, before it is a page of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values, in the order they are read.

    Attributes:
        across: How many pairs stand side by side on paper.
    """

    rows: tuple[tuple[str, str], ...]
    across: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names each row.

    Attributes:
        widths: Of the columns on paper, as shares of the line.
    """

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph."""

    text: str


Block: TypeAlias = Facts | Table | Note


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what is under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report, in one language.

    Attributes:
        language: A BCP 47 tag, for example ``fr-CA``.
        subject: What it is about: the data set.
        conclusion: One sentence, first on the page.
        is_shown: Whether a very low risk is shown; ``None`` where nothing is measured yet.
        footer: At the foot of each page.
    """

    language: str
    title: str
    subject: str
    conclusion: str
    is_shown: bool | None
    sections: tuple[Section, ...]
    footer: str
