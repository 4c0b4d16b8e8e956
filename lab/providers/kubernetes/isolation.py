"""Stage ISOLATION on a cluster: a namespace, closed on all sides, with its quota."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab import grants
from lab.domain.errors import ProviderError
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.domain.waits import Waiting, WaitsFor
from lab.providers.kubernetes import names, objects, slots
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
    from lab.providers.kubernetes.session import Session


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
            lab, put = self._session.lab, self._session.put
            async with slots.held(self._session, sandbox.id) as slot:
                _, is_new = await put(NAMESPACE, objects.namespace(lab, sandbox, slot))
            closing = (
                (NETWORK_POLICY, objects.closed(lab, sandbox.id)),
                (RESOURCE_QUOTA, objects.resource_quota(lab, sandbox)),
                (LIMIT_RANGE, objects.limit_range(lab, sandbox)),
            )
            await asyncio.gather(*(put(kind, part, is_fresh=is_new) for kind, part in closing))
            await put(ROLE_BINDING, objects.hub_rights(lab, sandbox.id), is_fresh=is_new)

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

    def _look(self, sandbox: Sandbox) -> Observation:
        session = self._session
        place = session.place(sandbox.id)
        parts = session.wanted.parts(sandbox)
        known = {part: session.known(part.resource, part.namespace, part.name) for part in parts}
        facts = (
            Fact("namespace", sandbox.id, place is not None),
            *(Fact(part.word, part.name, known[part] is not None) for part in parts),
            # A claim cannot outlive its namespace; what its volume does is its class's matter.
            *(Fact("home", names.home(m), place is not None) for m in sandbox.spec.members),
        )
        if place is None:
            return Observation(Seen.ABSENT, "", facts)
        if place.is_going:
            return Observation(Seen.CONVERGING, going(place.waits), facts)
        slot = slots.slot_of(session, sandbox.id)
        wrong = [f"{part.word} {part.name}" for part in parts if not part.stands(known[part])]
        if slot is None:
            wrong.append("the gateway's slot")
        elif not session.wanted.place(sandbox, slot).stands(place):
            wrong.append(f"namespace {sandbox.id}")
        if wrong:
            # Not ABSENT, because something is left to remove: the planner makes it whole.
            return Observation(Seen.REVOKED, f"not as it should be: {', '.join(wrong)}", facts)
        quota = session.known(RESOURCE_QUOTA, sandbox.id, names.QUOTA)
        if quota is None or not quota.note:
            return Observation(Seen.CONVERGING, str(Waiting(WaitsFor.QUOTA)), facts)
        return Observation(Seen.READY, "", facts)
