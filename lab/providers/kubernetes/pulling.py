"""The Secret that sandboxes' pods pull images with, copied out of the lab's own namespace.

It is written before each run of the probes, whose pod is the first of a sandbox; so no
pod comes before it. Another Secret is another mark, with which a new run is due: that
brings the new one everywhere. Where the chart names none, nothing is read or written.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.domain.errors import ProviderError
from lab.providers.kubernetes import objects, proving_hash
from lab.providers.kubernetes.failures import told_by
from lab.providers.kubernetes.resources import SECRET

if TYPE_CHECKING:
    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Stage
    from lab.providers.kubernetes.client import Client

_KEPT_S = 60.0


class PullSecret:
    """Reads one Secret of the lab's namespace, and writes it where pods need it.

    Args:
        client: Asks the API server.
        lab: What the objects of all sandboxes have in common.
        name: Of the Secret, in both places; empty for none.
        kept_seconds: For how long a mark is believed.
    """

    def __init__(
        self, client: Client, lab: objects.Lab, name: str, *, kept_seconds: float = _KEPT_S
    ) -> None:
        self._client, self._lab, self._name = client, lab, name
        self._kept_seconds = kept_seconds
        self._mark, self._until = "", 0.0

    async def mark(self, stage: Stage) -> str:
        """Return what tells one Secret from another; empty where there is none.

        Raises:
            ProviderError: We could not look.
        """
        now = asyncio.get_running_loop().time()
        if self._name and now >= self._until:
            found = await self._content(stage)
            self._mark = proving_hash.digest({"pull": found}) if found else ""
            self._until = now + self._kept_seconds
        return self._mark

    async def put(self, sandbox_id: SandboxId, stage: Stage) -> None:
        """Write it into one namespace: one write beside the nine that a sandbox costs.

        Raises:
            TerminalProviderError: The server refuses.
            ProviderError: The lab has no such Secret, or the server failed.
        """
        if not self._name:
            return
        content = await self._content(stage)
        if not content:
            raise ProviderError(
                stage,
                f"secrets/{self._name}: sandbox.pullSecret names it, and the namespace "
                f"{self._lab.namespace} has none of type {objects.PULL_TYPE}",
            )
        with told_by(stage):
            made = objects.pull_secret(self._lab, sandbox_id, self._name, content)
            await self._client.apply(SECRET, made)

    async def _content(self, stage: Stage) -> str:
        with told_by(stage):
            found = await self._client.get(SECRET, self._name, self._lab.namespace)
        if found is None or found.get("type") != objects.PULL_TYPE:
            return ""
        return str((found.get("data") or {}).get(objects.PULL_KEY, ""))
