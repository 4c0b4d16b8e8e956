"""Proofs of containment: written the same way everywhere, signed, read and judged with doubt."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Observation, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.sandbox import Fact


def to_content(proof: Proof) -> dict[str, Any]:
    """Write a proof as JSON types."""
    results = [
        asdict(result) | {"expected": result.expected.value, "outcome": result.outcome.value}
        for result in proof.results
    ]
    return {
        "sandbox_id": proof.sandbox_id,
        "spec_hash": proof.spec_hash,
        "started_at": proof.started_at.isoformat(),
        "finished_at": proof.finished_at.isoformat(),
        "results": results,
        "signature": proof.signature,
    }


def from_content(content: Mapping[str, Any]) -> Proof:
    """Read what ``to_content`` wrote.

    Raises:
        ValueError: It is no proof.
    """
    try:
        results = tuple(
            ProbeResult(
                **item
                | {"expected": Expected(item["expected"]), "outcome": Outcome(item["outcome"])}
            )
            for item in content["results"]
        )
        return Proof(
            sandbox_id=SandboxId(content["sandbox_id"]),
            spec_hash=content["spec_hash"],
            started_at=datetime.fromisoformat(content["started_at"]),
            finished_at=datetime.fromisoformat(content["finished_at"]),
            results=results,
            signature=content["signature"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError("not a proof") from error


def sign(proof: Proof, key: bytes) -> Proof:
    """Return the proof with its signature."""
    return replace(proof, signature=_signature(proof, key))


def is_genuine(proof: Proof, key: bytes) -> bool:
    """Tell whether it was signed with this key, and nothing of it changed since."""
    return hmac.compare_digest(proof.signature, _signature(proof, key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What a proof is measured by.

    Attributes:
        key: It must be signed with.
        now: It must not be of later.
        most: From this age on it counts no more.
        is_of_walls: Tells whether it is about the walls as they are.
        failures: Names the probes that do not hold.
    """

    key: bytes
    now: datetime
    most: timedelta
    is_of_walls: Callable[[Proof], bool]
    failures: Callable[[Proof], str]

    def against(self, proof: Proof, sandbox_id: SandboxId) -> str:
        """Say what speaks against a proof; nothing when it counts."""
        if not is_genuine(proof, self.key) or proof.sandbox_id != sandbox_id:
            return "the proof is not genuine"
        if not self.is_of_walls(proof):
            return "the walls changed since the proof"
        if not timedelta(0) <= self.now - proof.finished_at <= self.most:
            return "the proof is too old"
        if not proof.holds:
            return f"does not hold: {self.failures(proof)}"
        return ""


def seen_shut(against: str, why: str, facts: tuple[Fact, ...], *, is_wanted: bool) -> Observation:
    """Return what is seen where no door is granted, but something is left.

    Args:
        against: What speaks against the proof.
        why: Why the last run failed; empty where none did.
        facts: As observed.
        is_wanted: The sandbox shall be there.
    """
    if not against:
        return Observation(Seen.REVOKED, "the doors are shut", facts)
    return Observation(Seen.ABSENT if is_wanted else Seen.CONVERGING, why or against, facts)


def _signature(proof: Proof, key: bytes) -> str:
    content = to_content(replace(proof, signature=""))
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()
