"""The certificate that a sandbox, and everything it had, is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.ids import AgencyId, RequestId, SandboxId
    from lab.domain.sandbox import Stage


@dataclass(frozen=True, slots=True)
class Gone:
    """One object that was looked for and was not there.

    Attributes:
        seen_at: UTC; when the look that found nothing was made.
    """

    stage: Stage
    kind: str
    name: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class DeletionCertificate:
    """What was seen gone, and when. Made only when every stage was seen absent.

    Attributes:
        signature: Hexadecimal HMAC-SHA256 over the canonical JSON of all the rest.
    """

    sandbox_id: SandboxId
    request_id: RequestId
    agency_id: AgencyId
    reason: str
    asked_at: datetime
    completed_at: datetime
    gone: tuple[Gone, ...]
    signature: str = ""
