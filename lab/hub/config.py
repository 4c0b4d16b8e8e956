"""What the hub and its proxy are told: one JSON file, and secrets in files of their own."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

ENV_VAR = "LAB_HUB_CONFIG"
"""Names the environment variable that holds the path of the JSON file."""

SECRETS = ("hub-api-token", "hub-oauth-secret", "hub-key")
"""Files that must exist in ``secrets_dir`` before the hub or its proxy start."""

DATABASE_SECRET = "hub-database-url"  # noqa: S105  # the name of a file
"""Holds the URL of the hub's own database, where that has a password in it."""

FRONT_SECRET = "front-token"  # noqa: S105  # the name of a file
"""What a front on a cluster shows to the hub. Where it is missing, the hub's key gives one."""

SHORTEST_SECRET = 32

Port = Annotated[int, Field(ge=1, le=65535)]


class HubConfig(BaseModel):
    """Everything the hub needs to know, as ``lab up`` or a chart writes it.

    Attributes:
        runtime: Where notebook servers run.
        public_url: The front as a browser sees it, without a closing slash.
        public_port: Where the proxy listens; usually the port of ``public_url``.
        control_plane_url: The control plane: sign-in back channel, launch orders.
        people_port: The gateway's side for people (the pages of the tracking system).
        people_url: The same, where the gateway is not on this machine.
        hub_service_url: The hub as the proxy reaches it, where that is not loopback.
        pods_hub_url: The hub as a notebook's pod reaches it; a name no server resolves.
        trusted_proxies: Addresses of what stands before a front and may name who asks.
        runtime_env: The notebook environment on this machine.
        launcher: ``module:Class`` of what starts a notebook server on this machine.
        database_url: The hub's own database; a file in ``hub_dir`` where it is empty.
        oauth_refresh_seconds: How long a sign-out at the portal may go unnoticed.
        patience_seconds: How long a start on a cluster waits out a trouble that may pass, as
            a full cluster that grows.
        idle_seconds: After how long without any use a notebook server ends; 0 for never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    runtime: Literal["machine", "kubernetes"] = "machine"
    public_url: str
    public_port: Port
    hub_port: Port
    control_plane_url: str
    people_port: Port
    people_url: str = ""
    hub_service_url: str = ""
    pods_hub_url: str = "http://hub.lab:8081"
    trusted_proxies: tuple[str, ...] = ()
    proxy_api_port: Port
    state_dir: Path
    run_dir: Path
    secrets_dir: Path
    runtime_env: Path
    launcher: str = "lab.hub.launcher:KeeperLauncher"
    database_url: str = ""
    oauth_refresh_seconds: Annotated[int, Field(ge=1)] = 30
    start_timeout_seconds: Annotated[int, Field(ge=5)] = 120
    http_timeout_seconds: Annotated[int, Field(ge=5)] = 90
    poll_seconds: Annotated[int, Field(ge=1)] = 30
    patience_seconds: Annotated[int, Field(ge=5)] = 90
    idle_seconds: Annotated[int, Field(ge=0)] = 7200
    concurrent_spawn_limit: Annotated[int, Field(ge=1)] = 8
    active_server_limit: Annotated[int, Field(ge=0)] = 0

    @property
    def on_cluster(self) -> bool:
        """Whether notebook servers are pods."""
        return self.runtime == "kubernetes"

    @property
    def is_behind_tls(self) -> bool:
        """Whether something before the front of a cluster speaks TLS to browsers."""
        return self.on_cluster and self.public_url.startswith("https:")

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
        """The hub, as the proxy and the gateway reach it."""
        return self.hub_service_url or f"http://127.0.0.1:{self.hub_port}"

    @property
    def hub_bind_url(self) -> str:
        """Where the hub listens: loopback, or all of its pod."""
        return f"http://{'0.0.0.0' if self.on_cluster else '127.0.0.1'}:{self.hub_port}"  # noqa: S104

    @property
    def people_service_url(self) -> str:
        """The gateway's side for people, as the proxy reaches it."""
        return self.people_url or f"http://127.0.0.1:{self.people_port}"

    @property
    def front_address(self) -> str:
        """Where the proxy listens: loopback, or all of its pod."""
        return f"{'' if self.on_cluster else '127.0.0.1'}:{self.public_port}"

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

    def database(self) -> str:
        """Return the URL of the hub's own database; its password is in no configuration."""
        if self.database_url:
            return self.database_url
        file = self.secrets_dir / DATABASE_SECRET
        if file.exists():
            return file.read_text(encoding="utf-8").strip()
        return f"sqlite:///{self.hub_dir / 'hub.sqlite'}"

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

    def front_token(self) -> str:
        """Return what a front in a pod of its own shows to be given the notebooks' routes.

        Raises:
            SecretError: There is neither a token nor a key.
        """
        if (self.secrets_dir / FRONT_SECRET).exists():
            return self.secret(FRONT_SECRET)
        return self.derived_key("front").hex()

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
