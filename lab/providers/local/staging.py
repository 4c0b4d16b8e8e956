"""Show a lesser user a few folders of root's, in a mount namespace of our own.

Root starts a sandbox as a user that may not walk into root's folders. So the
keeper takes a mount namespace, lays a small file system over a folder of the
system that is not used, and binds there what the sandbox needs. It all
disappears with the keeper.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_MS_NOSUID, _MS_NODEV = 2, 4
_CANDIDATES = ("/mnt", "/media", "/srv", "/var/empty", "/var/local", "/boot")


class Direct:
    """Without root: the sandbox's user is our own and sees what we see."""

    def show(self, path: Path) -> str:
        """Return the path under which ``path`` can be bound."""
        return str(path.resolve())


class Staged:
    """With root: everything is shown under a private mount.

    Args:
        needed: Paths that must stay visible to the keeper itself.
    """

    def __init__(self, needed: tuple[Path, ...]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._count = 0
        self._check(self._libc.unshare(_CLONE_NEWNS), "unshare")
        self._mount("none", "/", None, _MS_REC | _MS_PRIVATE)
        self._root = self._choose(needed)
        self._mount("stage", self._root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")

    def show(self, path: Path) -> str:
        """Return the path under which the sandbox's user can bind ``path``.

        Raises:
            OSError: The last part of ``path`` is a link, or is not there.
        """
        if path.is_symlink():
            raise OSError(errno.ELOOP, "a link is never shown", str(path))
        self._count += 1
        target = f"{self._root}/{self._count}"
        handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            source = f"/proc/self/fd/{handle}"
            if Path(source).is_dir():
                Path(target).mkdir(mode=0o755)
            else:
                Path(target).touch(mode=0o644)
            self._mount(source, target, None, _MS_BIND | _MS_REC)
        finally:
            os.close(handle)
        return target

    @staticmethod
    def _choose(needed: tuple[Path, ...]) -> str:
        used = [str(path.resolve()) for path in needed]
        for candidate in _CANDIDATES:
            if Path(candidate).is_dir() and not any(
                path == candidate or path.startswith(f"{candidate}/") for path in used
            ):
                return candidate
        raise OSError("no folder of the system is free to stage the sandbox on")

    def _mount(
        self, source: str, target: str, kind: str | None, flags: int, data: str | None = None
    ) -> None:
        encoded = [None if text is None else text.encode() for text in (kind, data)]
        self._check(
            self._libc.mount(
                source.encode(), target.encode(), encoded[0], ctypes.c_ulong(flags), encoded[1]
            ),
            f"mount {target}",
        )

    @staticmethod
    def _check(result: int, what: str) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), what)
