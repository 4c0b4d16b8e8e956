"""Files that only their owner reads, and that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, text: str, *, is_durable: bool = True) -> None:
    """Write a file, or replace it, with mode 0600.

    Args:
        path: In a folder that is there.
        text: All of it, UTF-8.
        is_durable: Whether it must outlive a power cut; costs a wait for the disk.

    Raises:
        OSError: It could not be written; what was there before still is.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            if is_durable:
                out.flush()
                os.fsync(out.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
