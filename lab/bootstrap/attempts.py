"""Reads what keepers and the gateway wrote down of refused attempts."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import TYPE_CHECKING

from lab.domain.attempt import BlockedAttempt, Rule
from lab.providers.local import attempts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lab.domain.ids import SandboxId


class FileAttempts:
    """Reads each file once: the next read goes on where the last one ended.

    Args:
        keepers_dir: ``<sandbox>/<member>/attempts.jsonl``, written by keepers.
        gateway_dir: ``<sandbox>.jsonl``, written by the gateway.
    """

    def __init__(self, *, keepers_dir: Path, gateway_dir: Path) -> None:
        self._keepers_dir, self._gateway_dir = keepers_dir, gateway_dir
        self._offsets: dict[Path, int] = {}

    async def read(self, sandbox_id: SandboxId) -> Sequence[BlockedAttempt]:
        """Return what was written since the last call; all of it on the first."""
        return await asyncio.to_thread(self._read, sandbox_id)

    def _read(self, sandbox_id: SandboxId) -> list[BlockedAttempt]:
        found: list[BlockedAttempt] = []
        for path in self._files(sandbox_id):
            offset = self._offsets.get(path, 0)
            if path.stat().st_size < offset:  # a new run of the same server began a new file
                offset = 0
            if path.parent == self._gateway_dir:
                more, self._offsets[path] = _at_the_gateway(path, offset, sandbox_id)
            else:
                more, self._offsets[path] = attempts.read(path, offset)
            # Written by a process beside the sandbox's own: it may only speak of this sandbox.
            found += [attempt for attempt in more if attempt.sandbox_id == sandbox_id]
        return found

    def _files(self, sandbox_id: SandboxId) -> Iterable[Path]:
        yield from self._keepers_dir.glob(f"{sandbox_id}/*/attempts.jsonl")
        gateway = self._gateway_dir / f"{sandbox_id}.jsonl"
        if gateway.exists():
            yield gateway


def _at_the_gateway(
    path: Path, offset: int, sandbox_id: SandboxId
) -> tuple[list[BlockedAttempt], int]:
    """Read the gateway's lines; it knows the sandbox by its door, and not the member."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    found = []
    for line in whole.splitlines():
        content = json.loads(line)
        at = datetime.fromisoformat(content["at"])
        found.append(
            BlockedAttempt(
                sandbox_id=sandbox_id,
                member_id=None,
                rule=Rule(content["rule"]),
                target=content["target"],
                first_at=at,
                last_at=at,
                count=content["count"],
            )
        )
    return found, offset + len(whole)
