"""The proof that a sandbox's walls hold: probes from inside, seen from both ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.ids import SandboxId


class Expected(Enum):
    """What a probe must find."""

    BLOCKED = "blocked"
    OPEN = "open"


class Outcome(Enum):
    """What a probe found."""

    BLOCKED = "blocked"
    OPEN = "open"
    UNKNOWN = "unknown"
    """It could not be tried. Never counted as blocked."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of one run.

    Attributes:
        name: Stable name, for example ``tcp4-internet``.
        arrivals: How many times the receiver saw it; ``None`` where nothing can receive.
        took_ms: Milliseconds until the answer.
    """

    name: str
    expected: Expected
    outcome: Outcome
    detail: str = ""
    arrivals: int | None = None
    took_ms: int = 0

    @property
    def holds(self) -> bool:
        """Tell whether it found what it must, at both ends."""
        if self.expected is Expected.BLOCKED:
            return self.outcome is Outcome.BLOCKED and not self.arrivals
        return self.outcome is Outcome.OPEN


@dataclass(frozen=True, slots=True)
class Proof:
    """One run of all probes.

    Attributes:
        spec_hash: Of what the walls were built from; a change asks for a new proof.
        signature: Hexadecimal HMAC-SHA256 over the canonical JSON of all the rest.
    """

    sandbox_id: SandboxId
    spec_hash: str
    started_at: datetime
    finished_at: datetime
    results: tuple[ProbeResult, ...]
    signature: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether every probe holds. No probe at all proves nothing."""
        return bool(self.results) and all(result.holds for result in self.results)
