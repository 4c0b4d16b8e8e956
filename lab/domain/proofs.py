"""Proofs of containment as content: written the same way everywhere, signed, read with doubt."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.ids import SandboxId

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def _signature(proof: Proof, key: bytes) -> str:
    content = to_content(replace(proof, signature=""))
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()
