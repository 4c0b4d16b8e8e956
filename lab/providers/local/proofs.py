"""Proofs of containment as files: written whole, signed, read back with doubt."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.ids import SandboxId
from lab.private import write_private

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES = 32


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


def from_content(content: dict[str, Any]) -> Proof:
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


def read(path: Path) -> Proof | None:
    """Return the proof in a file; None where there is none, or it cannot be understood."""
    try:
        return from_content(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return None


def write(path: Path, proof: Proof) -> None:
    """Keep a proof, whole or not at all."""
    write_private(path, json.dumps(to_content(proof), ensure_ascii=False))


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


def key(path: Path) -> bytes:
    """Return the signing key; make it on the first day."""
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = secrets.token_hex(_KEY_BYTES)
        write_private(path, text + "\n")
    return text.encode()
