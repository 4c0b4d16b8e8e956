"""One at a time: two commands would build the same image and write the same file."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


@contextmanager
def alone(folder: Path, name: str, say: Callable[[], None] | None = None) -> Generator[None]:
    """Wait until no other command is at work on something.

    Args:
        folder: Where the locks are; made when needed.
        name: Of what must not be done twice at once.
        say: Called when there is one to wait for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if say is not None:
                say()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
