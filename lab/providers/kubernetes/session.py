"""One lab at one API server: its client, what it knows, and how it writes.

The stages of all sandboxes share one session. Its watches start with the first use and
run until ``aclose``; what they know answers every look, so that looking costs the API
server nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lab.domain.ids import SandboxId
from lab.providers.kubernetes import names, resources
from lab.providers.kubernetes.apply import Applier
from lab.providers.kubernetes.cache import Shelf
from lab.providers.kubernetes.failures import ClusterError, RefusedError, UnreachableError
from lab.providers.kubernetes.wanted import WantedObjects
from lab.providers.kubernetes.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lab.providers.kubernetes.apply import ForeignEdit
    from lab.providers.kubernetes.cache import Entry
    from lab.providers.kubernetes.client import Client
    from lab.providers.kubernetes.objects import Lab
    from lab.providers.kubernetes.resources import Resource

WATCHED = (
    resources.NAMESPACE,
    resources.NETWORK_POLICY,
    resources.RESOURCE_QUOTA,
    resources.LIMIT_RANGE,
    resources.ROLE_BINDING,
    resources.SERVICE,
    resources.JOB,
)
_SYNC_S = 10.0
_HUB_S = 30.0


class Session:
    """What one lab has on a cluster.

    Args:
        client: Who we are there.
        lab: What the objects of all sandboxes have in common.
        hub_service: Name of the hub's Service in the lab's namespace.
        on_foreign_edit: Told of each edit by another hand that was put back.
    """

    def __init__(
        self,
        *,
        client: Client,
        lab: Lab,
        hub_service: str = "hub",
        on_foreign_edit: Callable[[ForeignEdit], Awaitable[None]] | None = None,
    ) -> None:
        self.client, self.lab = client, lab
        self.shelves = {resource: Shelf(resource) for resource in WATCHED}
        self.wanted = WantedObjects(lab)
        self.choosing = asyncio.Lock()
        self.promised: dict[SandboxId, int] = {}
        self._applier = Applier(client, lab=lab.namespace, on_foreign_edit=on_foreign_edit)
        self._hub_service = hub_service
        self._hub: tuple[str, float] = ("", 0.0)
        self._listeners: list[Callable[[SandboxId], None]] = []
        self._watches: list[Watch] = []
        self._tasks: list[asyncio.Task[None]] = []

    def subscribe(self, wake: Callable[[SandboxId], None]) -> None:
        """Have ``wake`` called with each sandbox of which anything changed on the cluster."""
        self._listeners.append(wake)

    def tell(self, sandbox_id: SandboxId) -> None:
        """Have a sandbox looked at: something it waits for changed."""
        for wake in self._listeners:
            wake(sandbox_id)

    async def ready(self) -> None:
        """Return once what is known may be believed.

        Raises:
            UnreachableError: It may not: the API server does not answer.
            RefusedError: It may not: we lack a right, or have no way to the API server.
        """
        self._start()
        if all(watch.is_fresh for watch in self._watches):
            return
        try:
            async with asyncio.timeout(_SYNC_S):
                await asyncio.gather(*(watch.settled() for watch in self._watches))
        except TimeoutError:
            raise self._trouble() from None
        if not all(watch.is_fresh for watch in self._watches):
            raise self._trouble()

    async def aclose(self) -> None:
        """Stop listening, and let go of every connection."""
        tasks, self._tasks, self._watches = self._tasks, [], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.client.aclose()

    def known(self, resource: Resource, namespace: str, name: str) -> Entry | None:
        """Return what is known of one object; None where there is none."""
        return self.shelves[resource].get(namespace, name)

    def place(self, sandbox_id: SandboxId) -> Entry | None:
        """Return what is known of a sandbox's namespace."""
        return self.known(resources.NAMESPACE, "", sandbox_id)

    async def put(
        self, resource: Resource, wanted: Mapping[str, Any], *, is_fresh: bool = False
    ) -> tuple[Entry, bool]:
        """Make one object as compiled; see ``Applier.put``."""
        return await self._applier.put(resource, self.shelves[resource], wanted, is_fresh=is_fresh)

    async def drop(
        self, resource: Resource, namespace: str, name: str, sandbox_id: SandboxId
    ) -> bool:
        """Delete one object of ours; see ``Applier.drop``."""
        shelf = self.shelves[resource]
        return await self._applier.drop(resource, shelf, namespace, name, sandbox_id)

    async def hub_address(self) -> str:
        """Return the hub's cluster address.

        Raises:
            ClusterError: There is no hub, or we could not look.
        """
        address, until = self._hub
        now = asyncio.get_running_loop().time()
        if now < until:
            return address
        name = self._hub_service
        found = await self.client.get(resources.SERVICE, name, self.lab.namespace)
        address = str(((found or {}).get("spec") or {}).get("clusterIP", ""))
        if not address or address == "None":
            raise ClusterError(f"services/{name}: the hub has no address")
        self._hub = address, now + _HUB_S
        return address

    def _start(self) -> None:
        if self._tasks:
            return
        selector = names.selector(self.lab.namespace)
        for resource, shelf in self.shelves.items():
            watch = Watch(
                self.client,
                shelf,
                namespace=self.lab.namespace if resource is resources.SERVICE else None,
                selector=selector,
                changed=self._changed,
            )
            self._watches.append(watch)
            self._tasks.append(asyncio.create_task(watch.run(), name=f"watch {resource.plural}"))

    def _changed(self, sandbox_id: str) -> None:
        if not sandbox_id:
            return
        if self.shelves[resources.NAMESPACE].get("", sandbox_id) is None:
            for shelf in self.shelves.values():
                shelf.forget_lost(sandbox_id)
        self.tell(SandboxId(sandbox_id))

    def _trouble(self) -> ClusterError:
        """Say why nothing may be believed; a refusal, which will not pass, comes first."""
        told = [watch.trouble for watch in self._watches if watch.trouble is not None]
        told.sort(key=lambda trouble: not isinstance(trouble, RefusedError))
        if not told:
            return UnreachableError("the API server has not answered yet")
        family = RefusedError if isinstance(told[0], RefusedError) else UnreachableError
        return family(str(told[0]))
