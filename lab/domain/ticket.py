"""Tickets: how the portal lets one person see one sandbox's page, once, for a short time.

``issue`` is called by the portal, ``verify`` by the gateway; both hold the
gateway key. The same form, with another purpose, is the cookie that follows.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from lab.domain.ids import MemberId, SandboxId

TICKET_SECONDS = 60
COOKIE_SECONDS = 8 * 3600
_LONGEST = 1024


class Purpose(Enum):
    """What a token is good for. One is never taken for the other."""

    TICKET = "ticket"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who may see which sandbox until when (UTC)."""

    sandbox_id: SandboxId
    member_id: MemberId
    expires_at: datetime
    nonce: str


def issue(
    key: bytes,
    *,
    sandbox_id: SandboxId,
    member_id: MemberId,
    now: datetime,
    purpose: Purpose = Purpose.TICKET,
) -> str:
    """Return a signed token; a ticket is good for one minute, a cookie for eight hours."""
    seconds = TICKET_SECONDS if purpose is Purpose.TICKET else COOKIE_SECONDS
    facts = {
        "sandbox_id": sandbox_id,
        "member_id": member_id,
        "exp": int((now + timedelta(seconds=seconds)).timestamp()),
        "nonce": secrets.token_urlsafe(16),
    }
    body = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    return f"{_text(body)}.{_text(_sign(key, body, purpose))}"


def verify(
    key: bytes, token: str, *, now: datetime, purpose: Purpose = Purpose.TICKET
) -> Ticket | None:
    """Return what a token says; ``None`` when it is not ours, not for this, or too old.

    That a ticket is used once is for the caller to see to, by its nonce.
    """
    try:
        if len(token) > _LONGEST:
            return None
        body, signature = (urlsafe_b64decode(part + "==") for part in token.split("."))
        if not hmac.compare_digest(signature, _sign(key, body, purpose)):
            return None
        facts = json.loads(body)
        expires_at = datetime.fromtimestamp(facts["exp"], UTC)
        read = Ticket(
            SandboxId(facts["sandbox_id"]),
            MemberId(facts["member_id"]),
            expires_at,
            facts["nonce"],
        )
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return read if now < expires_at else None


def _sign(key: bytes, body: bytes, purpose: Purpose) -> bytes:
    return hmac.digest(key, purpose.value.encode() + b"\0" + body, hashlib.sha256)


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
