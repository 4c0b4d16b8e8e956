"""Look at sandboxes, open their notebooks, ask for their deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import ConflictError, NotFoundError, NotReadyError, ProviderError
from lab.domain.member import Resource, Role, Target, Verb
from lab.domain.sandbox import SANDBOX_CHANGED, USABLE, Phase, Seen, Stage, phase
from lab.ports import Filter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.attempt import BlockedAttempt
    from lab.domain.certificate import DeletionCertificate
    from lab.domain.idleness import IdleRule
    from lab.domain.ids import MemberId, SandboxId
    from lab.domain.member import Member
    from lab.domain.sandbox import Sandbox, StageState
    from lab.ports import AttemptSource, Notebooks, Page, ServerState
    from lab.services.core import Core


@dataclass(frozen=True, slots=True)
class SandboxView:
    """A sandbox with what is known of it."""

    sandbox: Sandbox
    stages: Mapping[Stage, StageState]
    phase: Phase


def target(sandbox: Sandbox) -> Target:
    """Tell whose sandbox it is; its own people are its members."""
    return Target(Resource.SANDBOX, sandbox.spec.agency_id, frozenset(sandbox.spec.members))


def unchanged(sandbox: Sandbox, version: int | None) -> None:
    """Refuse whoever read an older version. Asked after access: a stranger learns no version.

    Raises:
        ConflictError: ``version`` is given and is not its.
    """
    if version is not None and version != sandbox.version:
        raise ConflictError("sandbox", sandbox.id, expected=version, found=sandbox.version)


def seen_of(stages: Mapping[Stage, StageState]) -> dict[Stage, Seen]:
    """Return what was last seen of every stage; never looked at is UNKNOWN."""
    return {stage: stages[stage].seen if stage in stages else Seen.UNKNOWN for stage in Stage}


class SandboxService:
    """What people can do with sandboxes.

    Args:
        idle: After how long without any use a notebook server ends.
    """

    def __init__(
        self, core: Core, *, notebooks: Notebooks, attempts: AttemptSource, idle: IdleRule
    ) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._notebooks, self._attempts, self._wake = notebooks, attempts, core.wake
        self._idle = idle

    async def get(self, actor: Member, sandbox_id: SandboxId) -> SandboxView:
        """Return one sandbox.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
        """
        view = await self._view(sandbox_id)
        self._journal.require(actor, Verb.READ, target(view.sandbox), sandbox_id)
        return view

    async def page(
        self, actor: Member, *, live_only: bool = False, after: str = "", limit: int = 50
    ) -> Page[Sandbox]:
        """Return those that the actor may see, newest first."""
        is_staff = bool(actor.roles & {Role.OPERATOR, Role.REVIEWER})
        sees_agency = is_staff or Role.REQUESTER in actor.roles
        which = Filter(
            agency_id=None if is_staff else actor.agency_id,
            person=None if sees_agency else actor.id,
            live_only=live_only,
            after=after,
            limit=limit,
        )
        people = frozenset({actor.id})
        asked = Target(Resource.SANDBOX, which.agency_id, people)
        self._journal.require(actor, Verb.LIST, asked)
        async with self._store.read() as tx:
            return await tx.sandboxes.page(which)

    async def phases(self, sandboxes: Sequence[Sandbox]) -> dict[SandboxId, Phase]:
        """Sum several sandboxes up, each in one word."""
        now = self._clock.now()
        async with self._store.read() as tx:
            return {
                s.id: phase(s, seen_of(await tx.sandboxes.stages(s.id)), now) for s in sandboxes
            }

    async def delete(
        self, actor: Member, sandbox_id: SandboxId, *, version: int | None = None
    ) -> SandboxView:
        """Ask for deletion and return at once; asking twice changes nothing.

        Raises:
            ForbiddenError: The actor may look at it and may not delete it.
            ConflictError: ``version`` is given and is not its.
        """
        async with (
            self._journal.refusals(actor, "sandbox.delete", resource_id=sandbox_id),
            self._store.begin() as tx,
        ):
            sandbox = await tx.sandboxes.get(sandbox_id)
            if sandbox is None:
                raise NotFoundError("sandbox", sandbox_id)
            self._journal.require(actor, Verb.DELETE, target(sandbox), sandbox_id)
            unchanged(sandbox, version)
            now = self._clock.now()
            marked = sandbox.with_deletion(now, "asked")
            if marked is not sandbox:
                await tx.sandboxes.put(marked)
                await self._journal.done(
                    tx,
                    actor=actor,
                    action="sandbox.delete",
                    resource_id=sandbox_id,
                    agency_id=sandbox.spec.agency_id,
                )
                await tx.outbox.add(SANDBOX_CHANGED, sandbox_id, now)
        self._wake()
        return await self._view(sandbox_id)

    async def open(self, actor: Member, sandbox_id: SandboxId) -> ServerState:
        """Start the actor's notebook, or find it running.

        Raises:
            NotReadyError: Not every stage is ready, or it is being taken down.
            ProviderError: The hub failed.
        """
        async with self._journal.refusals(actor, "sandbox.open", resource_id=sandbox_id):
            sandbox = await self.openable(actor, sandbox_id)
            state = await self._notebooks.start(actor.id, sandbox_id)
        async with self._store.begin() as tx:
            await self._journal.done(
                tx,
                actor=actor,
                action="sandbox.open",
                resource_id=sandbox_id,
                agency_id=sandbox.spec.agency_id,
            )
        return state

    async def openable(self, actor: Member, sandbox_id: SandboxId) -> Sandbox:
        """Return the sandbox if the actor may open a notebook in it now.

        Raises:
            NotReadyError: Not every stage is ready, or it is being taken down.
        """
        view = await self._view(sandbox_id)
        self._journal.require(actor, Verb.OPEN, target(view.sandbox), sandbox_id)
        if view.phase is not Phase.READY:
            raise NotReadyError("sandbox", sandbox_id, view.phase.value)
        return view.sandbox

    async def close(self, actor: Member, sandbox_id: SandboxId) -> None:
        """Stop the actor's own notebook server; files stay."""
        view = await self._view(sandbox_id)
        self._journal.require(actor, Verb.OPEN, target(view.sandbox), sandbox_id)
        await self._notebooks.stop(actor.id, sandbox_id)

    async def server(self, actor: Member, sandbox_id: SandboxId) -> ServerState:
        """Look at the actor's own notebook server.

        Raises:
            ProviderError: The hub failed.
        """
        view = await self._view(sandbox_id)
        self._journal.require(actor, Verb.OPEN, target(view.sandbox), sandbox_id)
        return await self._notebooks.state(actor.id, sandbox_id)

    def stops_at(self, server: ServerState) -> datetime | None:
        """Return when a server ends without any more use; nothing where that is not known."""
        return None if server.used_at is None else self._idle.stops_at(server.used_at)

    async def stops_soon(self, actor: Member, sandbox_id: SandboxId) -> datetime | None:
        """Return when the actor's own server ends for want of use, where that is soon.

        The hub is asked only where the person was told of an end that is still to come: it may
        be used again since.
        """
        now = self._clock.now()
        async with self._store.read() as tx:
            mine = await tx.notices.of(actor.id)
        told = [
            notice.due_at
            for notice in mine
            if notice.subject == sandbox_id and notice.due_at is not None and notice.due_at > now
        ]
        if not told:
            return None
        try:
            server = await self._notebooks.state(actor.id, sandbox_id)
        except ProviderError:
            return max(told)
        return None if server.used_at is None else self._idle.told_of(server.used_at, now)

    async def launchable(self, sandbox_id: SandboxId, member_id: MemberId) -> Sandbox:
        """Return the sandbox if the hub may start this member's server in it now.

        Raises:
            NotFoundError: No such sandbox, or the member is not in its team.
            NotReadyError: Its walls are not proved, or it is being taken down.
        """
        async with self._store.read() as tx:
            member = await tx.members.get(member_id)
        view = await self._view(sandbox_id)
        if member is None or not member.is_active or member_id not in view.sandbox.spec.members:
            raise NotFoundError("sandbox", sandbox_id)
        seen = seen_of(view.stages)
        missing = [s.value for s in Stage if s is not Stage.WORKSPACE and seen[s] not in USABLE]
        if missing or not view.sandbox.may_run(self._clock.now()):
            raise NotReadyError("sandbox", sandbox_id, ", ".join(missing) or view.phase.value)
        return view.sandbox

    async def attempts(self, actor: Member, sandbox_id: SandboxId) -> Sequence[BlockedAttempt]:
        """Return its blocked attempts, as far as they were observed, newest first."""
        await self.get(actor, sandbox_id)
        fresh = await self._attempts.read(sandbox_id)
        if fresh:
            async with self._store.begin() as tx:
                await tx.sandboxes.put_attempts(fresh)
        async with self._store.read() as tx:
            return await tx.sandboxes.attempts(sandbox_id)

    async def certificate(self, actor: Member, sandbox_id: SandboxId) -> DeletionCertificate:
        """Return its deletion certificate.

        Raises:
            NotFoundError: There is none by that id, or it is not all gone yet.
        """
        await self.get(actor, sandbox_id)
        async with self._store.read() as tx:
            certificate = await tx.sandboxes.certificate(sandbox_id)
        if certificate is None:
            raise NotFoundError("deletion certificate", sandbox_id)
        return certificate

    async def uncontained(self) -> Sequence[SandboxId]:
        """Return the sandboxes in which something may run while their walls are not proved.

        The loop stops such a workspace at once; this tells while it has not.
        """
        found = []
        async with self._store.read() as tx:
            for sandbox in await tx.sandboxes.live():
                seen = seen_of(await tx.sandboxes.stages(sandbox.id))
                may_run = seen[Stage.WORKSPACE] in USABLE | {Seen.CONVERGING}
                if may_run and seen[Stage.CONTAINMENT] not in USABLE:
                    found.append(sandbox.id)
        return found

    async def _view(self, sandbox_id: SandboxId) -> SandboxView:
        async with self._store.read() as tx:
            sandbox = await tx.sandboxes.get(sandbox_id)
            stages = await tx.sandboxes.stages(sandbox_id)
        if sandbox is None:
            raise NotFoundError("sandbox", sandbox_id)
        return SandboxView(sandbox, stages, phase(sandbox, seen_of(stages), self._clock.now()))
