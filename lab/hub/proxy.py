"""The hub's side of the front: traefik's file provider, with our headers on every server."""

from __future__ import annotations

from typing import Any

from jupyterhub_traefik_proxy.fileprovider import TraefikFileProviderProxy
from traitlets import Instance

from lab.hub import traefik
from lab.hub.config import HubConfig

FILES = "`/(files|nbconvert|view|static/htmlviewer)/`"


class LabTraefikProxy(TraefikFileProviderProxy):  # type: ignore[misc]  # it ships no types
    """Adds to each notebook server's route what keeps a browser inside.

    A server gets two routers: its pages, and the files and exports in it, which
    may be any page and so get a narrower policy.
    """

    lab = Instance(HubConfig, config=True, help="What the hub was told at its start.")

    def _dynamic_config_for_route(
        self, routespec: str, target: str, data: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        config, known = super()._dynamic_config_for_route(routespec, target, data)
        if "user" not in data:
            return config, known
        routers = config["http"]["routers"]
        (alias,) = routers
        router = routers[alias]
        host, _, path = routespec.partition("/")
        authority = self.lab.public_authority.replace(self.lab.domain, host, 1)
        headers = traefik.server_headers(self.lab, authority, f"/{path}")
        config["http"]["middlewares"] = {f"{alias}-{kind}": h for kind, h in headers.items()}
        routers[f"{alias}-files"] = router | {
            "rule": f"{router['rule']} && PathRegexp({FILES})",
            "priority": traefik.FILES_PRIORITY,
            "middlewares": [f"{alias}-files"],
        }
        router |= {"priority": traefik.MEMBER_PRIORITY, "middlewares": [f"{alias}-pages"]}
        routers[alias] = router
        return config, known

    def _persist_dynamic_config(self) -> None:
        """Write the routes, without the table of middlewares once its last entry is gone.

        The library drops other empty tables and does not know ours. With it, a
        traefik that starts reads nothing of the file, and no route is left.
        """
        http = self.dynamic_config.get("http", {})
        if not http.get("middlewares", True):
            del http["middlewares"]
        super()._persist_dynamic_config()

    def _keys_for_route(self, routespec: str) -> tuple[Any, Any]:
        (router, service), known = super()._keys_for_route(routespec)
        alias = router[-1]
        ours = [["http", "routers", f"{alias}-files"]]
        ours += [["http", "middlewares", f"{alias}-{kind}"] for kind in ("pages", "files")]
        return (router, service, *ours), known
