"""The front: traefik's configuration, as pure functions of ours.

Two files of routes lie in the folder it watches: ``lab.yaml``, written once
from here, and the notebooks'. On one machine that is ``hub.toml``, which belongs to the
hub's proxy class; on a cluster ``hub.yaml``, which the front writes as the hub tells it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

import yaml

from lab.hub import csp

if TYPE_CHECKING:
    from pathlib import Path

    from lab.hub.config import HubConfig

API_USER = "hub"
ENTRY = "web"
API_ENTRY = "auth_api"
HUB_ROUTES = "hub.toml"
HANDED_ROUTES = "hub.yaml"
LAB_ROUTES = "lab.yaml"
STATIC = "traefik.yaml"

MEMBER_HOST = "m-[0-9a-f]{10}"
SANDBOX_HOST = "sb-[0-9a-f]{10}"

HUB_PATHS = (
    "/hub/login",
    "/hub/oauth_login",
    "/hub/oauth_callback",
    "/hub/logout",
    "/hub/api/oauth2/authorize",
)
"""What a browser's sign-in needs of the hub. The rest of it is not public."""

_SCHEME = "public-scheme"
_BY_ADDRESS = r"HostRegexp(`^(?:[0-9.]+|\[?[0-9a-fA-F:]+\]?)$`)"
"""A request for no name: the kubelet's."""

# Priorities, highest first: refusals, then what is named, then what is left.
_REFUSE, _FRAME, _NAMED, _HUB_REST, _STOPPED, _PORTAL = 9000, 8000, 7000, 6000, 3, 1
MEMBER_PRIORITY = 5000
FILES_PRIORITY = 5500


def static_config(config: HubConfig) -> dict[str, Any]:
    """Return what traefik reads once: where it listens, what it watches, no call outside."""
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            ENTRY: {
                "address": config.front_address,
                # Large uploads take longer than the default of 60 s.
                "transport": {
                    "respondingTimeouts": {"readTimeout": "3600s", "idleTimeout": "3600s"}
                },
                "forwardedHeaders": {"insecure": False}
                | ({"trustedIPs": list(config.trusted_proxies)} if config.trusted_proxies else {}),
                "http": {"aliasHeadersStrategy": "delete"}
                | ({"middlewares": [f"{_SCHEME}@file"]} if config.is_behind_tls else {}),
            },
            API_ENTRY: {"address": f"127.0.0.1:{config.proxy_api_port}"},
        },
        "providers": {
            "providersThrottleDuration": "0s",
            "file": {"directory": str(config.routes_dir), "watch": True},
        },
        "api": {"dashboard": False},
        "ping": {"manualRouting": True} if config.on_cluster else {"entryPoint": API_ENTRY},
        "log": {"level": "WARN", "noColor": True},
    }


def dynamic_config(config: HubConfig) -> dict[str, Any]:
    """Return the routes that do not depend on which servers run."""
    return {
        "http": {
            "routers": _portal_routers(config)
            | _hub_routers(config)
            | _member_routers(config)
            | _own_routers(config),
            "middlewares": _middlewares(config),
            "services": {
                "portal": _service(config.control_plane_url),
                "hub": _service(config.hub_url),
                "people": _service(config.people_service_url),
                "nobody": {"loadBalancer": {"servers": []}},
            },
        }
    }


def api_password(config: HubConfig) -> str:
    """Return the password of traefik's own API, which only the hub calls."""
    return config.derived_key("traefik-api").hex()


def write(config: HubConfig) -> Path:
    """Write both files; return the one to start traefik with."""
    config.routes_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    static = config.proxy_dir / STATIC
    _write(static, static_config(config))
    _write(config.routes_dir / LAB_ROUTES, dynamic_config(config))
    return static


def command(config: HubConfig, program: Path) -> tuple[str, ...]:
    """Return the argument list that starts traefik in the foreground.

    Args:
        config: What the hub was told.
        program: The traefik binary.
    """
    return (str(program), f"--configfile={config.proxy_dir / STATIC}")


def ready_url(config: HubConfig) -> str:
    """Return what answers 200 once traefik listens."""
    if config.on_cluster:
        return f"http://127.0.0.1:{config.public_port}/ping"
    return f"{api_url(config)}/ping"


def api_url(config: HubConfig) -> str:
    """Return where traefik's own API answers, on loopback."""
    return f"http://127.0.0.1:{config.proxy_api_port}"


def write_hub_routes(config: HubConfig, http: dict[str, Any], *, mark: str) -> None:
    """Put the notebooks' routes in force.

    Args:
        config: What the front was told.
        http: Routers, services and middlewares, as the hub hands them out.
        mark: Name of a middleware that does nothing, by which traefik's API tells that
            it has read them.
    """
    middlewares = {
        **http.get("middlewares", {}),
        mark: {"headers": {"sslProxyHeaders": {"X": mark}}},
    }
    _write(config.routes_dir / HANDED_ROUTES, {"http": http | {"middlewares": middlewares}})


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file at once: traefik must never read half of one."""
    draft = path.with_suffix(".draft")
    draft.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(path)


def _service(url: str) -> dict[str, Any]:
    return {"loadBalancer": {"servers": [{"url": url}], "passHostHeader": True}}


def _router(
    rule: str, service: str, priority: int, *middlewares: str, entry: str = ENTRY
) -> dict[str, Any]:
    router: dict[str, Any] = {
        "rule": rule,
        "service": service,
        "priority": priority,
        "entryPoints": [entry],
    }
    return router | ({"middlewares": list(middlewares)} if middlewares else {})


def member_rule(config: HubConfig) -> str:
    """Match the host of any member's notebooks."""
    return f"HostRegexp(`^{MEMBER_HOST}\\.{re.escape(config.domain)}$`)"


def _portal_routers(config: HubConfig) -> dict[str, Any]:
    names = " || ".join(f"Host(`{n}`)" for n in (config.domain, "localhost", "127.0.0.1"))
    sandbox = f"HostRegexp(`^{SANDBOX_HOST}\\.{re.escape(config.domain)}$`)"
    return {
        "portal": _router(names, "portal", _PORTAL),
        # What the launch order and the other back channels use is not for browsers.
        "portal-internal": _router(
            f"({names}) && (PathPrefix(`/internal/`) || Path(`/internal`))",
            "nobody",
            _REFUSE,
            "refuse",
        ),
        "people": _router(sandbox, "people", _NAMED),
    }


def _hub_routers(config: HubConfig) -> dict[str, Any]:
    host = f"Host(`{config.domain}`)"
    named = " || ".join(f"Path(`{path}`)" for path in HUB_PATHS)
    stopped = "PathPrefix(`/hub/user/`) || PathPrefix(`/hub/spawn-pending/`)"
    api = "PathPrefix(`/hub/api/`) || Path(`/hub/api`)"
    rest = "PathPrefix(`/hub/`) || Path(`/hub`)"
    return {
        "hub-named": _router(f"{host} && ({named})", "hub", _REFUSE, "no-credentials"),
        "hub-pages": _router(
            f"{host} && Method(`GET`) && ({stopped})", "hub", _NAMED, "no-credentials"
        ),
        "hub-api": _router(f"{host} && ({api})", "nobody", _NAMED, "refuse"),
        "hub-rest": _router(f"{host} && ({rest})", "nobody", _HUB_REST, "to-portal"),
    }


def _own_routers(config: HubConfig) -> dict[str, Any]:
    """Return the proxy's own: its API on loopback, and in a pod what the kubelet asks."""
    api = "Host(`127.0.0.1`) && PathPrefix(`/api`)"
    if not config.on_cluster:
        return {
            "proxy-api": _router(
                api, "api@internal", _NAMED, "proxy-api-password", entry=API_ENTRY
            )
        }
    # Only the front is on the other side of the pod's loopback.
    return {
        "proxy-api": _router(api, "api@internal", _NAMED, entry=API_ENTRY),
        "ping": _router(f"Path(`/ping`) && {_BY_ADDRESS}", "ping@internal", _REFUSE),
    }


def _member_routers(config: HubConfig) -> dict[str, Any]:
    member = member_rule(config)
    in_query = "Query(`token`) || QueryRegexp(`token`, `.*`)"
    by_socket = "HeaderRegexp(`Sec-Websocket-Protocol`, `(?i)v1\\.token\\.`)"
    return {
        # A token that left a sandbox must open nothing from outside.
        "member-token": _router(
            f"{member} && ({in_query} || {by_socket})", "nobody", _REFUSE, "refuse"
        ),
        # A notebook is only ever shown inside the portal's frame.
        "member-alone": _router(
            f"{member} && HeaderRegexp(`Sec-Fetch-Dest`, `^document$`)",
            "nobody",
            _FRAME,
            "to-frame",
        ),
        "member-stopped": _router(
            f"{member} && Method(`GET`) && PathPrefix(`/user/`) && !PathRegexp(`/api/`)",
            "hub",
            _STOPPED,
            "no-credentials",
        ),
        "member-rest": _router(member, "nobody", _PORTAL),
    }


def _middlewares(config: HubConfig) -> dict[str, Any]:
    member = f"{MEMBER_HOST}\\.{re.escape(config.domain)}"
    return {
        "refuse": {"ipAllowList": {"sourceRange": ["255.255.255.255/32"]}},
        "no-credentials": {
            "headers": {
                "customRequestHeaders": {"Authorization": "", "Proxy-Authorization": ""},
            }
        },
        "to-portal": {"redirectRegex": {"regex": "^.*$", "replacement": f"{config.public_url}/"}},
        "to-frame": {
            "redirectRegex": {
                "regex": f"^[a-z]+://{member}(?::[0-9]+)?/user/[^/]+/({SANDBOX_HOST})(?:/.*)?$",
                "replacement": f"{config.public_url}/bacs/${{1}}/atelier",
            }
        },
    } | (_of_a_pod(config) if config.on_cluster else _api_door(config))


def _of_a_pod(config: HubConfig) -> dict[str, Any]:
    """Say what browsers speak, whoever ended their TLS and whatever it says of it."""
    if not config.is_behind_tls:
        return {}
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}
    return {_SCHEME: {"headers": {"customRequestHeaders": told}}}


def _api_door(config: HubConfig) -> dict[str, Any]:
    digest = hashlib.sha1(api_password(config).encode(), usedforsecurity=False).digest()
    user = f"{API_USER}:{{SHA}}{base64.b64encode(digest).decode()}"
    # 256 random bits behind a quick digest: bcrypt would cost 0.2 s a call.
    return {"proxy-api-password": {"basicAuth": {"users": [user], "removeHeader": True}}}


def server_headers(config: HubConfig, authority: str, prefix: str) -> dict[str, dict[str, Any]]:
    """Return the middlewares of one notebook server: its pages, then its files.

    Args:
        config: What the hub was told.
        authority: Host and port of the member's notebooks.
        prefix: Path of the server.
    """
    request = {"Authorization": "", "Proxy-Authorization": ""}
    return {
        kind: {
            "headers": {
                "customRequestHeaders": request,
                "customResponseHeaders": csp.response_headers(
                    policy(config.public_url, authority, prefix)
                ),
            }
        }
        for kind, policy in (("pages", csp.notebook_policy), ("files", csp.file_policy))
    }
