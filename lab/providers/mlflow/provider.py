"""Stage TRACKING on MLflow: a workspace and an identity per sandbox."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC
from typing import TYPE_CHECKING, Protocol

from lab.domain.errors import ProviderError, StoreError
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.grants import TRACKING, is_sandbox_id
from lab.providers.mlflow.artifacts import ArtifactsError
from lab.providers.mlflow.client import TrackingError
from lab.providers.mlflow.leftovers import LeftoversError

if TYPE_CHECKING:
    from lab.domain.sandbox import Sandbox
    from lab.grants import Grants
    from lab.providers.mlflow.artifacts import Artifacts
    from lab.providers.mlflow.client import TrackingClient

MARK = "vase-clos"
"""The description that marks a workspace as ours."""

ROLE = "sandbox"
PERMITS = {
    # USE, not MANAGE: nobody in a sandbox administers roles or identities.
    "workspace": "USE",
    "experiment": "MANAGE",
    "registered_model": "MANAGE",
    "prompt": "MANAGE",
}


class Leftovers(Protocol):
    """What MLflow forgets in its database. ``sweep`` raises ``LeftoversError``."""

    def sweep(self) -> None:
        """Delete links whose two ends are gone."""
        ...


class MlflowProvider:
    """Owns TRACKING. Workspace and identity have the sandbox's id as their name.

    Args:
        artifacts: Where the server keeps artifacts; a workspace's own are deleted
            there, because MLflow deletes rows only.
        leftovers: Deletes the links between deleted things that MLflow forgets;
            ``None`` where its database is out of reach, and they stay until ``mlflow gc``.
        experiment: The experiment that is there from the start.
    """

    stage = Stage.TRACKING

    def __init__(
        self,
        *,
        endpoint: str,
        client: TrackingClient,
        grants: Grants,
        artifacts: Artifacts,
        leftovers: Leftovers | None,
        experiment: str,
    ) -> None:
        self._endpoint, self._client, self._experiment = endpoint, client, experiment
        self._grants, self._artifacts, self._leftovers = grants, artifacts, leftovers

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Look at workspace, identity, grant and artifacts; try the identity."""
        try:
            return await self._look(sandbox)
        except (TrackingError, ArtifactsError, OSError, StoreError) as error:
            return Observation(Seen.UNKNOWN, f"tracking: {error}")

    async def ensure(self, sandbox: Sandbox) -> None:
        """Create or correct all of it; a password that works stays."""
        name = sandbox.id
        try:
            granted = await self._grants.read(name, TRACKING) or {}
            password = str(granted.get("password") or secrets.token_urlsafe(32))
            await self._client.ensure_workspace(name, MARK)
            role = await self._client.ensure_role(name, ROLE, PERMITS)
            if not granted or not await self._works(name, password):
                await self._client.ensure_user(name, password)
            await self._client.assign(name, role)
            await self._client.ensure_experiment(
                self._experiment, workspace=name, auth=(name, password)
            )
            values = self._values(sandbox, password)
            await self._grants.write(name, TRACKING, values)
        except (TrackingError, ArtifactsError, OSError, StoreError) as error:
            raise ProviderError(Stage.TRACKING, str(error)) from error

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Take the grant first, so that the door closes even when MLflow is down."""
        try:
            await self._grants.remove(sandbox_id, TRACKING)
            await self._client.delete_user(sandbox_id)
        except (TrackingError, ArtifactsError, OSError, StoreError) as error:
            raise ProviderError(Stage.TRACKING, str(error)) from error

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Delete the identity, the workspace's rows and its artifacts, for good."""
        await self.revoke(sandbox_id)
        try:
            if await self._client.has_workspace(sandbox_id):
                await self._client.delete_roles(sandbox_id)
                await self._client.delete_workspace(sandbox_id)
            await asyncio.to_thread(self._delete_rest, sandbox_id)
        except (TrackingError, ArtifactsError, OSError, LeftoversError, StoreError) as error:
            raise ProviderError(Stage.TRACKING, str(error)) from error

    async def owned(self) -> frozenset[SandboxId]:
        """Return who has a workspace of ours, an identity, artifacts, or a grant."""
        try:
            marks = await self._client.workspaces()
            names = {name for name, mark in marks.items() if mark == MARK}
            names |= await self._client.users()
            held = await self._grants.holders(TRACKING)
            names |= await asyncio.to_thread(self._only_artifacts, names)
        except (TrackingError, ArtifactsError, OSError, StoreError) as error:
            raise ProviderError(Stage.TRACKING, str(error)) from error
        return frozenset(SandboxId(n) for n in names if is_sandbox_id(n)) | held

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _look(self, sandbox: Sandbox) -> Observation:
        name = sandbox.id
        workspace = await self._client.has_workspace(name)
        identity = await self._client.has_user(name)
        granted = await self._grants.read(name, TRACKING)
        artifacts = await asyncio.to_thread(self._artifacts.has, name)
        needed = (
            Fact("workspace", name, workspace),
            Fact("identity", name, identity),
            Fact("grant", TRACKING, granted is not None),
        )
        facts = (*needed, Fact("artifacts", name, artifacts))
        if not any(fact.is_present for fact in facts):
            return Observation(Seen.ABSENT, "", facts)
        if sandbox.suspension is not None and (identity or granted is not None):
            # What still opens anything is not called revoked, whatever else is missing.
            return Observation(Seen.DUE, "to be revoked", facts)
        missing = [fact.kind for fact in needed if not fact.is_present]
        if missing or granted is None:
            return Observation(Seen.REVOKED, f"missing: {', '.join(missing)}", facts)
        password = str(granted.get("password"))
        if not await self._works(name, password):
            return Observation(Seen.REVOKED, "the identity does not see its experiment", facts)
        if granted != self._values(sandbox, password):
            return Observation(Seen.DUE, "the grant changed", facts)
        return Observation(Seen.READY, "", facts)

    async def _works(self, name: str, password: str) -> bool:
        auth = (name, password)
        found = await self._client.experiment(self._experiment, workspace=name, auth=auth)
        return found is not None

    def _values(self, sandbox: Sandbox, password: str) -> dict[str, object]:
        return {
            "endpoint": self._endpoint,
            "username": sandbox.id,
            "password": password,
            "workspace": sandbox.id,
            "experiment": self._experiment,
            "expires_at": sandbox.spec.expires_at.astimezone(UTC).isoformat(),
        }

    def _only_artifacts(self, known: set[str]) -> set[str]:
        unknown = self._artifacts.workspaces() - known
        return {name for name in unknown if is_sandbox_id(name) and self._artifacts.has(name)}

    def _delete_rest(self, name: str) -> None:
        self._artifacts.delete(name)
        if self._leftovers is not None:
            self._leftovers.sweep()
