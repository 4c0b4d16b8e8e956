"""Put off the end of a sandbox, as far as the agency's stay, its quota and the rules allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.agency import Usage
from lab.domain.approval import Asked
from lab.domain.errors import (
    InvalidError,
    NotFoundError,
    PersonQuotaExceededError,
    QuotaExceededError,
)
from lab.domain.extension import reach
from lab.domain.intervention import Act, Intervention
from lab.domain.member import Verb, can
from lab.domain.sandbox import SANDBOX_CHANGED
from lab.services.checks import end_of
from lab.services.holding import reason_of, require_alive, wanted_one
from lab.services.sandboxes import target, unchanged

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from lab.domain.agency import Agency
    from lab.domain.errors import Problem
    from lab.domain.extension import Reach
    from lab.domain.ids import SandboxId
    from lab.domain.member import Member
    from lab.domain.sandbox import Sandbox
    from lab.ports import Transaction
    from lab.services.core import Core


class ExtensionService:
    """What a team, and beyond its limit an operator, can do about the end of a sandbox."""

    def __init__(self, core: Core) -> None:
        self._store, self._clock, self._journal = core.store, core.clock, core.journal
        self._catalogue, self._new_id, self._zone = core.catalogue, core.new_id, core.zone
        self._wake = core.wake

    async def reach(self, actor: Member, sandbox_id: SandboxId) -> tuple[Reach, date | None]:
        """Return how far the end may be put off, and the latest day that the actor may choose.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
            ForbiddenError: The actor may look and may not change it.
        """
        async with self._store.read() as tx:
            sandbox = await wanted_one(tx, sandbox_id)
            self._journal.require(actor, Verb.CHANGE, target(sandbox), sandbox_id)
            agency = await tx.agencies.get(sandbox.spec.agency_id)
            found = await self._reach(tx, sandbox, agency)
        return found, found.latest(decides=goes_beyond(actor, sandbox))

    async def extend(
        self,
        actor: Member,
        sandbox_id: SandboxId,
        *,
        ends_on: date,
        reason: str,
        version: int | None = None,
    ) -> Sandbox:
        """Put its end off; its credentials are renewed by the loop.

        Args:
            actor: One of the team within the approval rules, an operator beyond.
            sandbox_id: Which.
            ends_on: The new last full day, in the lab's time zone.
            reason: Kept and shown.
            version: The one that was read, if it was.

        Raises:
            InvalidError: No reason, or a day that cannot be.
            QuotaExceededError: The agency, or whoever asked for it, holds more than the quota.
            StateError: It is being deleted.
        """
        wrong: list[Problem] = []
        note = reason_of(reason, wrong)
        async with (
            self._journal.refusals(actor, "sandbox.extend", resource_id=sandbox_id),
            self._store.begin() as tx,
        ):
            sandbox = await wanted_one(tx, sandbox_id)
            self._journal.require(actor, Verb.CHANGE, target(sandbox), sandbox_id)
            unchanged(sandbox, version)
            agency = await tx.agencies.lock(sandbox.spec.agency_id)
            require_alive(sandbox, self._clock.now(), wanted="extend")
            found = await self._reach(tx, sandbox, agency)
            against = found.against(ends_on, decides=goes_beyond(actor, sandbox))
            if against is not None or wrong:
                raise InvalidError([*([against] if against else []), *wrong])
            if agency is not None:
                await _require_room(tx, agency, sandbox)
            extended = await self._write(tx, actor, sandbox, ends_on, note)
        self._wake()
        return extended

    async def _reach(self, tx: Transaction, sandbox: Sandbox, agency: Agency | None) -> Reach:
        if agency is None:
            raise NotFoundError("agency", sandbox.spec.agency_id)
        asked = await as_asked(tx, sandbox, self._zone)
        rules = self._catalogue.catalogue().approval
        return reach(rules, asked, made_on=asked.today, max_days=agency.max_days)

    async def _write(
        self, tx: Transaction, actor: Member, sandbox: Sandbox, ends_on: date, note: str
    ) -> Sandbox:
        until, now = end_of(ends_on, self._zone), self._clock.now()
        extended = await tx.sandboxes.put(
            replace(sandbox, spec=replace(sandbox.spec, expires_at=until))
        )
        act = Intervention(
            id=self._new_id("iv"),
            sandbox_id=sandbox.id,
            at=now,
            actor=actor.id,
            act=Act.EXTEND,
            note=note,
            until=until,
        )
        await tx.holds.add([act])
        await self._journal.done(
            tx,
            actor=actor,
            action="sandbox.extend",
            resource_id=sandbox.id,
            agency_id=sandbox.spec.agency_id,
            facts={
                "ends_on": str(ends_on),
                "before": sandbox.spec.expires_at.isoformat(),
                "note": act.id,
            },
        )
        await tx.outbox.add(SANDBOX_CHANGED, sandbox.id, now)
        return extended


async def as_asked(tx: Transaction, sandbox: Sandbox, zone: ZoneInfo) -> Asked:
    """Return a sandbox as the approval rules would look at it on the day it was made."""
    spec = sandbox.spec
    classes = set()
    for ref in spec.datasets:
        dataset = await tx.datasets.get(ref.dataset_id)
        if dataset is not None:
            classes.add(dataset.data_class)
    last = (spec.expires_at.astimezone(zone) - timedelta(microseconds=1)).date()
    return Asked(
        resources=spec.resources,
        today=sandbox.created_at.astimezone(zone).date(),
        ends_on=last,
        team_size=len(spec.members),
        data_classes=frozenset(classes),
        profile_id=spec.profile_id,
    )


def goes_beyond(actor: Member, sandbox: Sandbox) -> bool:
    """Tell whether the actor may go beyond the rules: nobody does so in an own matter."""
    return can(actor, Verb.DECIDE, target(sandbox)) and actor.id not in sandbox.spec.members


async def _require_room(tx: Transaction, agency: Agency, sandbox: Sandbox) -> None:
    """Refuse more time while more is held than a quota, which was made smaller.

    The agency's quota, and that of whoever asked for the sandbox.
    """
    asked = Usage(sandbox.spec.resources, 1)
    held = await tx.agencies.held(agency.id)
    if not held.fits_in(agency.quota):
        raise QuotaExceededError(agency.id, asked=asked, left=agency.quota.less(held))
    request = await tx.requests.get(sandbox.request_id)
    if request is None:
        return
    own = (await tx.person_quotas.get(agency.id, request.requester_id)).within(agency.quota)
    held = await tx.person_quotas.held(agency.id, request.requester_id)
    if not held.fits_in(own):
        raise PersonQuotaExceededError(agency.id, asked=asked, left=own.less(held))
