"""What people write to each other about a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.ids import MemberId, RequestId

LONGEST_MESSAGE = 4000
"""In characters, inclusive."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. It is never changed.

    Attributes:
        text: Plain; shown as it was written, never as markup.
    """

    id: str
    request_id: RequestId
    author_id: MemberId
    at: datetime
    text: str
