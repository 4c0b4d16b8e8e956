"""What the hub and its proxy are told: one JSON file, and secrets in files of their own."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

ENV_VAR = "LAB_HUB_CONFIG"
"""Names the environment variable that holds the path of the JSON file."""

SECRETS = ("hub-api-token", "hub-oauth-secret", "hub-key")
"""Files that must exist in ``secrets_dir`` before the hub or its proxy start."""

SHORTEST_SECRET = 32

Port = Annotated[int, Field(ge=1, le=65535)]


class HubConfig(BaseModel):
    """Everything the hub needs to know, as ``lab up`` writes it.

    Attributes:
        public_url: The front as a browser sees it, without a closing slash.
        public_port: Where the proxy listens; usually the port of ``public_url``.
        control_plane_url: The control plane on loopback: sign-in back channel, launch orders.
        people_port: The gateway's side for people (the pages of the tracking system).
        runtime_env: The notebook environment on this machine.
        launcher: ``module:Class`` of what starts a notebook server.
        oauth_refresh_seconds: How long a sign-out at the portal may go unnoticed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_url: str
    public_port: Port
    hub_port: Port
    control_plane_url: str
    people_port: Port
    proxy_api_port: Port
    state_dir: Path
    run_dir: Path
    secrets_dir: Path
    runtime_env: Path
    launcher: str = "lab.hub.launcher:KeeperLauncher"
    oauth_refresh_seconds: Annotated[int, Field(ge=1)] = 30
    start_timeout_seconds: Annotated[int, Field(ge=5)] = 120
    http_timeout_seconds: Annotated[int, Field(ge=5)] = 90
    poll_seconds: Annotated[int, Field(ge=1)] = 30
    concurrent_spawn_limit: Annotated[int, Field(ge=1)] = 8
    active_server_limit: Annotated[int, Field(ge=0)] = 0

    @property
    def domain(self) -> str:
        """The public host name, without a port."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def public_authority(self) -> str:
        """Public host name and port, as in a ``Host`` header."""
        return urlsplit(self.public_url).netloc

    @property
    def hub_url(self) -> str:
        """The hub on loopback."""
        return f"http://127.0.0.1:{self.hub_port}"

    @property
    def hub_dir(self) -> Path:
        """Where the hub keeps its own state."""
        return self.state_dir / "jupyterhub"

    @property
    def proxy_dir(self) -> Path:
        """Where the proxy keeps its configuration."""
        return self.state_dir / "traefik"

    @property
    def routes_dir(self) -> Path:
        """The folder the proxy watches."""
        return self.proxy_dir / "routes"

    @property
    def grants_dir(self) -> Path:
        """Where the gateway looks for what it may inject."""
        return self.state_dir / "grants"

    def keeper_dir(self, sandbox_id: str, member_id: str) -> Path:
        """Where the keeper of one notebook server has its sockets and its status."""
        return self.run_dir / "keepers" / sandbox_id / member_id

    def secret(self, name: str) -> str:
        """Read one secret.

        Raises:
            SecretError: It is missing, too short or a placeholder.
        """
        path = self.secrets_dir / name
        try:
            value = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretError(name, "cannot be read") from error
        if len(value) < SHORTEST_SECRET or len(set(value)) < SHORTEST_SECRET // 4:
            raise SecretError(name, "too short, or a placeholder")
        return value

    def derived_key(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose, from the one secret of the hub."""
        key = self.secret("hub-key").encode()
        return hmac.new(key, purpose.encode(), hashlib.sha256).digest()


class SecretError(Exception):
    """A secret is not fit for use. Says which, never what it holds."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"secret '{name}': {why}")


def load(path: Path | None = None) -> HubConfig:
    """Read the configuration from ``path``, or from where the environment says."""
    source = path or Path(os.environ[ENV_VAR])
    return HubConfig.model_validate_json(source.read_text(encoding="utf-8"))


def write(config: HubConfig, path: Path) -> None:
    """Write the configuration for the hub to read; it holds no secret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
