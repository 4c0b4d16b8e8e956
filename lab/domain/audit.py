"""The audit log: an append-only chain in which each row holds the hash of the one before.

The hash is SHA-256 over the UTF-8 bytes of the row's canonical JSON: keys
sorted, no spaces, no escapes but JSON's own. Personal data stand in it by
reference only (a member's id), so that deleting a person breaks no hash.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

FIRST_HASH = "0" * 64
"""What the first row holds in place of the hash before it."""


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
    previous = FIRST_HASH
    for expected, event in enumerate(events, start=1):
        if event.seq != expected or event.previous_hash != previous or event.hash != digest(event):
            return expected
        previous = event.hash
    return None
