"""Idempotency: the same key gets the same answer, once and for all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.domain.errors import KeyReusedError
from lab.ports import KeyRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.ports import Transaction


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key a caller chose, with what it was sent with.

    Attributes:
        value: 1 to 200 visible characters.
        fingerprint: Hexadecimal SHA-256 of the canonical body.
    """

    value: str
    fingerprint: str

    @classmethod
    def of(cls, value: str, body: Mapping[str, Any]) -> IdempotencyKey:
        """Make one for a body that can be written as JSON."""
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
        return cls(value, hashlib.sha256(text.encode()).hexdigest())


async def earlier(tx: Transaction, owner: str, key: IdempotencyKey | None) -> str | None:
    """Return the id of what the key made before, or nothing.

    Raises:
        KeyReusedError: It came with another body then.
    """
    if key is None:
        return None
    record = await tx.keys.get(owner, key.value)
    if record is None:
        return None
    if record.fingerprint != key.fingerprint:
        raise KeyReusedError(key.value)
    return record.resource_id


async def remember(
    tx: Transaction, owner: str, key: IdempotencyKey | None, resource_id: str, at: datetime
) -> None:
    """Keep what the key made, in the same transaction."""
    if key is not None:
        await tx.keys.put(KeyRecord(owner, key.value, key.fingerprint, resource_id, at))
