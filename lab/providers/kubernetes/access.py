"""The door keys of a sandbox as files in its pods: the first part of WORKSPACE.

The reconciler may write Secrets in a sandbox's namespace and may not read them, neither
their values nor that they are there. So what was written last is remembered in a grant
(``access.json``): a mark of the keys, and of the very namespace they were written to. A
namespace made anew, a key that changed, or a grant that is gone each mean writing once
more; an edit by another hand shows when the keys are written again, which happens after
``rewrite`` at the latest. The values mean something at the sandbox's own door only.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lab import grants as keeping
from lab.domain.errors import LabError, ProviderError
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.providers.kubernetes import names, objects
from lab.providers.kubernetes.failures import TerminatingError, told_by
from lab.providers.kubernetes.resources import SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Sandbox
    from lab.grants import Grants
    from lab.ports import Clock
    from lab.providers.kubernetes.session import Session

GRANT = "access.json"


class KubernetesAccess:
    """Owns the Secret ``acces`` of each sandbox.

    Args:
        rewrite: Age from which the keys are written once more, changed or not.
    """

    def __init__(
        self,
        session: Session,
        *,
        grants: Grants,
        clock: Clock,
        rewrite: timedelta = timedelta(hours=12),
    ) -> None:
        self._session, self._grants = session, grants
        self._clock, self._rewrite = clock, rewrite

    @property
    def stage(self) -> Stage:
        """WORKSPACE."""
        return Stage.WORKSPACE

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Compare what was written with what should be."""
        try:
            await self._session.ready()
            written = await self._grants.read(sandbox.id, GRANT)
            wanted = await self._files(sandbox.id)
        except Exception as error:
            return Observation(Seen.UNKNOWN, f"kubernetes: {error}")
        place = self._session.place(sandbox.id)
        facts = (Fact("secret", names.ACCESS, written is not None and place is not None),)
        if written is None:
            return Observation(Seen.ABSENT, "", facts)
        if place is None or place.uid != written.get("place"):
            # What was written went with its namespace: the memory of it is all that is left.
            return Observation(Seen.REVOKED, "the keys went with their namespace", facts)
        if wanted is None or written.get("mark") != _mark(wanted):
            return Observation(Seen.REVOKED, "the keys changed", facts)
        is_due = self._clock.now() - _time(written) > self._rewrite
        return Observation(Seen.DUE if is_due else Seen.READY, "", facts)

    async def ensure(self, sandbox: Sandbox) -> None:
        """Write the keys where they are not, or not these.

        Raises:
            TerminalProviderError: The server refuses.
            ProviderError: There is no grant yet, or the server failed.
        """
        if (await self.observe(sandbox)).seen is Seen.READY:
            return
        files = await self._kept(sandbox.id)
        with told_by(self.stage):
            await self._session.ready()
            place = self._session.place(sandbox.id)
            if place is None or place.is_going:
                raise TerminatingError("there is no place for the keys")
            wanted = objects.access(self._session.lab, sandbox.id, files)
            await self._session.client.apply(SECRET, wanted)
        await self._remember(
            sandbox.id,
            {
                "mark": _mark(files),
                "place": place.uid,
                "written_at": self._clock.now().astimezone(UTC).isoformat(),
            },
        )

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Keep nothing: the keys are no data of anybody's."""
        await self.remove(sandbox_id)

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Delete the Secret, where its namespace is ours and still there.

        Raises:
            ProviderError: The server failed.
        """
        with told_by(self.stage):
            await self._session.ready()
            if self._session.place(sandbox_id) is not None:
                await self._session.client.delete(SECRET, names.ACCESS, namespace=sandbox_id)
        try:
            await self._grants.remove(sandbox_id, GRANT)
        except (OSError, LabError) as error:
            raise ProviderError(self.stage, str(error)) from error

    async def owned(self) -> frozenset[SandboxId]:
        """Return the sandboxes whose keys we remember to have written.

        Raises:
            ProviderError: We could not look.
        """
        try:
            return await self._grants.holders(GRANT)
        except (OSError, LabError) as error:
            raise ProviderError(self.stage, str(error)) from error

    async def _kept(self, sandbox_id: SandboxId) -> dict[str, str]:
        try:
            files = await self._files(sandbox_id)
        except (OSError, LabError) as error:
            raise ProviderError(self.stage, str(error)) from error
        if files is None:
            raise ProviderError(self.stage, "the storage grant is not there")
        return files

    async def _files(self, sandbox_id: SandboxId) -> dict[str, str] | None:
        """Return the files of the Secret, each named as the variable it becomes."""
        storage = await self._grants.read(sandbox_id, keeping.STORAGE)
        if storage is None or "door_access_key" not in storage:
            return None
        return {
            "AWS_ACCESS_KEY_ID": str(storage["door_access_key"]),
            "AWS_SECRET_ACCESS_KEY": str(storage["door_secret_key"]),
        }

    async def _remember(self, sandbox_id: SandboxId, values: Mapping[str, Any]) -> None:
        try:
            await self._grants.write(sandbox_id, GRANT, values)
        except (OSError, LabError) as error:
            raise ProviderError(self.stage, str(error)) from error


def _mark(files: Mapping[str, str]) -> str:
    """Return what tells one pair of keys from another, and nothing else about them."""
    text = json.dumps(dict(files), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _time(written: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(written.get("written_at")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
