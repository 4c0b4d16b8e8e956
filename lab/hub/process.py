"""How the hub is started: argument list, environment and readiness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lab.hub.config import ENV_VAR

if TYPE_CHECKING:
    from lab.hub.config import HubConfig

CONFIG_FILE = Path(__file__).with_name("jupyterhub_config.py")


def command(python: Path) -> tuple[str, ...]:
    """Return the argument list that starts the hub in the foreground.

    Args:
        python: The interpreter that has the lab installed.
    """
    return (str(python), "-m", "jupyterhub", "-f", str(CONFIG_FILE))


def environment(config_path: Path) -> dict[str, str]:
    """Return what must be in the hub's environment.

    Args:
        config_path: The JSON file written by ``lab.hub.config.write``.
    """
    return {
        ENV_VAR: str(config_path),
        "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
        "PYTHONUNBUFFERED": "1",
    }


def ready_url(config: HubConfig) -> str:
    """Return what answers 200 once the hub is up."""
    return f"{config.hub_url}/hub/api/health"
