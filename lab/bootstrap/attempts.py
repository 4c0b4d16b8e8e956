"""Reads what keepers and the gateway wrote down of refused attempts."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from lab.providers.local import attempts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lab.domain.attempt import BlockedAttempt
    from lab.domain.ids import SandboxId

log = logging.getLogger(__name__)


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
            more, self._offsets[path] = attempts.read(path, offset)
            # Written by a process beside the sandbox's own: it may only speak of this sandbox.
            found += [attempt for attempt in more if attempt.sandbox_id == sandbox_id]
        return found

    def _files(self, sandbox_id: SandboxId) -> Iterable[Path]:
        yield from self._keepers_dir.glob(f"{sandbox_id}/*/attempts.jsonl")
        gateway = self._gateway_dir / f"{sandbox_id}.jsonl"
        if gateway.exists():
            yield gateway
