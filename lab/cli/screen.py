"""How answers are written: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.cli.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_BLANKS = "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
"""Python does not call them printable; French does not do without."""


class Output(Enum):
    """How to write an answer."""

    TABLE = "table"
    JSON = "json"


def console(stream: TextIO | None = None) -> Console:
    """Return where answers go; as wide as needed where nobody watches."""
    out = stream or sys.stdout
    is_watched = out.isatty()
    return Console(
        file=out, highlight=False, soft_wrap=not is_watched, width=None if is_watched else 200
    )


def line(text: str = "", stream: TextIO | None = None) -> None:
    """Write one line. What stands in it is never read as markup."""
    console(stream).print(Text(text))


def complain(text: str) -> None:
    """Write one line to the error stream."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show_json(content: object) -> None:
    """Write JSON."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table; its head is translated, its cells are not.

    Values come from people: nothing in them is read as markup, and no control
    character reaches the terminal.
    """
    if not rows:
        line(tr("Nothing."))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(tr(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    console().print(table)


def show_facts(facts: Mapping[str, object]) -> None:
    """Write names and values, one pair to a line; names are translated."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(tr(name), Text(clean(value)))
    console().print(table)


def clean(value: object) -> str:
    """Return a value as one line that a terminal shows and does not obey."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, (list, tuple)):
        return ", ".join(clean(each) for each in value) or "-"
    return "".join(
        c if c.isprintable() or c in _BLANKS else "\N{REPLACEMENT CHARACTER}" for c in str(value)
    )


def dig(content: Mapping[str, Any], path: str) -> Any:
    """Return ``content["a"]["b"]`` for ``a.b``; nothing where it is missing."""
    found: Any = content
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def mebibytes(count: int) -> str:
    """Write bytes for a table."""
    return f"{count / 1024**2:.0f} MiB" if count else "-"
