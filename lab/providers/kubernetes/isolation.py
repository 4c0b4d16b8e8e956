"""Stage ISOLATION on a cluster: a namespace, closed on all sides, with its quota."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lab import grants
from lab.domain.errors import ProviderError
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.providers.kubernetes import names, objects, slots
from lab.providers.kubernetes.comparing import stamp_of
from lab.providers.kubernetes.failures import ClusterError, told_by
from lab.providers.kubernetes.resources import (
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    ROLE_BINDING,
)
from lab.providers.kubernetes.waiting import going

if TYPE_CHECKING:
    from lab.domain.sandbox import Sandbox
    from lab.providers.kubernetes.cache import Entry
    from lab.providers.kubernetes.resources import Resource
    from lab.providers.kubernetes.session import Session

_WORDS = {
    NETWORK_POLICY: "network policy",
    RESOURCE_QUOTA: "resource quota",
    LIMIT_RANGE: "limit range",
    ROLE_BINDING: "role binding",
}


class NamespaceProvider:
    """Owns ISOLATION on a cluster.

    The order of its writes is a safety rule: the namespace, then the policy that closes
    it, quota and limits, and only then the hub's right to put anything in it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def stage(self) -> Stage:
        """ISOLATION."""
        return Stage.ISOLATION

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Say what the watches know; ask nothing."""
        try:
            await self._session.ready()
            return self._look(sandbox)
        except Exception as error:
            return Observation(Seen.UNKNOWN, f"kubernetes: {error}")

    async def ensure(self, sandbox: Sandbox) -> None:
        """Make what is missing, put back what another hand changed.

        Raises:
            TerminalProviderError: The name is taken, or we lack a right.
            ProviderError: The API server failed, or the last namespace is still going.
        """
        with told_by(self.stage):
            await self._session.ready()
            async with slots.held(self._session, sandbox.id) as slot:
                _, is_new = await self._session.put(
                    NAMESPACE, objects.namespace(self._session.lab, sandbox, slot)
                )
            closing, opening = self._parts(sandbox)
            await asyncio.gather(
                *(self._session.put(kind, part, is_fresh=is_new) for kind, part in closing)
            )
            for kind, part in opening:
                await self._session.put(kind, part, is_fresh=is_new)

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Take the hub's right to make anything in the namespace; keep what is there.

        Raises:
            ProviderError: The API server failed.
        """
        with told_by(self.stage):
            await self._session.ready()
            await self._session.drop(ROLE_BINDING, sandbox_id, names.HUB_RIGHTS, sandbox_id)

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Begin to delete the namespace with all that is in it.

        Raises:
            ProviderError: The API server failed.
        """
        with told_by(self.stage):
            await self._session.drop(NAMESPACE, "", sandbox_id, sandbox_id)

    async def owned(self) -> frozenset[SandboxId]:
        """Return the sandboxes that have a namespace with this lab's label.

        Raises:
            ProviderError: We could not look.
        """
        try:
            await self._session.ready()
        except ClusterError as error:
            raise ProviderError(self.stage, str(error)) from error
        return frozenset(
            SandboxId(name)
            for (_, name), entry in self._session.shelves[NAMESPACE].items()
            if entry.sandbox_id == name and grants.is_sandbox_id(name)
        )

    async def aclose(self) -> None:
        """Let go of the session."""
        await self._session.aclose()

    def _parts(
        self, sandbox: Sandbox
    ) -> tuple[list[tuple[Resource, dict[str, Any]]], list[tuple[Resource, dict[str, Any]]]]:
        """Return what closes the namespace, and what lets anybody in."""
        lab = self._session.lab
        closing = [
            (NETWORK_POLICY, objects.closed(lab, sandbox.id)),
            (RESOURCE_QUOTA, objects.resource_quota(lab, sandbox)),
            (LIMIT_RANGE, objects.limit_range(lab, sandbox)),
        ]
        return closing, [(ROLE_BINDING, objects.hub_rights(lab, sandbox.id))]

    def _look(self, sandbox: Sandbox) -> Observation:
        place = self._session.place(sandbox.id)
        closing, opening = self._parts(sandbox)
        parts = [*closing, *opening]
        known = {
            kind: self._session.known(kind, sandbox.id, part["metadata"]["name"])
            for kind, part in parts
        }
        facts = (
            Fact("namespace", sandbox.id, place is not None),
            *(
                Fact(_WORDS[kind], part["metadata"]["name"], known[kind] is not None)
                for kind, part in parts
            ),
            # A claim cannot outlive its namespace; what its volume does is its class's matter.
            *(Fact("home", names.home(m), place is not None) for m in sandbox.spec.members),
        )
        if place is None:
            return Observation(Seen.ABSENT, "", facts)
        if place.is_going:
            return Observation(Seen.CONVERGING, going(place.waits), facts)
        wrong = [
            f"{_WORDS[kind]} {part['metadata']['name']}"
            for kind, part in parts
            if not _is_whole(known[kind], part)
        ]
        wrong += self._wrong_with(sandbox, place)
        if wrong:
            # Not ABSENT, because something is left to remove: the planner makes it whole.
            return Observation(Seen.REVOKED, f"not as it should be: {', '.join(wrong)}", facts)
        quota = known[RESOURCE_QUOTA]
        if quota is None or not quota.note:
            return Observation(Seen.CONVERGING, "the cluster has not counted the quota yet", facts)
        return Observation(Seen.READY, "", facts)

    def _wrong_with(self, sandbox: Sandbox, place: Entry) -> list[str]:
        slot = slots.slot_of(self._session, sandbox.id)
        if slot is None:
            return ["the gateway's slot"]
        wanted = objects.namespace(self._session.lab, sandbox, slot)
        return [] if _is_whole(place, wanted) else [f"namespace {sandbox.id}"]


def _is_whole(known: Entry | None, wanted: dict[str, Any]) -> bool:
    return (
        known is not None
        and not known.is_going
        and known.fingerprint == known.stamp == stamp_of(wanted)
    )
