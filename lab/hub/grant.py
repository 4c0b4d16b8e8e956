"""The hub's grant: a real token stays outside, the sandbox gets one good at its door only."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class HubGrant:
    """What the gateway needs to speak to the hub for one notebook server.

    Attributes:
        endpoint: The hub's API, with its prefix.
        token: The real token. Never enters the sandbox.
        door_token: What stands for it inside.
        client_id: The server's OAuth client at the hub.
        server_prefix: Path of the server, with the closing slash.
    """

    endpoint: str
    token: str
    door_token: str
    client_id: str
    member_id: str
    server_name: str
    server_prefix: str


def new_door_token() -> str:
    """Return a token that opens the hub door and nothing else."""
    return f"porte-{secrets.token_hex(24)}"


def path_of(grant_dir: Path, member_id: str) -> Path:
    """Where the grant of one member's server lies."""
    return grant_dir / f"hub-{member_id}.json"


def write(grant: HubGrant, grant_dir: Path) -> None:
    """Put the grant where the gateway looks, at once and readable by us only."""
    grant_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = path_of(grant_dir, grant.member_id)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(grant), file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def remove(grant_dir: Path, member_id: str) -> None:
    """Take the grant away. Twice is once."""
    path_of(grant_dir, member_id).unlink(missing_ok=True)
