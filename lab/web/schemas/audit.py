"""The audit log, on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from lab.domain.audit import AuditEvent, Chain
from lab.domain.ids import MemberId
from lab.domain.member import Member
from lab.web.schemas.common import Out


class AuditEventOut(Out):
    """One row of the audit log. / Une ligne du journal.

    Attributes:
        at: To the microsecond, in UTC, as it was hashed.
        actor: A member's id, ``lab``, or ``-`` for nobody.
        actor_login: The person's login today; not part of what is hashed.
    """

    seq: int
    at: datetime
    actor: str
    actor_login: str
    action: str
    resource: str
    resource_id: str
    agency_id: str
    outcome: str
    facts: dict[str, str]
    previous_hash: str
    hash: str

    @classmethod
    def of(cls, event: AuditEvent, people: Mapping[MemberId, Member]) -> AuditEventOut:
        """Write it."""
        member = people.get(MemberId(event.actor))
        return cls(
            seq=event.seq,
            at=event.at,
            actor=event.actor,
            actor_login=member.login if member else "",
            action=event.action,
            resource=event.resource,
            resource_id=event.resource_id,
            agency_id=event.agency_id,
            outcome=event.outcome,
            facts=dict(event.facts),
            previous_hash=event.previous_hash,
            hash=event.hash,
        )


class VerificationOut(Out):
    """Whether the chain holds. / Si la chaîne tient.

    Attributes:
        first_break: The first row that was tampered with; nothing where all hold.
        rows: How many hold, from the first one on.
        last_hash: Of the last that holds; kept elsewhere, it tells later whether rows were
            taken off the end.
    """

    holds: bool
    first_break: int | None
    rows: int
    last_hash: str

    @classmethod
    def of(cls, chain: Chain) -> VerificationOut:
        """Write it."""
        return cls(
            holds=chain.first_break is None,
            first_break=chain.first_break,
            rows=chain.rows,
            last_hash=chain.last_hash,
        )
