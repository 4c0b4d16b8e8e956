"""How a notebook server is started inside a sandbox: argument list and environment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from lab.domain.egress import DOOR_PORTS, Door

if TYPE_CHECKING:
    from collections.abc import Mapping

INSIDE_ENV = "/opt/notebook"
INSIDE_HOME = "/home/scientist"
INSIDE_PORT = 8888
DOOR_URL = f"http://127.0.0.1:{DOOR_PORTS[Door.HUB]}"
"""The hub, as the sandbox reaches it."""

_KEPT_OUT = ("JPY_API_TOKEN", "JUPYTERHUB_ADMIN_ACCESS", "PATH", "HOME", "VIRTUAL_ENV")


def arguments(default_url: str, *, sign_in_seconds: int) -> tuple[str, ...]:
    """Return what runs in the sandbox.

    Args:
        default_url: What opens first, below the server's prefix.
        sign_in_seconds: How long the server may believe a sign-in without asking the hub.
    """
    return (
        f"{INSIDE_ENV}/bin/jupyterhub-singleuser",
        f"--ServerApp.root_dir={INSIDE_HOME}",
        f"--ServerApp.default_url={default_url}",
        "--ServerApp.allow_remote_access=True",
        "--ServerApp.quit_button=False",
        "--ServerApp.websocket_ping_interval=20000",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        "--LabApp.extension_manager=readonly",
        "--ContentsManager.allow_hidden=False",
        # What is deleted is gone: a full home could not be emptied otherwise.
        "--FileContentsManager.delete_to_trash=False",
        "--IdentityProvider.token=",
        f"--HubOAuth.cache_max_age={sign_in_seconds}",
    )


def environment(
    hub_env: Mapping[str, str], order_env: Mapping[str, str], door_token: str
) -> dict[str, str]:
    """Return the sandbox's environment: the hub's part rewritten to the door.

    The hub's variables win over the order's, and the door token over the hub's.
    """
    env = {**order_env, **{k: v for k, v in hub_env.items() if k not in _KEPT_OUT}}
    for name in ("JUPYTERHUB_API_URL", "JUPYTERHUB_ACTIVITY_URL"):
        if name in env:
            env[name] = _at_the_door(env[name])
    return env | {
        "JUPYTERHUB_API_TOKEN": door_token,
        "JUPYTERHUB_ALLOW_TOKEN_IN_URL": "0",
        "JUPYTERHUB_DISABLE_USER_CONFIG": "1",
    }


def _at_the_door(url: str) -> str:
    parts = urlsplit(url)
    door = urlsplit(DOOR_URL)
    return urlunsplit((door.scheme, door.netloc, parts.path, parts.query, ""))
