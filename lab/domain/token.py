"""Bearer tokens: sessions, sign-in links, API tokens, sign-in codes for the hub.

Only the SHA-256 of a token is ever kept: reading the database gives nobody a way in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.domain.ids import MemberId


class TokenKind(Enum):
    """What a token opens."""

    SESSION = "session"
    LINK = "link"
    API = "api"
    CODE = "code"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token.

    Attributes:
        hash: Hexadecimal SHA-256 of the token itself.
        used_at: UTC; for kinds that work once.
        facts: What goes with it (a label, a redirect address, a PKCE challenge).
    """

    hash: str
    kind: TokenKind
    member_id: MemberId
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def hash_token(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
