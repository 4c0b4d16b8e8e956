"""Hands refused attempts over to the control plane, on a cluster.

A file is set aside under the name of its batch, sent, and deleted once it is
taken: whatever ends in between, the same batch is sent again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from typing import TYPE_CHECKING, Any

from lab.gateway.office import OfficeError
from lab.grants import is_sandbox_id

if TYPE_CHECKING:
    from pathlib import Path

    from lab.gateway.office import Office

_log = logging.getLogger(__name__)

MOST_WAITING_BYTES = 16 * 1024**2
_LATER_SECONDS = 30
"""The longest wait while the control plane does not answer."""


class Shipper:
    """Sends what :class:`AttemptLog` has written. Each sandbox has one batch under way at most.

    So what waits is bounded: a batch and a file for each sandbox, each no
    larger than the log lets a file grow; and of all together the largest are
    thrown away, because the grants lie on the same small disk.
    """

    def __init__(self, *, office: Office, folder: Path, every_seconds: float = 1) -> None:
        self._office, self._folder, self._every = office, folder, every_seconds

    async def run(self) -> None:
        """Send until cancelled."""
        wait = self._every
        while True:
            is_taken = await self.ship()
            wait = self._every if is_taken else min(2 * wait, _LATER_SECONDS)
            self._trim()
            await asyncio.sleep(wait)

    async def ship(self) -> bool:
        """Send what there is; tell whether the control plane took all of it."""
        for path in self._set_aside():
            sandbox_id, batch, _ = path.name.split(".")
            try:
                await self._office.send_attempts(batch, _read(path, sandbox_id))
            except OfficeError as error:
                if not error.is_final:
                    return False
                _log.exception("a batch of attempts is refused and lost")
            path.unlink(missing_ok=True)
        return True

    def _trim(self) -> None:
        """Make room: who knocks the most loses its notes first."""
        try:
            sizes = {path: path.stat().st_size for path in self._folder.glob("sb-*")}
            excess = sum(sizes.values()) - MOST_WAITING_BYTES
            for path in sorted(sizes, key=lambda each: -sizes[each]):
                if excess <= 0:
                    return
                path.unlink(missing_ok=True)
                excess -= sizes[path]
                _log.error("attempts are thrown away, for lack of room: %s", path.name)
        except OSError:
            _log.exception("attempts cannot be read")

    def _set_aside(self) -> list[Path]:
        try:
            waiting = sorted(self._folder.glob("*.sending"))
            under_way = {path.name.partition(".")[0] for path in waiting}
            for path in sorted(self._folder.glob("*.jsonl")):
                if is_sandbox_id(path.stem) and path.stem not in under_way:
                    batch = path.with_name(f"{path.stem}.{secrets.token_hex(8)}.sending")
                    path.rename(batch)
                    waiting.append(batch)
        except OSError:
            _log.exception("attempts cannot be read")
            return []
        return waiting


def _read(path: Path, sandbox_id: str) -> list[dict[str, Any]]:
    """Return the lines; half a line, written as the machine ended, is none."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            content = json.loads(line)
        except ValueError:
            continue
        if isinstance(content, dict):
            found.append({**content, "sandbox_id": sandbox_id})
    return found
