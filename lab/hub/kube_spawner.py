"""The spawner on a cluster: one notebook pod in a sandbox's own namespace."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from kubespawner import KubeSpawner
from traitlets import Instance

from lab.hub import notebook, orders, pod_state
from lab.hub.cluster_api import ClusterApi, ClusterRefusalError
from lab.hub.config import HubConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

POD_NAME = "carnet-{member}"
CLAIM_NAME = "home-{member}"

LOOK_SECONDS = 0.5
NODE_GONE_SECONDS = 30
"""Beyond its own grace, a pod that does not end is on a node that does not answer."""
MARGIN_SECONDS = 5
"""We give up, with a reason in French, before the hub does without one."""


class KubernetesSandboxSpawner(KubeSpawner):  # type: ignore[misc]  # it ships no types
    """Posts the pod that the control plane compiled, and nothing that a user chose.

    The user's name is the member's id and the server's name the sandbox's id, which is
    the namespace. KubeSpawner's cache of pods is not used: it keeps two watches for each
    namespace, which ask more of an API server than one read each time the hub wants to
    know, and stops for good after an outage (docs/decisions/0011).
    """

    lab = Instance(HubConfig, config=True, help="What the hub was told at its start.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.port = notebook.INSIDE_PORT
        self.hub_connect_url = self.lab.pods_hub_url
        self.events_enabled = False
        self._name_after_ids()
        self._cluster = ClusterApi(self.api)
        self._said: list[tuple[int, str]] = []
        self._spoke = asyncio.Event()

    @property
    def sandbox_id(self) -> str:
        """Which sandbox: the server's name, as it is."""
        return str(self.name)

    @property
    def member_id(self) -> str:
        """Whose server: the user's name, as it is."""
        return str(self.user.name)

    def get_state(self) -> dict[str, Any]:
        """Keep nothing: every name follows from the two ids."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Ignore what was kept."""
        del state
        self._name_after_ids()

    def clear_state(self) -> None:
        """Forget nothing that the ids do not give back."""
        super().clear_state()
        self._name_after_ids()

    def _name_after_ids(self) -> None:
        self.namespace = self.sandbox_id
        self.pod_name = POD_NAME.format(member=self.member_id)
        self.pvc_name = CLAIM_NAME.format(member=self.member_id)

    async def _start(self) -> str:
        """Start the server; return where the hub and the front reach it."""
        if not self.sandbox_id:
            raise orders.LaunchRefusedError("Ouvrez un bac à sable à partir du portail.")
        self._said.clear()
        self._say(10, "Demande de l’ordre de démarrage au plan de contrôle")
        order = await orders.fetch(
            self.lab.control_plane_url,
            self.lab.secret("hub-api-token"),
            sandbox=self.sandbox_id,
            member=self.member_id,
            kind=orders.PodOrder,
        )
        self._check(order)
        deadline = time.monotonic() + self.start_timeout - MARGIN_SECONDS
        try:
            self._say(20, "Préparation de votre dossier et de votre pod")
            await self._post(order, deadline)
            return await self._wait_until_up(deadline)
        except BaseException:
            # Nothing half started may go on running beside a server that "is stopped".
            await asyncio.shield(self._clean_up())
            raise

    def _check(self, order: orders.PodOrder) -> None:
        """An order for another place than this server's own is no order."""
        for body, name in ((order.pod, self.pod_name), (order.claim, self.pvc_name)):
            found = body.get("metadata", {})
            if (found.get("namespace"), found.get("name")) != (self.namespace, name):
                raise orders.LaunchRefusedError(
                    "L’ordre de démarrage est pour un autre bac à sable."
                )

    def compiled(self, order: orders.PodOrder) -> dict[str, Any]:
        """Return the pod of an order with the hub's own environment and arguments."""
        spec = order.pod["spec"]
        main = next(c for c in spec["containers"] if c["name"] == pod_state.MAIN)
        plain = {e["name"]: e["value"] for e in main.get("env", ()) if "value" in e}
        others = [e for e in main.get("env", ()) if "value" not in e]
        env = notebook.environment(
            {key: str(value) for key, value in self.get_env().items()},
            plain,
            token=str(self.api_token),
            hub_url=self.lab.pods_hub_url,
            idle_seconds=self.lab.idle_seconds,
        )
        args = notebook.arguments(
            notebook.first_page(order.template, order.entry),
            sign_in_seconds=self.lab.oauth_refresh_seconds,
        )
        ours = main | {"env": _as_list(env) + others, "args": list(args)}
        containers = [ours if c is main else c for c in spec["containers"]]
        return order.pod | {"spec": spec | {"containers": containers}}

    async def _post(self, order: orders.PodOrder, deadline: float) -> None:
        """Make the home and the pod; what an earlier hub left of this name ends first."""
        pod = self.compiled(order)
        while True:
            try:
                # Looked for first: while it ends it still counts in the quota, and that
                # would be what the API server says, not that the name is taken.
                if await self._cluster.pod(self.namespace, self.pod_name) is not None:
                    self._say(25, "Le carnet précédent se termine")
                    await self._delete(grace_seconds=None)
                await self._cluster.create_claim(self.namespace, order.claim)
                await self._cluster.create_pod(self.namespace, pod)
            except ClusterRefusalError as refusal:
                if refusal.status == 409:  # noqa: PLR2004 - HTTP: another came in between
                    continue
                if not refusal.may_pass or time.monotonic() > deadline:
                    raise _refused(refusal) from refusal
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return

    async def _wait_until_up(self, deadline: float) -> str:
        troubled_since: float | None = None
        while True:
            pod, events = await self._look()
            now = time.monotonic()
            if pod is not None and pod_state.is_up(pod):
                self._say(*pod_state.step(pod, ()))
                return f"http://{pod_state.host_of(pod)}:{self.port}"
            trouble = self._trouble(pod, events)
            troubled_since = (troubled_since or now) if trouble else None
            waited = now - troubled_since if troubled_since else 0.0
            if trouble and (trouble.is_final or waited > self.lab.patience_seconds):
                raise orders.LaunchRefusedError(trouble.sentence)
            if now > deadline:
                said = trouble.sentence if trouble else "Le carnet met trop de temps à démarrer."
                raise orders.LaunchRefusedError(said)
            await asyncio.sleep(LOOK_SECONDS)

    def _trouble(
        self, pod: dict[str, Any] | None, events: list[dict[str, Any]] | None
    ) -> pod_state.Trouble | None:
        if events is None:
            return pod_state.Trouble("La grappe ne répond pas en ce moment.", is_final=False)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return pod_state.Trouble(
                "Le carnet a été retiré de la grappe pendant son démarrage.", is_final=True
            )
        found = pod_state.trouble(pod, events)
        percent, message = pod_state.step(pod, events)
        self._say(percent, found.sentence if found else message)
        return found

    async def _look(self) -> tuple[dict[str, Any] | None, list[dict[str, Any]] | None]:
        """Return the pod and its events; no events at all where the cluster did not answer."""
        try:
            pod = await self._cluster.pod(self.namespace, self.pod_name)
            names = frozenset({self.pod_name, self.pvc_name})
            events = await self._cluster.events(self.namespace, names)
        except ClusterRefusalError as refusal:
            if refusal.may_pass:
                return None, None
            raise _refused(refusal) from refusal
        mine = {(pod or {}).get("metadata", {}).get("uid"), None}
        return pod, [
            e
            for e in events
            if e["involvedObject"].get("kind") != "Pod" or e["involvedObject"].get("uid") in mine
        ]

    async def poll(self) -> int | None:
        """Return ``None`` while it runs, its exit code once it does not.

        A cluster that does not answer changes nothing: what runs goes on running.
        """
        if not self.sandbox_id:
            return 0
        try:
            pod = await self._cluster.pod(self.namespace, self.pod_name)
        except ClusterRefusalError as refusal:
            self.log.warning("The cluster does not tell of %s: %s", self._log_name, refusal)
            return None
        code = pod_state.exit_code(pod)
        if code is not None and pod is not None:
            self.log.info("%s: %s", self._log_name, pod_state.end_of(pod))
            await self._clean_up()
        return code

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 - the hub's signature
        """End the pod, and return once it is gone. The home stays."""
        try:
            await self._delete(grace_seconds=0 if now else None)
        except ClusterRefusalError as refusal:
            if refusal.may_pass:
                raise
            # The namespace went, and our rights with it: nothing of ours can run there.
            self.log.warning("Nothing to stop for %s: %s", self._log_name, refusal)

    async def _delete(self, *, grace_seconds: int | None) -> None:
        await self._cluster.delete_pod(self.namespace, self.pod_name, grace_seconds=grace_seconds)
        forced_at: float | None = None
        while True:
            pod = await self._cluster.pod(self.namespace, self.pod_name)
            if pod is None:
                return
            if forced_at is None:
                grace = pod["metadata"].get("deletionGracePeriodSeconds") or 0
                forced_at = time.monotonic() + grace + NODE_GONE_SECONDS
            if time.monotonic() > forced_at:
                await self._cluster.delete_pod(self.namespace, self.pod_name, grace_seconds=0)
            await asyncio.sleep(LOOK_SECONDS)

    async def _clean_up(self) -> None:
        """Delete the pod without waiting; who starts the next one waits."""
        try:
            await self._cluster.delete_pod(self.namespace, self.pod_name, grace_seconds=None)
        except ClusterRefusalError as refusal:
            self.log.warning("%s was left on the cluster: %s", self._log_name, refusal)

    async def get_url(self) -> str:
        """Where it is, from the cluster: right even if the hub died while it started."""
        stored = str(self.server.url) if self.server else ""
        try:
            pod = await self._cluster.pod(self.namespace, self.pod_name)
        except ClusterRefusalError:
            return stored
        if pod is None or not pod_state.is_up(pod):
            return stored
        return f"http://{pod_state.host_of(pod)}:{self.port}{self.server.base_url}"

    def _say(self, percent: int, message: str) -> None:
        if not self._said or self._said[-1] != (percent, message):
            self._said.append((percent, message))
            self._spoke.set()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Say in French what is being done, until the start ends."""
        shown = 0
        while True:
            for percent, message in self._said[shown:]:
                shown += 1
                yield {"progress": percent, "message": message}
            if self._start_future is not None and self._start_future.done():
                return
            self._spoke.clear()
            waits = [asyncio.ensure_future(self._spoke.wait())]
            if self._start_future is not None:
                waits.append(self._start_future)
            await asyncio.wait(waits, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            waits[0].cancel()


def _as_list(env: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in env.items()]


def _refused(refusal: ClusterRefusalError) -> orders.LaunchRefusedError:
    trouble = pod_state.refusal(refusal.status, refusal.message)
    return orders.LaunchRefusedError(trouble.sentence)
