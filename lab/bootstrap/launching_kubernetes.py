"""Describes how a notebook server of a sandbox on a cluster is started: its whole pod.

The control plane speaks to no cluster here. Everything comes from the sandbox's row,
its grants, the settings and the catalogue; the hub posts what this compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.bootstrap import notebook_environment
from lab.domain.egress import DOOR_PORTS, Door
from lab.domain.errors import ProviderError
from lab.domain.sandbox import Stage
from lab.grants import DOORS, STORAGE
from lab.providers.kubernetes import names, pods, quota

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.ids import MemberId
    from lab.domain.sandbox import Sandbox
    from lab.grants import Grants
    from lab.ports import CatalogueSource, Store
    from lab.settings import Settings

STORAGE_URL = f"http://{names.STORAGE_HOST}:{DOOR_PORTS[Door.STORAGE]}"
TRACKING_URL = f"http://{names.TRACKING_HOST}:{DOOR_PORTS[Door.TRACKING]}"


class KubernetesLauncher:
    """Compiles the pod and the home's claim of one member."""

    def __init__(
        self, *, settings: Settings, catalogue: CatalogueSource, grants: Grants, store: Store
    ) -> None:
        self._cluster = settings.on_cluster
        self._catalogue, self._grants, self._store = catalogue, grants, store

    async def launch(self, sandbox: Sandbox, member_id: MemberId) -> Mapping[str, object]:
        """Return the launch order for one member's server, as JSON types.

        Raises:
            ProviderError: A grant or a data set is not there (any more).
        """
        spec, cluster = sandbox.spec, self._cluster
        addresses = await self._addresses(sandbox)
        # By the team that was granted it: who is out for a while comes back to the same share.
        people = max(len(spec.members), await self._team_size(sandbox))
        share = quota.share_of(spec.resources, people)
        template = self._catalogue.catalogue().templates[spec.template_id]
        pod = pods.notebook_pod(
            lab=cluster.namespace,
            sandbox_id=sandbox.id,
            member_id=member_id,
            image=cluster.images.notebook,
            resources=share,
            addresses=addresses,
            env=notebook_environment.variables(
                sandbox_id=sandbox.id,
                cpu_millicores=share.cpu_millicores,
                storage_url=STORAGE_URL,
                tracking_url=TRACKING_URL if Door.TRACKING.value in addresses.doors else "",
            ),
            datasets=await self._datasets(sandbox),
            template_id=spec.template_id,
            entry=template.entry,
            pull_secret=cluster.pull_secret,
        )
        claim = pods.home_claim(
            lab=cluster.namespace,
            sandbox_id=sandbox.id,
            member_id=member_id,
            storage_bytes=share.storage_bytes,
            storage_class=cluster.storage_class,
        )
        return {
            "sandbox_id": sandbox.id,
            "member_id": member_id,
            "template": spec.template_id,
            "entry": template.entry,
            "pod": pod,
            "claim": claim,
        }

    async def _addresses(self, sandbox: Sandbox) -> pods.Addresses:
        if await self._grants.read(sandbox.id, STORAGE) is None:
            raise ProviderError(Stage.DATA, "the storage grant is not there")
        granted = await self._grants.read(sandbox.id, DOORS)
        try:
            return pods.Addresses.from_grant(granted or {})
        except KeyError as error:
            raise ProviderError(Stage.CONTAINMENT, "the doors are not there") from error

    async def _team_size(self, sandbox: Sandbox) -> int:
        async with self._store.read() as tx:
            request = await tx.requests.get(sandbox.request_id)
        return len(request.team) if request is not None else 0

    async def _datasets(self, sandbox: Sandbox) -> list[dict[str, object]]:
        """Name each file with its size and digest: what is fetched is checked against our rows."""
        async with self._store.read() as tx:
            versions = {ref: await tx.datasets.version(ref) for ref in sandbox.spec.datasets}
        found: list[dict[str, object]] = []
        for ref, version in versions.items():
            if version is None:
                what = f"{ref.dataset_id} v{ref.version} is not published"
                raise ProviderError(Stage.DATA, what)
            files = [
                {"name": f.name, "size": f.size_bytes, "sha256": f.sha256} for f in version.files
            ]
            found.append({"id": ref.dataset_id, "version": ref.version, "files": files})
        return found
