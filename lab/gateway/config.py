"""What the gateway must be told, from a JSON file or from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lab.domain.walls import WALL_PORT_AT_GATEWAY

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "LAB_GATEWAY_"


class Config(BaseModel):
    """Frozen settings of the gateway's process.

    Attributes:
        grants_dir: What may be injected; on a cluster the mirror that the gateway keeps itself.
        doors_dir: Where sockets are, on one machine; short, because a socket's path is.
        door_host: The address of the doors' ports, on a cluster: ``::`` for every one.
        wall_port: The port that no network policy opens, on a cluster.
        attempts_dir: Where refused requests are noted, one file per sandbox.
        key_file: What tickets are signed with; the portal holds the same.
        port: Of the people's side.
        people_host: Its address; loopback on one machine.
        public_port: The port that people see in an address.
        public_url: Where people find the portal, if it is not ``domain`` and ``public_port``.
        control_plane: Where grants are fetched from and attempts are sent to, on a cluster.
        token_file: Holds what the control plane knows the gateway by.
        poll_seconds: How often the grants folder is looked at.
        mirror_seconds: How often the control plane is asked for grants.
        max_document_bytes: The largest JSON or XML body that is read whole.
        idle_seconds: How long an upstream may say nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    grants_dir: Path
    doors_dir: Path | None = None
    door_host: str = ""
    wall_port: int = Field(default=WALL_PORT_AT_GATEWAY, ge=1, le=65535)
    attempts_dir: Path
    key_file: Path
    domain: str = "vaseclos.localhost"
    port: int = Field(ge=0, le=65535)
    people_host: str = "127.0.0.1"
    public_port: int = Field(ge=1, le=65535)
    public_url: str = ""
    control_plane: str = ""
    token_file: Path | None = None
    poll_seconds: float = Field(default=0.25, gt=0, le=10)
    mirror_seconds: float = Field(default=0.5, gt=0, le=10)
    max_document_bytes: int = 16 * 1024**2
    idle_seconds: float = 120

    @model_validator(mode="after")
    def _check(self) -> Config:
        if bool(self.door_host) == (self.doors_dir is not None):
            raise ValueError("give either doors_dir (one machine) or door_host (a cluster)")
        if bool(self.control_plane) != (self.token_file is not None):
            raise ValueError("control_plane and token_file belong together")
        if self.door_host and not self.control_plane:
            raise ValueError("door_host needs control_plane: a cluster's grants come from there")
        return self

    @property
    def portal_origin(self) -> str:
        """Return the origin of the portal, the only one that may frame our pages."""
        return self.public_url.rstrip("/") or f"http://{self.domain}:{self.public_port}"

    @property
    def scheme(self) -> str:
        """Return how people reach us: ``http`` or ``https``."""
        return self.portal_origin.partition(":")[0]


def from_file(path: Path) -> Config:
    """Read a JSON file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not what it should be.
    """
    return Config.model_validate_json(path.read_text(encoding="utf-8"))


def from_environment(environment: Mapping[str, str]) -> Config:
    """Read ``LAB_GATEWAY_*``.

    Raises:
        ValueError: Something is missing, unknown or out of range.
    """
    found = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(_PREFIX)
    }
    return Config.model_validate(found)


def in_one_line(error: Exception) -> str:
    """Say what is wrong with the settings, for whoever wrote them."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    parts = [
        f"{'.'.join(map(str, found['loc']))}: {found['msg'].removeprefix('Value error, ')}"
        for found in error.errors()
    ]
    return "; ".join(part.removeprefix(": ") for part in parts)
