"""How a notebook server is started inside a sandbox: argument list and environment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from lab.domain.egress import DOOR_PORTS, Door

if TYPE_CHECKING:
    from collections.abc import Mapping

INSIDE_ENV = "/opt/notebook"
INSIDE_HOME = "/home/scientist"
INSIDE_PORT = 8888
DOOR_URL = f"http://127.0.0.1:{DOOR_PORTS[Door.HUB]}"
"""The hub, as the sandbox reaches it."""

_TOLD_EVERY = 300
"""The hub's own default, in seconds."""

_KEPT_OUT = (
    "JPY_API_TOKEN",
    "JUPYTERHUB_ADMIN_ACCESS",
    "PATH",
    "HOME",
    "VIRTUAL_ENV",
    "JUPYTER_IMAGE",
    "JUPYTER_IMAGE_SPEC",
)


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


def first_page(template: str, entry: str) -> str:
    """Return what opens first: the template where it was copied to, or an empty workspace.

    Args:
        template: The folder of the home that holds it.
        entry: A file in it.
    """
    return f"/lab/tree/{quote(f'{template}/{entry}')}" if template and entry else "/lab"


def environment(
    hub_env: Mapping[str, str],
    order_env: Mapping[str, str],
    *,
    token: str,
    hub_url: str,
    idle_seconds: int,
) -> dict[str, str]:
    """Return the sandbox's environment: the hub's part rewritten to how the sandbox reaches it.

    The hub's variables win over the order's, and what is given here over the hub's.

    Args:
        hub_env: What JupyterHub hands to a server.
        order_env: What the launch order says.
        token: What the server shows to the hub.
        hub_url: The hub as the sandbox reaches it.
        idle_seconds: After how long without any use it ends; 0 for never.
    """
    env = {**order_env, **{k: v for k, v in hub_env.items() if k not in _KEPT_OUT}}
    for name in ("JUPYTERHUB_API_URL", "JUPYTERHUB_ACTIVITY_URL"):
        if name in env:
            env[name] = _moved(env[name], hub_url)
    return env | {
        "JUPYTERHUB_API_TOKEN": token,
        "JUPYTERHUB_ALLOW_TOKEN_IN_URL": "0",
        "JUPYTERHUB_DISABLE_USER_CONFIG": "1",
        "LAB_IDLE_SECONDS": str(idle_seconds),
        "JUPYTERHUB_ACTIVITY_INTERVAL": str(_told_every(idle_seconds)),
    }


def _told_every(idle_seconds: int) -> int:
    """Return after how many seconds a server tells anew when it was used.

    Often enough that who uses it is not told that it ends: a notice comes a quarter of the limit
    before that, or later.
    """
    return min(_TOLD_EVERY, max(1, idle_seconds // 8)) if idle_seconds else _TOLD_EVERY


def _moved(url: str, to: str) -> str:
    parts, door = urlsplit(url), urlsplit(to)
    return urlunsplit((door.scheme, door.netloc, parts.path, parts.query, ""))
