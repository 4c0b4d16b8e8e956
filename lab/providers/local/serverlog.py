"""What the sandboxed program prints, kept in a file of bounded size."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 1024**2
_CHUNK = 65536


class ServerLog:
    """A pipe whose end is written to a file; past a size the older half goes.

    Attributes:
        writing: The end to give to the program; close it with ``close_writing``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._written = 0

    @property
    def reading(self) -> int:
        """The end that tells when something was printed."""
        return self._reading

    def close_writing(self) -> None:
        """Leave the writing end to the program alone."""
        os.close(self.writing)

    def drain(self) -> bool:
        """Write down what waits; tell whether more may come."""
        with suppress(BlockingIOError):
            while data := os.read(self._reading, _CHUNK):
                if self._written + len(data) > _MOST_BYTES:
                    self._turn_over()
                os.write(self._file, data)
                self._written += len(data)
            return False
        return True

    def last_lines(self) -> str:
        """Return the end of what was printed."""
        self.drain()
        return self._path.read_text("utf-8", "replace")[-500:].strip()

    def _turn_over(self) -> None:
        os.close(self._file)
        self._path.replace(self._path.with_suffix(".log.1"))
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._written = 0
