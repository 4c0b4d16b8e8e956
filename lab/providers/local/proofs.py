"""Proofs of containment as files: written whole, read back with doubt, and the key that signs."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from lab.domain.proofs import from_content, is_genuine, sign, to_content
from lab.private import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.containment import Proof

__all__ = ["from_content", "is_genuine", "key", "read", "sign", "to_content", "write"]

_KEY_BYTES = 32


def read(path: Path) -> Proof | None:
    """Return the proof in a file; None where there is none, or it cannot be understood."""
    try:
        return from_content(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return None


def write(path: Path, proof: Proof) -> None:
    """Keep a proof, whole or not at all."""
    write_private(path, json.dumps(to_content(proof), ensure_ascii=False))


def key(path: Path) -> bytes:
    """Return the signing key; make it on the first day."""
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = secrets.token_hex(_KEY_BYTES)
        write_private(path, text + "\n")
    return text.encode()
