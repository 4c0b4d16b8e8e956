"""Keeps the grants folder what the control plane's store says, on a cluster.

What reads the folder is the same as on one machine. While the control plane
does not answer, what is there stays: each grant carries its own end.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

from lab import grants
from lab.domain.ids import SandboxId
from lab.gateway.office import OfficeError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.gateway.office import Office

_log = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,80}\.json", re.ASCII)


class Mirror:
    """Asks again and again; most of the time nothing has changed and nothing is sent."""

    def __init__(self, *, office: Office, folder: Path, every_seconds: float) -> None:
        self._office, self._folder, self._every = office, folder, every_seconds
        self._etag = ""
        self._is_told = False
        self.has_seen = False

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Ask once, and follow."""
        try:
            answer = await self._office.grants(self._etag)
            if answer.content is not None:
                wanted = _read(answer.content)
                await asyncio.to_thread(self._follow, wanted)
                self._etag = answer.etag
        except (OfficeError, OSError, ValueError) as error:
            if not self._is_told:
                _log.warning("grants stay as they are: %s", error)
            self._is_told = True
            return
        if self._is_told:
            _log.info("grants are fetched again")
        self._is_told, self.has_seen = False, True

    def _follow(self, wanted: Mapping[tuple[SandboxId, str], dict[str, Any]]) -> None:
        """Take away first: what was revoked must not wait for what is new."""
        there = {
            (SandboxId(path.parent.name), path.name)
            for path in self._folder.glob("*/*.json")
            if grants.is_sandbox_id(path.parent.name)
        }
        for sandbox_id, name in sorted(there - wanted.keys()):
            grants.remove(self._folder, sandbox_id, name)
        for (sandbox_id, name), values in wanted.items():
            if grants.read(self._folder, sandbox_id, name) != values:
                grants.write(self._folder, sandbox_id, name, values)


def _read(content: Any) -> dict[tuple[SandboxId, str], dict[str, Any]]:
    """Return the grants by whom and what.

    Raises:
        ValueError: Something else came. Nothing is followed then, not even half.
    """
    try:
        found = {
            (SandboxId(each["sandbox_id"]), str(each["name"])): dict(each["values"])
            for each in content["grants"]
        }
    except (KeyError, TypeError) as error:
        raise ValueError("the control plane sent no list of grants") from error
    for sandbox_id, name in found:
        if not grants.is_sandbox_id(sandbox_id) or not _NAME.fullmatch(name):
            raise ValueError("a grant whose name is none")
    return found
