"""One build at a time: two would build the same images and write the same files."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


@contextmanager
def alone(root: Path, say: Callable[[], None]) -> Generator[None]:
    """Wait until no other command builds or pushes images of a checkout.

    Args:
        root: The checkout.
        say: Called when there is one to wait for.
    """
    folder = root / ".build" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say()
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob("*.tar"):  # of a build that was killed
            left.unlink()
        yield
