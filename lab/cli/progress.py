"""Shows the parts as they become ready: live on a terminal, one line for each change elsewhere."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from lab.cli import screen
from lab.cli.words import tell, tr

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from lab.parts.message import Message
    from lab.parts.progress import Progress


_NOTHING_YET = frozenset({"waiting", "unknown", "absent"})


class _Pictured:
    """Draws one picture that changes, where somebody watches.

    Args:
        stream: Where to; standard output where none is given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._live: Live | None = None

    @contextmanager
    def live(self) -> Generator[None]:
        """Keep one picture up to date, where somebody watches."""
        if not (self._stream or sys.stdout).isatty():
            yield
            return
        with Live(console=screen.console(self._stream), refresh_per_second=8) as picture:
            self._live = picture
            try:
                yield
            finally:
                self._live = None


class Screen(_Pictured):
    """Tells an operator what is done; implements ``lab.parts.lifecycle.Reporter``.

    Args:
        stream: Where to; standard output where none is given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._said: set[tuple[str, str]] = set()

    def say(self, sentence: Message) -> None:
        """Show one sentence."""
        if self._live is not None:
            self._live.console.print(Text(tell(sentence)))
        else:
            screen.line(tell(sentence), self._stream)

    def show(self, progress: Sequence[Progress]) -> None:
        """Show how far the parts, or the stages of a sandbox, are."""
        if self._live is not None:
            self._live.update(_grid(progress))
            return
        for each in progress:
            if (each.name, each.state) not in self._said and each.state not in _NOTHING_YET:
                self._said.add((each.name, each.state))
                text = f"  {each.name:<14} {tr(each.state):<12} {each.seconds:6.1f} s"
                screen.line(text, self._stream)

    @contextmanager
    def live(self) -> Generator[None]:
        """Keep one picture up to date, where somebody watches; what was said is said anew."""
        self._said.clear()
        with super().live():
            yield


class Steps(_Pictured):
    """Shows how far several things are that are made at once; may be told from any thread.

    Args:
        stream: Where to; standard output where none is given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._rows: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def show(self, name: str, state: str, seconds: float) -> None:
        """Show one of them; a state may end in a count, ``building 3/12``."""
        word, _, count = state.partition(" ")
        text = f"{tr(word)} {count}".rstrip()
        with self._lock:
            is_news = self._rows.get(name, ("", 0.0))[0].partition(" ")[0] != tr(word)
            self._rows[name] = (text, seconds)
            if self._live is not None:
                self._live.update(self._grid())
            elif is_news:
                screen.line(f"  {name:<18} {text:<20} {seconds:6.1f} s", self._stream)

    def _grid(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        for name, (text, seconds) in self._rows.items():
            grid.add_row(Text(name), Text(text), Text(f"{seconds:.1f} s", style="dim"))
        return grid


def _grid(progress: Sequence[Progress]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for each in progress:
        sign = Text("✓", style="green") if each.is_ready else Spinner("dots")
        taken = f"{each.seconds:.1f} s"
        grid.add_row(sign, Text(each.name), Text(tr(each.state)), Text(taken, style="dim"))
    return grid
