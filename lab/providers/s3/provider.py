"""Stage DATA on any S3: a bucket, one credential, and the granted data sets."""

from __future__ import annotations

import secrets
from datetime import UTC
from typing import TYPE_CHECKING

from lab.domain.errors import ProviderError, StoreError
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.grants import STORAGE, is_sandbox_id
from lab.providers.s3 import objects, policy
from lab.providers.s3.admin import AdminError
from lab.providers.s3.objects import ObjectsError

if TYPE_CHECKING:
    from minio import Minio

    from lab.domain.sandbox import Sandbox
    from lab.grants import Grants
    from lab.providers.s3.admin import StoreAdmin
    from lab.providers.s3.datasets import DatasetStorage
    from lab.providers.s3.objects import Objects


class S3Provider:
    """Owns DATA.

    A sandbox's own bucket and identity have its id as their name. Its real
    credential is written in the grants folder only; what the sandbox gets is a
    pair of values that mean something at its own door and nowhere else.

    Its own bucket keeps no versions: what a person deletes is gone, and a
    notebook that writes the same file again does not use up the sandbox's room.
    """

    stage = Stage.DATA

    def __init__(
        self,
        *,
        endpoint: str,
        region: str,
        data_bucket: str,
        grants: Grants,
        objects: Objects,
        admin: StoreAdmin,
        datasets: DatasetStorage,
        encrypts: bool = False,
    ) -> None:
        self._encrypts = encrypts
        self._endpoint, self._region, self._data_bucket = endpoint, region, data_bucket
        self._grants, self._objects, self._admin, self._datasets = (
            grants,
            objects,
            admin,
            datasets,
        )

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Look at bucket, identity, key, grant and copies of the data sets."""
        try:
            return await self._look(sandbox)
        except (ObjectsError, AdminError, OSError, StoreError) as error:
            return Observation(Seen.UNKNOWN, f"storage: {error}")

    async def ensure(self, sandbox: Sandbox) -> None:
        """Create or correct all of it; a key that is known and good stays."""
        for ref in sandbox.spec.datasets:
            await self._datasets.prepare(ref)
        try:
            await self._objects.call(
                lambda client: objects.make_bucket(
                    client, sandbox.id, sandbox.id, encrypts=self._encrypts
                )
            )
            size_bytes = sandbox.spec.resources.storage_bytes
            if not await self._admin.has_limit(sandbox.id, size_bytes):
                await self._admin.limit_bucket(sandbox.id, size_bytes)
            if not await self._admin.has_identity(sandbox.id, self._policy(sandbox)):
                await self._admin.ensure_identity(sandbox.id, self._policy(sandbox))
            await self._grant(sandbox)
        except (ObjectsError, AdminError, OSError, StoreError) as error:
            raise ProviderError(Stage.DATA, str(error)) from error

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Take the grant first, so that the door closes even when the store is down."""
        try:
            await self._grants.remove(sandbox_id, STORAGE)
            await self._admin.delete_identity(sandbox_id)
        except (AdminError, OSError, StoreError) as error:
            raise ProviderError(Stage.DATA, str(error)) from error

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Delete the credential, every object and the bucket. Shared copies stay."""
        await self.revoke(sandbox_id)
        try:
            await self._objects.call(lambda client: objects.remove_bucket(client, sandbox_id))
        except ObjectsError as error:
            raise ProviderError(Stage.DATA, str(error)) from error

    async def owned(self) -> frozenset[SandboxId]:
        """Return who has a labelled bucket, an identity of ours, or a grant."""
        try:
            buckets = await self._objects.call(_labelled)
            ours = await self._admin.owned(is_sandbox_id)
            held = await self._grants.holders(STORAGE)
        except (ObjectsError, AdminError, OSError, StoreError) as error:
            raise ProviderError(Stage.DATA, str(error)) from error
        return frozenset(SandboxId(name) for name in ours | buckets) | held

    async def aclose(self) -> None:
        """Close connections."""
        await self._admin.aclose()

    async def _look(self, sandbox: Sandbox) -> Observation:
        name = sandbox.id
        bucket = await self._objects.call(lambda client: client.bucket_exists(name))
        identity = await self._admin.exists(name)
        keys = await self._admin.keys_of(name) if identity else frozenset()
        granted = await self._grants.read(name, STORAGE)
        facts = (
            Fact("bucket", name, bucket),
            Fact("identity", name, identity),
            Fact("access key", name, bool(keys)),
            Fact("grant", STORAGE, granted is not None),
        )
        if not any(fact.is_present for fact in facts):
            return Observation(Seen.ABSENT, "", facts)
        if sandbox.suspension is not None and (keys or identity or granted is not None):
            # What still opens anything is not called revoked, whatever else is missing.
            return Observation(Seen.DUE, "to be revoked", facts)
        missing = [fact.kind for fact in facts if not fact.is_present]
        missing += [str(r) for r in sandbox.spec.datasets if not self._datasets.is_ready(r)]
        if missing or granted is None or keys != {granted.get("access_key")}:
            # Without a grant whose key is good the door lets nothing through.
            return Observation(Seen.REVOKED, f"missing: {', '.join(missing) or 'key'}", facts)
        due = await self._due(sandbox, granted)
        return Observation(Seen.DUE if due else Seen.READY, due, facts)

    async def _due(self, sandbox: Sandbox, granted: dict[str, object]) -> str:
        """Say what of it is to be renewed; nothing where it is as it should be."""
        if not await self._admin.has_identity(sandbox.id, self._policy(sandbox)):
            return "the policy changed"
        if granted != self._values(sandbox, granted):
            return "the grant changed"
        if not await self._admin.has_limit(sandbox.id, sandbox.spec.resources.storage_bytes):
            return "the bucket's limit changed"
        return ""

    async def _grant(self, sandbox: Sandbox) -> None:
        """Leave exactly one key, the one in the grant."""
        granted = await self._grants.read(sandbox.id, STORAGE) or {}
        keys = await self._admin.keys_of(sandbox.id)
        for access_key in keys - {granted.get("access_key", "")}:
            await self._admin.delete_key(sandbox.id, access_key)
        expires_at = sandbox.spec.expires_at
        if granted.get("access_key") not in keys:
            key = await self._admin.create_key(sandbox.id, expires_at)
            granted |= {"access_key": key.access_key, "secret_key": key.secret_key}
        elif granted.get("expires_at") != expires_at.astimezone(UTC).isoformat():
            # Before the grant says so: a crash between the two leaves it to be done again.
            await self._admin.limit_key(sandbox.id, granted["access_key"], expires_at)
        granted.setdefault("door_access_key", "DOOR" + secrets.token_hex(8).upper())
        granted.setdefault("door_secret_key", secrets.token_urlsafe(30))
        values = self._values(sandbox, granted)
        await self._grants.write(sandbox.id, STORAGE, values)

    def _values(self, sandbox: Sandbox, granted: dict[str, object]) -> dict[str, object]:
        secret = ("access_key", "secret_key", "door_access_key", "door_secret_key")
        return {
            **{name: granted.get(name) for name in secret},
            "endpoint": self._endpoint,
            "region": self._region,
            "bucket": sandbox.id,
            "read_bucket": self._data_bucket,
            "read_prefixes": _prefixes(sandbox, self._data_bucket),
            "expires_at": sandbox.spec.expires_at.astimezone(UTC).isoformat(),
        }

    def _policy(self, sandbox: Sandbox) -> str:
        prefixes = [f"{r.dataset_id}/v{r.version}/" for r in sandbox.spec.datasets]
        return policy.document(
            bucket=sandbox.id, read_bucket=self._data_bucket, read_prefixes=prefixes
        )


def _prefixes(sandbox: Sandbox, bucket: str) -> list[str]:
    return [f"{bucket}/{r.dataset_id}/v{r.version}/" for r in sorted(sandbox.spec.datasets)]


def _labelled(client: Minio) -> set[str]:
    names = (bucket.name for bucket in client.list_buckets())
    return {n for n in names if is_sandbox_id(n) and objects.owner_of(client, n) == n}
