"""The parts of the lab on this machine, and the configuration each is given."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.gateway import config as gateway_config
from lab.hub import config as hub_config
from lab.hub import process as hub_process
from lab.hub import traefik
from lab.parts import storage
from lab.parts.marks import mark
from lab.parts.part import Part
from lab.providers.mlflow import server as mlflow_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.settings import Settings

NAMES = ("storage", "tracking", "gateway", "proxy", "hub", "control-plane")
"""In the order they are started. There is no storage where others run it."""

_NOT_SETTINGS = frozenset({"LAB_TOKEN", "LAB_URL", "LAB_STATE_DIR", "LAB_RUN_DIR", "LAB_PORT"})
_KEPT = ("LANG", "TZ", "PATH", "SSL_CERT_FILE")
PYTHON = Path(sys.executable)


def program(name: str) -> Path:
    """Return a program that is installed beside our Python."""
    return PYTHON.parent / name


def tracking_server(settings: Settings) -> mlflow_server.TrackingServer:
    """Describe the tracking server."""
    return mlflow_server.TrackingServer(
        python=PYTHON,
        folder=settings.state_dir / "mlflow",
        secret_file=settings.secrets_dir / "mlflow-admin-password",
        port=settings.ports.tracking,
    )


def hub_settings(settings: Settings) -> hub_config.HubConfig:
    """Describe the hub and the front."""
    return hub_config.HubConfig(
        public_url=settings.public_url,
        public_port=settings.ports.front,
        hub_port=settings.ports.hub,
        control_plane_url=settings.api_url,
        people_port=settings.ports.gateway,
        proxy_api_port=settings.ports.proxy_api,
        state_dir=settings.state_dir,
        run_dir=settings.run_dir,
        secrets_dir=settings.secrets_dir,
        runtime_env=settings.notebook_env,
        idle_seconds=int(settings.notebook_idle.total_seconds()),
    )


def hub_config_path(settings: Settings) -> Path:
    """Return where the hub finds what it is told."""
    return settings.state_dir / "jupyterhub" / "hub.json"


def gateway_settings(settings: Settings) -> gateway_config.Config:
    """Describe the gateway."""
    return gateway_config.Config(
        grants_dir=settings.state_dir / "grants",
        doors_dir=settings.run_dir / "doors",
        attempts_dir=settings.state_dir / "attempts",
        key_file=settings.secrets_dir / "gateway-key",
        domain=settings.domain,
        port=settings.ports.gateway,
        public_port=settings.ports.front,
    )


def gateway_config_path(settings: Settings) -> Path:
    """Return where the gateway finds what it is told."""
    return settings.state_dir / "gateway" / "gateway.json"


def prepare(settings: Settings) -> None:
    """Write the configuration of every part. The secrets must be there."""
    storage.prepare(settings)
    mlflow_server.prepare(tracking_server(settings))
    for path in (hub_config_path(settings), gateway_config_path(settings)):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = gateway_settings(settings).model_dump_json(indent=2) + "\n"
    gateway_config_path(settings).write_text(told, encoding="utf-8")
    hub = hub_settings(settings)
    hub_config.write(hub, hub_config_path(settings))
    traefik.write(hub)


def parts(settings: Settings) -> tuple[Part, ...]:
    """Return every part, in the order they are started."""
    store = storage.part(settings)
    made = (
        *((store,) if store else ()),
        _tracking(settings),
        _gateway(settings),
        _proxy(settings),
        _hub(settings),
        _control_plane(settings),
    )
    names = [part.name for part in made]
    assert names == [name for name in NAMES if name in names]  # noqa: S101  # in one order
    return made


def environment(settings: Settings) -> dict[str, str]:
    """Return the settings as a part of ours reads them, and little else."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    chosen = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("LAB_") and name not in _NOT_SETTINGS
    }
    return (
        {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        | kept
        | chosen
        | {
            "HOME": str(settings.state_dir),
            "LAB_STATE_DIR": str(settings.state_dir),
            "LAB_RUN_DIR": str(settings.run_dir),
            "LAB_PORT": str(settings.port),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",
            # Our parts speak to loopback, and to the object store that others run: no proxy.
            "NO_PROXY": "*",
            "no_proxy": "*",
        }
    )


def _marked(settings: Settings, name: str, env: Mapping[str, str]) -> dict[str, str]:
    return dict(env) | mark(name, settings.state_dir)


def _tracking(settings: Settings) -> Part:
    server = tracking_server(settings)
    return Part(
        name="tracking",
        argv=mlflow_server.command(server),
        env=_marked(settings, "tracking", mlflow_server.environment(server)),
        cwd=server.folder,
        ready_url=mlflow_server.ready_url(server),
        ports=(server.port,),
        priority=20,
    )


def _gateway(settings: Settings) -> Part:
    return Part(
        name="gateway",
        argv=(
            *(str(PYTHON), "-m", "lab.gateway"),
            *("--settings", str(gateway_config_path(settings))),
        ),
        env=_marked(settings, "gateway", environment(settings)),
        cwd=gateway_config_path(settings).parent,
        ready_url=f"tcp://127.0.0.1:{settings.ports.gateway}",
        ports=(settings.ports.gateway,),
        priority=30,
    )


def _proxy(settings: Settings) -> Part:
    hub = hub_settings(settings)
    return Part(
        name="proxy",
        argv=traefik.command(hub, program("traefik")),
        env=_marked(settings, "proxy", {"PATH": "/usr/bin:/bin", "HOME": str(hub.proxy_dir)}),
        cwd=hub.proxy_dir,
        ready_url=traefik.ready_url(hub),
        ports=(hub.public_port, hub.proxy_api_port),
        priority=40,
    )


def _hub(settings: Settings) -> Part:
    hub = hub_settings(settings)
    env = environment(settings) | hub_process.environment(hub_config_path(settings))
    return Part(
        name="hub",
        argv=hub_process.command(PYTHON),
        env=_marked(settings, "hub", env),
        cwd=hub.hub_dir,
        ready_url=hub_process.ready_url(hub),
        ports=(hub.hub_port,),
        priority=50,
    )


def _control_plane(settings: Settings) -> Part:
    return Part(
        name="control-plane",
        argv=(str(PYTHON), "-m", "lab.web"),
        env=_marked(settings, "control-plane", environment(settings)),
        cwd=settings.state_dir,
        ready_url=f"{settings.api_url}/health/ready",
        ports=(settings.ports.control_plane,),
        priority=60,
    )
