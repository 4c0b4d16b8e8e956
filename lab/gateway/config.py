"""What the gateway must be told, from a JSON file or from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "LAB_GATEWAY_"


class Config(BaseModel):
    """Frozen settings of the gateway's process.

    Attributes:
        doors_dir: Where sockets are; short, because a socket's path is.
        attempts_dir: Where refused requests are noted, one file per sandbox.
        key_file: What tickets are signed with; the portal holds the same.
        port: Of the people's side, on loopback.
        public_port: The port that people see in an address.
        poll_seconds: How often the grants folder is looked at.
        max_document_bytes: The largest JSON or XML body that is read whole.
        idle_seconds: How long an upstream may say nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    grants_dir: Path
    doors_dir: Path
    attempts_dir: Path
    key_file: Path
    domain: str = "vaseclos.localhost"
    port: int = Field(ge=0, le=65535)
    public_port: int = Field(ge=1, le=65535)
    poll_seconds: float = Field(default=0.25, gt=0, le=10)
    max_document_bytes: int = 16 * 1024**2
    idle_seconds: float = 120

    @property
    def portal_origin(self) -> str:
        """Return the origin of the portal, the only one that may frame our pages."""
        return f"http://{self.domain}:{self.public_port}"


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
