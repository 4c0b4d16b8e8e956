"""The audit log: an append-only chain in which each row holds the hash of the one before.

The hash is SHA-256 over the UTF-8 bytes of the row's canonical JSON: keys
sorted, no spaces, no escapes but JSON's own. Personal data stand in it by
reference only (a member's id), so that deleting a person breaks no hash.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

FIRST_HASH = "0" * 64
"""What the first row holds in place of the hash before it."""


class AuditOutcome(Enum):
    """What came of it."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are looked for. What is empty lets every row pass.

    Attributes:
        actor: A member's id, ``lab`` or ``-``; a service also takes a login.
        action: A whole action (``request.approve``), or a noun alone: all of its actions.
        resource_id: What it was done to.
        since: The first instant.
        until: The first instant that is too late.
    """

    actor: str = ""
    action: str = ""
    resource_id: str = ""
    agency_id: str = ""
    outcome: AuditOutcome | None = None
    since: datetime | None = None
    until: datetime | None = None

    def facts(self) -> dict[str, str]:
        """Return what was asked for, as the audit log keeps it of an export."""
        given = {
            "actor": self.actor,
            "action": self.action,
            "resource_id": self.resource_id,
            "agency_id": self.agency_id,
            "outcome": self.outcome.value if self.outcome else "",
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Chain:
    """What a reading of the whole chain found.

    Attributes:
        rows: How many rows hold, from the first one on.
        last_hash: Of the last row that holds; kept elsewhere, it tells later whether rows
            were taken off the end.
        first_break: The first row that does not hold, or ``None``.
    """

    rows: int = 0
    last_hash: str = FIRST_HASH
    first_break: int | None = None

    def and_then(self, events: Iterable[AuditEvent]) -> Chain:
        """Read on with the rows that come next; after a break nothing more is read."""
        rows, last = self.rows, self.last_hash
        if self.first_break is not None:
            return self
        for event in events:
            follows = event.seq == rows + 1 and event.previous_hash == last
            if not follows or event.hash != digest(event):
                return Chain(rows, last, rows + 1)
            rows, last = event.seq, event.hash
        return Chain(rows, last)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that was done, or refused.

    Attributes:
        seq: 1 for the first row, then one more each time; 0 before it is written.
        actor: A member's id, or ``lab`` for the lab itself, or ``-`` for nobody.
        action: Stable word, for example ``request.approve``.
        outcome: ``done`` or ``refused``.
        facts: Small, never personal, never a secret.
    """

    at: datetime
    actor: str
    action: str
    resource: str
    resource_id: str
    agency_id: str = ""
    outcome: str = "done"
    facts: Mapping[str, str] = field(default_factory=dict)
    seq: int = 0
    previous_hash: str = ""
    hash: str = ""

    def chained(self, *, seq: int, previous_hash: str) -> AuditEvent:
        """Return it as the row ``seq`` after the row with ``previous_hash``."""
        placed = replace(self, seq=seq, previous_hash=previous_hash)
        return replace(placed, hash=digest(placed))


def canonical(event: AuditEvent) -> bytes:
    """Write everything of a row but its own hash, always the same way."""
    body = {
        "action": event.action,
        "actor": event.actor,
        "agency_id": event.agency_id,
        "at": event.at.isoformat(),
        "facts": dict(event.facts),
        "outcome": event.outcome,
        "previous_hash": event.previous_hash,
        "resource": event.resource,
        "resource_id": event.resource_id,
        "seq": event.seq,
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest(event: AuditEvent) -> str:
    """Return the hexadecimal SHA-256 of a row."""
    return hashlib.sha256(canonical(event)).hexdigest()


def first_break(events: Iterable[AuditEvent]) -> int | None:
    """Return the number of the first row that does not hold, or ``None``.

    Args:
        events: From the first row on, in order.
    """
    return Chain().and_then(events).first_break


def altered(events: Iterable[AuditEvent]) -> int | None:
    """Return the number of the first row of a part of the log that was altered, or ``None``.

    Args:
        events: In order; rows may be missing between them, as in a filtered export. A row
            that stands right after another must follow it.
    """
    before: AuditEvent | None = None
    for event in events:
        if event.hash != digest(event) or (before and event.seq <= before.seq):
            return event.seq
        if before and event.seq == before.seq + 1 and event.previous_hash != before.hash:
            return event.seq
        before = event
    return None
