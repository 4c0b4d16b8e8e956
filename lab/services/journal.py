"""Who may do what, asked in one place; and what was done or refused, written down."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lab.domain.audit import AuditEvent
from lab.domain.errors import ForbiddenError, NotFoundError, RequestError
from lab.domain.member import Target, Verb, can

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from lab.domain.ids import AgencyId
    from lab.domain.member import Member
    from lab.ports import Clock, Store, Transaction

LAB = "lab"
"""The actor of what the lab does by itself."""

NOBODY = "-"


class Journal:
    """Decides access, and keeps the audit log.

    What was done is written in the transaction that did it. A refusal is
    written in a transaction of its own, after the refused one was undone.
    """

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def done(
        self,
        tx: Transaction,
        *,
        actor: Member | None,
        action: str,
        resource_id: str,
        agency_id: AgencyId | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Write down what ``tx`` does. ``action`` reads ``noun.verb``."""
        await tx.audit.append(
            AuditEvent(
                at=self._clock.now(),
                actor=actor.id if actor else LAB,
                action=action,
                resource=action.partition(".")[0],
                resource_id=resource_id,
                agency_id=agency_id or "",
                facts=facts or {},
            )
        )

    async def refused(
        self,
        error: RequestError,
        *,
        actor: Member | None,
        action: str,
        resource_id: str = "",
        agency_id: str = "",
    ) -> None:
        """Write down a refusal, in a transaction of its own."""
        async with self._store.begin() as tx:
            await tx.audit.append(
                AuditEvent(
                    at=self._clock.now(),
                    actor=actor.id if actor else NOBODY,
                    action=action,
                    resource=action.partition(".")[0],
                    resource_id=resource_id[:64],
                    agency_id=agency_id[:64],
                    outcome="refused",
                    facts={"code": error.code, **error.facts},
                )
            )

    @asynccontextmanager
    async def refusals(
        self, actor: Member | None, action: str, *, resource_id: str = "", agency_id: str = ""
    ) -> AsyncGenerator[None]:
        """Write down every refusal that leaves the block, and let it go on."""
        try:
            yield
        except RequestError as error:
            await self.refused(
                error, actor=actor, action=action, resource_id=resource_id, agency_id=agency_id
            )
            raise

    def require(self, actor: Member, verb: Verb, target: Target, name: str = "") -> None:
        """Let it pass, or refuse it.

        Raises:
            NotFoundError: The actor may not even know that there is such a thing.
            ForbiddenError: The actor may look and may not do this.
        """
        if can(actor, verb, target):
            return
        if name and not can(actor, Verb.READ, target):
            raise NotFoundError(target.resource.value, name)
        raise ForbiddenError(verb.value, target.resource.value)
