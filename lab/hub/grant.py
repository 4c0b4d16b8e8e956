"""The hub's grant: a real token stays outside, the sandbox gets one good at its door only."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lab import grants as files
from lab.domain.ids import MemberId, SandboxId

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


def write(grant: HubGrant, grants: Path) -> None:
    """Put the grant where the gateway looks.

    Args:
        grant: What to write.
        grants: The folder of all grants.
    """
    name = files.hub_file(MemberId(grant.member_id))
    files.write(grants, SandboxId(grant.server_name), name, asdict(grant))


def remove(grants: Path, sandbox_id: str, member_id: str) -> None:
    """Take the grant away. Twice is once."""
    files.remove(grants, SandboxId(sandbox_id), files.hub_file(MemberId(member_id)))
