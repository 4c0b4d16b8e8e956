"""Grants as they are at this moment: looked at for every request, parsed when they change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab import grants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lab.domain.ids import SandboxId


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: tuple[int, int, int]
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DoorsGrant:
    """Which doors a sandbox has.

    Attributes:
        ports: Where each is, on a cluster; nothing on one machine.
    """

    names: frozenset[str]
    ports: Mapping[str, int]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> DoorsGrant:
        """Read it from a grant; what is no port is none."""
        ports = values.get("ports")
        found = ports if isinstance(ports, dict) else {}
        return cls(
            frozenset(map(str, values.get("doors", ()))),
            {str(name): port for name, port in found.items() if type(port) is int},
        )


class GrantBook:
    """Reads the grants folder. A file that is gone is a grant that is gone, at once."""

    def __init__(
        self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder, self._now = folder, now
        self._kept: dict[Path, _Kept] = {}

    def get(self, sandbox_id: SandboxId, name: str) -> dict[str, Any] | None:
        """Return a grant; ``None`` when there is none, or its end date has passed."""
        path = self._folder / sandbox_id / name
        try:
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_ino, state.st_size)
            kept = self._kept.get(path)
            if kept is None or kept.stamp != stamp:
                kept = _Kept(stamp, _object(path.read_text(encoding="utf-8")))
                self._kept[path] = kept
        except (OSError, ValueError):
            self._kept.pop(path, None)
            return None
        return None if self._is_over(kept.values) else kept.values

    def members(self, sandbox_id: SandboxId) -> list[dict[str, Any]]:
        """Return the hub grants of a sandbox, one per running server."""
        names = [path.name for path in (self._folder / sandbox_id).glob("hub-*.json")]
        found = (self.get(sandbox_id, name) for name in names)
        return [values for values in found if values is not None]

    def doors(self) -> dict[SandboxId, DoorsGrant]:
        """Return the doors of every sandbox that has any."""
        opened: dict[SandboxId, DoorsGrant] = {}
        for sandbox_id in grants.holders(self._folder, grants.DOORS):
            values = self.get(sandbox_id, grants.DOORS)
            if values is not None:
                opened[sandbox_id] = DoorsGrant.of(values)
        return opened

    def _is_over(self, values: dict[str, Any]) -> bool:
        text = values.get("expires_at")
        if text is None:
            return False
        try:
            return self._now() >= datetime.fromisoformat(str(text))
        except (ValueError, TypeError):
            return True


def _object(text: str) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict):
        msg = "a grant is an object"
        raise ValueError(msg)  # noqa: TRY004  read as any other damage to the file
    return values
