"""All configuration of the lab on this machine, read once at start.

Every field can be set in the environment as ``LAB_`` and its name, or in
``STATE_DIR/lab.toml``; the environment wins.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import tomllib
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lab.domain.sandbox import Stage

CHECKOUT = Path(__file__).resolve().parent.parent


class ProviderSettings(BaseModel):
    """Which folder of ``lab.providers`` owns a stage, and its options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: str
    options: dict[str, Any] = {}


class Ports(BaseModel):
    """Where each part listens; loopback only."""

    model_config = ConfigDict(frozen=True)

    front: int
    control_plane: int
    hub: int
    gateway: int
    tracking: int
    storage: int
    proxy_api: int
    storage_internal: tuple[int, ...]

    def all(self) -> dict[str, int]:
        """Name every port, for checks and messages."""
        named = {
            name: value for name, value in self.model_dump().items() if isinstance(value, int)
        }
        return named | {f"storage_{n}": port for n, port in enumerate(self.storage_internal)}


def _kept(state_dir: Path) -> dict[str, Any]:
    """Return what ``STATE_DIR/lab.toml`` says; nothing where there is none."""
    try:
        return tomllib.loads((state_dir / "lab.toml").read_text("utf-8"))
    except FileNotFoundError:
        return {}


class Settings(BaseSettings):
    """The lab's settings. Unknown keys are refused.

    Attributes:
        state_dir: Everything that is kept: databases, objects, homes, secrets, logs.
        run_dir: Sockets and pid files; short, because a socket's path may have 107 bytes.
        domain: Names under it are the portal's, the members' and the sandboxes' origins.
        port: The front door; the parts behind it take the 15 ports after it.
        database_url: SQLAlchemy URL; a SQLite file in ``state_dir`` by default.
        time_zone: Where the lab's days begin and end.
        notebook_env: The environment that every sandbox sees at ``/opt/notebook``.
        poll: How often a sandbox that is being built or taken down is looked at.
        watch: How often one that is ready is looked at.
        sweep: How often orphans are looked for.
    """

    model_config = SettingsConfigDict(env_prefix="LAB_", extra="forbid", frozen=True)

    state_dir: Path = CHECKOUT / ".lab"
    run_dir: Path = Path()
    domain: str = Field(default="vaseclos.localhost", pattern=r"^[a-z0-9.-]{1,100}$")
    port: int = Field(default=8000, ge=1, le=65000)
    database_url: str = ""
    time_zone: str = "America/Toronto"
    policies_dir: Path = CHECKOUT / "policies"
    templates_dir: Path = CHECKOUT / "notebooks-templates"
    notebook_env: Path = CHECKOUT / ".build" / "notebook"
    providers: dict[Stage, ProviderSettings] = {}
    poll: timedelta = timedelta(seconds=1)
    watch: timedelta = timedelta(seconds=15)
    sweep: timedelta = timedelta(minutes=1)
    first_retry: timedelta = timedelta(seconds=1)
    last_retry: timedelta = timedelta(minutes=5)
    workers: int = Field(default=4, ge=1, le=64)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Derive what depends on ``state_dir``."""
        state_dir = Path(values.get("state_dir") or CHECKOUT / ".lab").absolute()
        values = _kept(state_dir) | values | {"state_dir": state_dir}
        if not values.get("run_dir"):
            mark = hashlib.sha256(str(state_dir).encode()).hexdigest()[:8]
            base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
            values["run_dir"] = Path(base) / f"vase-clos-{os.getuid()}-{mark}"
        if not values.get("database_url"):
            values["database_url"] = f"sqlite+aiosqlite:///{state_dir / 'lab.sqlite'}"
        return values

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.time_zone)

    @property
    def public_url(self) -> str:
        """Where people find the portal, without a closing slash."""
        return f"http://{self.domain}:{self.port}"

    @property
    def api_url(self) -> str:
        """Where programs on this machine find the control plane."""
        return f"http://127.0.0.1:{self.ports.control_plane}"

    @property
    def secrets_dir(self) -> Path:
        """One file per secret."""
        return self.state_dir / "secrets"

    @property
    def ports(self) -> Ports:
        """Where each part listens."""
        base = self.port
        return Ports(
            front=base,
            control_plane=base + 1,
            hub=base + 2,
            gateway=base + 3,
            tracking=base + 4,
            storage=base + 5,
            proxy_api=base + 6,
            storage_internal=tuple(range(base + 7, base + 16)),
        )

    def secret(self, name: str) -> str:
        """Read one secret.

        Raises:
            FileNotFoundError: ``lab up`` has not made it yet.
        """
        return (self.secrets_dir / name).read_text().strip()
