"""The hub's settings, as a pure function of what it was told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.hub import csp, traefik
from lab.hub.authenticator import PortalAuthenticator

if TYPE_CHECKING:
    from lab.hub.config import HubConfig

TEMPLATES = Path(__file__).parent / "templates"

SERVICE = "lab-control"
SERVICE_SCOPES = (
    "admin:users",
    "servers",
    "delete:servers",
    "read:servers",
    "list:users",
    "read:hub",
)
"""Make the users of members; make, start, stop and delete their servers; look."""

USER_SCOPES = (
    "access:servers!user",
    "read:users:name!user",
    "read:users:groups!user",
    "users:activity!user",
)
"""A person opens their own servers. Starting them goes through the portal."""


def traits(config: HubConfig) -> dict[str, dict[str, Any]]:
    """Return every setting of the hub, by class."""
    return {
        "JupyterHub": _hub(config),
        "CryptKeeper": {"keys": [config.derived_key("auth-state")]},
        "PortalAuthenticator": _authenticator(config),
        "Spawner": {
            "default_url": "/lab",
            "start_timeout": config.start_timeout_seconds,
            "http_timeout": config.http_timeout_seconds,
            "poll_interval": config.poll_seconds,
            "disable_user_config": True,
            "env_keep": [],
            "consecutive_failure_limit": 0,
        },
    } | (_of_a_cluster(config) if config.on_cluster else _of_one_machine(config))


def _of_one_machine(config: HubConfig) -> dict[str, dict[str, Any]]:
    return {
        "LocalSandboxSpawner": {"lab": config},
        "LabTraefikProxy": _routes(config)
        | {
            "traefik_api_url": traefik.api_url(config),
            "traefik_api_password": traefik.api_password(config),
        },
    }


def _of_a_cluster(config: HubConfig) -> dict[str, dict[str, Any]]:
    return {
        "KubernetesSandboxSpawner": {"lab": config},
        "FrontProxy": _routes(config)
        | {
            "dynamic_config_file": str(config.hub_dir / traefik.HUB_ROUTES),
            "front_token": config.front_token(),
            # Unused, and asked for: nobody here calls a traefik.
            "traefik_api_password": config.front_token(),
        },
    }


def _routes(config: HubConfig) -> dict[str, Any]:
    return {
        "lab": config,
        "should_start": False,
        "enable_setup_dynamic_config": False,
        "dynamic_config_file": str(config.routes_dir / traefik.HUB_ROUTES),
        "traefik_api_username": traefik.API_USER,
        "traefik_api_hashed_password": "unused",
        "traefik_entrypoint": traefik.ENTRY,
        "check_route_timeout": 30,
    }


def _classes(config: HubConfig) -> dict[str, Any]:
    """Return what starts servers and what leads to them; the other runtime's is not loaded."""
    if not config.on_cluster:
        from lab.hub.proxy import LabTraefikProxy  # noqa: PLC0415
        from lab.hub.spawner import LocalSandboxSpawner  # noqa: PLC0415

        return {"spawner_class": LocalSandboxSpawner, "proxy_class": LabTraefikProxy}
    from lab.hub.kube_spawner import KubernetesSandboxSpawner  # noqa: PLC0415
    from lab.hub.proxy_front import FrontProxy  # noqa: PLC0415

    return {"spawner_class": KubernetesSandboxSpawner, "proxy_class": FrontProxy}


def _hub(config: HubConfig) -> dict[str, Any]:
    return {
        "bind_url": f"http://127.0.0.1:{config.public_port}",
        "hub_bind_url": config.hub_bind_url,
        **({"hub_connect_url": config.hub_url} if config.on_cluster else {}),
        "public_url": f"{config.public_url}/",
        "subdomain_host": config.public_url,
        "hub_routespec": f"{config.domain}/hub/",
        "db_url": config.database(),
        "upgrade_db": config.on_cluster,
        "cookie_secret": config.derived_key("cookies"),
        "template_paths": [str(TEMPLATES)],
        "template_vars": {"portal_url": config.public_url},
        "authenticator_class": PortalAuthenticator,
        **_classes(config),
        "allow_named_servers": True,
        "default_url": f"{config.public_url}/",
        "redirect_to_server": False,
        "implicit_spawn_seconds": 0,
        "shutdown_on_logout": False,
        "cleanup_servers": False,
        "cleanup_proxy": False,
        "concurrent_spawn_limit": config.concurrent_spawn_limit,
        "active_server_limit": config.active_server_limit,
        "init_spawners_timeout": 10,
        "last_activity_interval": 300,
        "service_check_interval": 0,
        "authenticate_prometheus": True,
        "tornado_settings": {
            "headers": {
                "Content-Security-Policy": csp.hub_policy(config.public_url),
                "Referrer-Policy": "same-origin",
                "X-Content-Type-Options": "nosniff",
            },
            "slow_spawn_timeout": 0,
        },
        "services": [
            {"name": SERVICE, "api_token": config.secret("hub-api-token"), "display": False}
        ],
        "load_roles": [
            {"name": SERVICE, "scopes": list(SERVICE_SCOPES), "services": [SERVICE]},
            {"name": "user", "scopes": list(USER_SCOPES)},
        ],
    }


def _authenticator(config: HubConfig) -> dict[str, Any]:
    back = config.control_plane_url
    return {
        "client_id": "hub",
        "client_secret": config.secret("hub-oauth-secret"),
        "authorize_url": f"{config.public_url}/oauth/authorize",
        "token_url": f"{back}/oauth/token",
        "userdata_url": f"{back}/oauth/userinfo",
        "oauth_callback_url": f"{config.public_url}/hub/oauth_callback",
        "username_claim": "sub",
        "scope": ["openid"],
        "enable_pkce": True,
        "auto_login": True,
        # The portal decides who exists; nobody else can sign anybody in.
        "allow_all": True,
        "enable_auth_state": True,
        "auth_refresh_age": config.oauth_refresh_seconds,
        "auth_refresh_strict": True,
        # A start asked for by the portal is decided by its launch order.
        "refresh_pre_spawn": False,
        "logout_redirect_url": f"{config.public_url}/",
    }
