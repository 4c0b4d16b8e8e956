"""Let a colleague into a sandbox that runs, and out of it again."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.approval import decide
from lab.domain.errors import InvalidError, Problem, ProviderError
from lab.domain.member import Verb, can
from lab.domain.notice import Happening, NoticeKind
from lab.domain.sandbox import SANDBOX_CHANGED
from lab.services.checks import MOST_COLLEAGUES
from lab.services.extending import as_asked, goes_beyond
from lab.services.holding import require_alive, wanted_one
from lab.services.sandboxes import target, unchanged
from lab.services.telling import announce

if TYPE_CHECKING:
    from lab.domain.ids import MemberId, SandboxId
    from lab.domain.member import Member
    from lab.domain.sandbox import Sandbox
    from lab.ports import Notebooks, Store, Transaction
    from lab.services.core import Core

log = logging.getLogger(__name__)

_LONGEST_LOGIN = 64


class TeamService:
    """What the team of a sandbox can do about who is in it.

    Only what is wanted is written here. The loop makes the newcomer's home and server; whoever is
    out has no server any more, at once where the hub answers, at the next sweep where it does not.

    Args:
        can_grow: Whether others than the request's own team have room. On a cluster each home
            was made for a share of what was granted, so nobody else's fits beside them.
    """

    def __init__(self, core: Core, *, notebooks: Notebooks, can_grow: bool) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._catalogue, self._zone, self._wake = core.catalogue, core.zone, core.wake
        self._notebooks, self._can_grow = notebooks, can_grow

    async def invite(
        self, actor: Member, sandbox_id: SandboxId, login: str, *, version: int | None = None
    ) -> Sandbox:
        """Add a colleague; one who is in it already changes nothing.

        Who is of the request's team may always come back. Anybody else of the agency, as far as
        an approval rule lets such a team work on such data without a person; beyond, an operator.

        Raises:
            InvalidError: Nobody of the agency who could open it, or the team may not grow so.
            StateError: It is being deleted.
        """
        async with (
            self._journal.refusals(actor, "sandbox.invite", resource_id=sandbox_id),
            self._store.begin() as tx,
        ):
            sandbox = await self._changeable(tx, actor, sandbox_id, version, wanted="invite")
            guest = await _found(tx, login)
            # The same answer for another agency's person as for nobody: no list of people leaks.
            if guest is None or not _fits(guest, sandbox):
                raise _wrong("required" if not login.strip() else "unknown", login)
            if guest.id in sandbox.spec.members:
                return sandbox
            if (against := await self._against(tx, actor, sandbox, guest)) is not None:
                raise InvalidError([against])
            members = (*sandbox.spec.members, guest.id)
            changed = await self._write(tx, actor, sandbox, members, "sandbox.invite", guest)
            # The version tells two invitations of one person apart.
            mark = f"{guest.id}/{changed.version}"
            event = Happening(NoticeKind.INVITED, sandbox.id, mark, actor.id)
            await announce(tx, self._clock.now(), event)
        self._wake()
        return changed

    async def remove(
        self, actor: Member, sandbox_id: SandboxId, login: str, *, version: int | None = None
    ) -> Sandbox:
        """Take a person out, oneself too; files stay in the sandbox until it ends.

        Raises:
            InvalidError: The person is not in it, or is who asked for it.
            StateError: It is being deleted.
        """
        async with (
            self._journal.refusals(actor, "sandbox.uninvite", resource_id=sandbox_id),
            self._store.begin() as tx,
        ):
            sandbox = await self._changeable(tx, actor, sandbox_id, version, wanted="uninvite")
            member = await _found(tx, login)
            members = sandbox.spec.members
            if member is None or member.id not in members:
                raise _wrong("not_in_team" if login.strip() else "required", login)
            if member.id == members[0]:
                raise _wrong("requester_stays", login)
            left = tuple(each for each in members if each != member.id)
            changed = await self._write(tx, actor, sandbox, left, "sandbox.uninvite", member)
        self._wake()
        try:
            await self._notebooks.stop(member.id, sandbox_id)
        except ProviderError:
            log.exception("a server goes on until the sweep", extra={"sandbox_id": sandbox_id})
        return changed

    async def _changeable(
        self,
        tx: Transaction,
        actor: Member,
        sandbox_id: SandboxId,
        version: int | None,
        *,
        wanted: str,
    ) -> Sandbox:
        sandbox = await wanted_one(tx, sandbox_id)
        self._journal.require(actor, Verb.CHANGE, target(sandbox), sandbox_id)
        unchanged(sandbox, version)
        require_alive(sandbox, self._clock.now(), wanted=wanted)
        return sandbox

    async def _against(
        self, tx: Transaction, actor: Member, sandbox: Sandbox, guest: Member
    ) -> Problem | None:
        """Return what speaks against one more; nothing where nothing does."""
        request = await tx.requests.get(sandbox.request_id)
        if request is not None and guest.id in request.team:
            return None
        if not self._can_grow:
            return Problem("login", "not_of_request")
        if len(sandbox.spec.members) > MOST_COLLEAGUES:
            return Problem("login", "too_many", (("most", str(MOST_COLLEAGUES + 1)),))
        if goes_beyond(actor, sandbox):
            return None
        made_on = sandbox.created_at.astimezone(self._zone).date()
        asked = replace(
            await as_asked(tx, sandbox, self._zone),
            team_size=len(sandbox.spec.members) + 1,
            # How long it lasts was decided, and is not asked again.
            ends_on=made_on,
        )
        found = self._catalogue.catalogue()
        approved = decide(found.approval, asked, found.two_approvals).is_approved
        return None if approved else Problem("login", "team_beyond_rule")

    async def _write(  # noqa: PLR0917 -- one act, told whole
        self,
        tx: Transaction,
        actor: Member,
        sandbox: Sandbox,
        members: tuple[MemberId, ...],
        action: str,
        about: Member,
    ) -> Sandbox:
        spec = replace(sandbox.spec, members=members)
        changed = await tx.sandboxes.put(replace(sandbox, spec=spec))
        await self._journal.done(
            tx,
            actor=actor,
            action=action,
            resource_id=sandbox.id,
            agency_id=sandbox.spec.agency_id,
            facts={"member_id": about.id},
        )
        await tx.outbox.add(SANDBOX_CHANGED, sandbox.id, self._clock.now())
        return changed


async def stop_strays(store: Store, notebooks: Notebooks) -> int:
    """Stop the servers of people who are in that team no more; return how many.

    Done at every sweep: the hub may have been away, or a start under way, when somebody left.

    Raises:
        ProviderError: The hub failed.
    """
    running = await notebooks.running()
    async with store.read() as tx:
        teams = {sandbox.id: sandbox.spec.members for sandbox in await tx.sandboxes.live()}
    # What has no live sandbox at all is an orphan, and removed as one.
    over = [s for s in running if s.member_id not in teams.get(s.sandbox_id, (s.member_id,))]
    for server in over:
        await notebooks.stop(server.member_id, server.sandbox_id)
    return len(over)


async def _found(tx: Transaction, login: str) -> Member | None:
    return await tx.members.by_login(login.strip()) if login.strip() else None


def _fits(guest: Member, sandbox: Sandbox) -> bool:
    """Tell whether a person could open it once in its team: of its agency, and active."""
    spec = sandbox.spec
    members = (*spec.members, guest.id)
    inside = replace(sandbox, spec=replace(spec, members=members))
    return guest.agency_id == spec.agency_id and can(guest, Verb.OPEN, target(inside))


def _wrong(code: str, login: str) -> InvalidError:
    facts = (("name", login.strip()[:_LONGEST_LOGIN]),) if code != "required" else ()
    return InvalidError([Problem("login", code, facts)])
