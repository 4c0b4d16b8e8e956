"""The template in a member's home: copied once, never over what the person wrote."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = ".gabarit"
_DIGITS = 8


def place_template(template: Path, home: Path, uid: int | None) -> Path | None:
    """Copy the template into the home, beside what is there already.

    Every path is made new under a name nobody in the sandbox could foresee and
    then renamed, so that no link left in the home can lead the copy elsewhere.
    To be called while nothing of this member runs.

    Args:
        template: A folder; its name is the name it gets.
        home: The member's home, outside of the sandbox.
        uid: Who shall own the copy; ``None`` leaves it as it is made.

    Returns:
        The new folder, or ``None`` where this version is there already.
    """
    digest = version_of(template)
    target = _free_place(home, template.name, digest)
    if target is None:
        return None
    draft = home / f".{secrets.token_hex(12)}"
    try:
        # Dated now: an image's own dates are all the same, and long ago.
        shutil.copytree(template, draft, symlinks=True, copy_function=shutil.copy)
        (draft / MARK).write_text(digest, encoding="ascii")
        _hand_over(draft, uid)
        draft.rename(target)
    finally:
        if os.path.lexists(draft):
            shutil.rmtree(draft)
    return target


def version_of(template: Path) -> str:
    """Return a digest of names and bytes of all files of a template."""
    digest = hashlib.sha256()
    for path in sorted(_files(template)):
        digest.update(str(path.relative_to(template)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path


def _free_place(home: Path, name: str, digest: str) -> Path | None:
    first = home / name
    if not os.path.lexists(first):
        return first
    beside = home / f"{name}-{digest[:_DIGITS]}"
    if _mark(first) == digest or os.path.lexists(beside):
        return None
    return beside


def _mark(folder: Path) -> str:
    """Read the mark without following a link; whatever is odd is another version."""
    try:
        where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        mark = os.open(MARK, flags, dir_fd=where)
    except OSError:
        return ""
    finally:
        os.close(where)
    with os.fdopen(mark, "rb") as file:
        return file.read(hashlib.sha256().digest_size * 2).decode("ascii", "replace")


def _hand_over(folder: Path, uid: int | None) -> None:
    for root, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            path = os.path.join(root, name)  # noqa: PTH118 - os.walk gives strings
            if not os.path.islink(path):  # noqa: PTH114 - the same
                mode = 0o700 if os.path.isdir(path) else 0o600  # noqa: PTH112 - the same
                os.chmod(path, mode)  # noqa: PTH101 - the same
            if uid is not None:
                os.chown(path, uid, uid, follow_symlinks=False)
