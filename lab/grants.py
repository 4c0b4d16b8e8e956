"""Grants: what the gateway may inject for each sandbox, one small document per door.

Providers and the hub write them, the gateway only reads. On one machine they
lie in the grants folder: a file appears whole or not at all (rename in one
folder), holds secrets (0600 in a 0700 folder), and its disappearance is the
revocation: nothing is cached across a missing file. Where several processes on
several machines share them, :class:`Grants` is kept elsewhere and the folder is
a mirror of it.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lab.domain.ids import SandboxId
from lab.private import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.domain.ids import MemberId

DOORS = "doors.json"
STORAGE = "storage.json"
TRACKING = "tracking.json"

_SANDBOX_ID = re.compile(r"sb-[0-9a-f]{10}", re.ASCII)


@runtime_checkable
class Grants(Protocol):
    """Where grants are kept. Writing again replaces, removing nothing succeeds.

    Every method raises ``OSError`` or ``StoreError`` when the place where they are kept fails.
    """

    async def write(self, sandbox_id: SandboxId, name: str, values: Mapping[str, Any]) -> None:
        """Put one grant in place, whole or not at all."""
        ...

    async def read(self, sandbox_id: SandboxId, name: str) -> dict[str, Any] | None:
        """Return one grant, or ``None`` when there is none."""
        ...

    async def remove(self, sandbox_id: SandboxId, name: str) -> None:
        """Take one grant away."""
        ...

    async def holders(self, name: str) -> frozenset[SandboxId]:
        """Return the sandboxes that hold a grant of this name."""
        ...


class FileGrants:
    """Grants in the grants folder of one machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def write(self, sandbox_id: SandboxId, name: str, values: Mapping[str, Any]) -> None:
        """Put one grant in place, whole or not at all."""
        await asyncio.to_thread(write, self._root, sandbox_id, name, values)

    async def read(self, sandbox_id: SandboxId, name: str) -> dict[str, Any] | None:
        """Return one grant, or ``None`` when there is none."""
        return await asyncio.to_thread(read, self._root, sandbox_id, name)

    async def remove(self, sandbox_id: SandboxId, name: str) -> None:
        """Take one grant away."""
        await asyncio.to_thread(remove, self._root, sandbox_id, name)

    async def holders(self, name: str) -> frozenset[SandboxId]:
        """Return the sandboxes that hold a grant of this name."""
        return await asyncio.to_thread(holders, self._root, name)


def hub_file(member_id: MemberId) -> str:
    """Return the name of the grant that lets one member's server speak to the hub."""
    return f"hub-{member_id}.json"


def is_sandbox_id(name: str) -> bool:
    """Tell whether a folder, bucket or workspace of this name can be a sandbox's."""
    return _SANDBOX_ID.fullmatch(name) is not None


def write(root: Path, sandbox_id: SandboxId, name: str, values: Mapping[str, Any]) -> None:
    """Put one grant in place, whole or not at all. Writing it again replaces it."""
    folder = root / sandbox_id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / name, json.dumps(values))


def read(root: Path, sandbox_id: SandboxId, name: str) -> dict[str, Any] | None:
    """Return one grant, or ``None`` when there is none (or it cannot be understood)."""
    try:
        values = json.loads((root / sandbox_id / name).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def remove(root: Path, sandbox_id: SandboxId, name: str) -> None:
    """Take one grant away, and the folder with the last one. Removing nothing succeeds."""
    folder = root / sandbox_id
    (folder / name).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError:  # it holds other grants, or is gone already
        return


def holders(root: Path, name: str) -> frozenset[SandboxId]:
    """Return the sandboxes that hold a grant of this name."""
    return frozenset(
        SandboxId(p.parent.name) for p in root.glob(f"*/{name}") if is_sandbox_id(p.parent.name)
    )


def chosen(grants: Grants | None, folder: Path | None) -> Grants:
    """Return the grants that options give, as an object or as a folder.

    Raises:
        ValueError: They give neither, or both.
    """
    if grants is not None and folder is None:
        return grants
    if folder is not None and grants is None:
        return FileGrants(folder)
    msg = "give either grants or grants_dir"
    raise ValueError(msg)
