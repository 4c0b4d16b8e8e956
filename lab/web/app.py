"""The FastAPI application."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from lab.domain.secret import Secret
from lab.web import describing, errors, theme
from lab.web.access import without_rule
from lab.web.environments import STATIC, theme_faults
from lab.web.gate import Gate
from lab.web.metrics import Traffic
from lab.web.pages import ROUTERS as PAGES
from lab.web.routes import ROUTERS as ROUTES
from lab.web.throttle import Throttle
from lab.web.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.responses import Response
    from starlette.types import Scope

    from lab.settings import Settings
    from lab.web.wiring import Lab

log = logging.getLogger(__name__)

FILES = Path(__file__).parent / "static"
WATCHED = frozenset({
    *("/health/live", "/health/ready", "/health/contained", "/health/reconciled", "/metrics")
})
"""A kubelet and Prometheus ask for these by an address that nobody knows before."""


class RouteWithoutRuleError(Exception):
    """A route does not say who may call it. Nothing is served until it does."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"routes without a rule: {', '.join(names)}")


def create_app(lab: Lab, *, run_controller: bool = True) -> FastAPI:
    """Serve ``lab`` over HTTP.

    Args:
        lab: What the composition root built.
        run_controller: Whether the controller runs in the same process.

    Raises:
        RouteWithoutRuleError: A route declares no rule.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        loops = [asyncio.create_task(lab.controller.run())] if run_controller else []
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    app = FastAPI(
        title=describing.TITLE,
        version=describing.VERSION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.lab = lab
    app.state.throttle = Throttle(lab.clock)
    app.state.traffic = Traffic()
    app.state.has_loop = run_controller
    _read_secrets(app, lab.settings)
    for router in (*ROUTES, *PAGES):
        if names := without_rule(router.routes):
            raise RouteWithoutRuleError(names)
        app.include_router(router)
    app.mount(STATIC, StaticFiles(directory=FILES), name="static")
    app.mount(theme.THEME, ThemeFiles(lab.settings.theme_dir), name="theme")
    _tell_of_theme(lab.settings.theme_dir)
    errors.install(app)
    app.add_middleware(
        Gate,
        hosts=hosts(lab.settings),
        aliases=aliases(lab.settings),
        public_url=lab.settings.public_url,
        tell=errors.tell,
        anywhere=frozenset() if lab.settings.cluster is None else WATCHED,
    )
    app.add_middleware(Watch, traffic=app.state.traffic)  # added last: around everything
    return app


class ThemeFiles(StaticFiles):
    """Serves the files of a theme: of few types, none hidden, none outside of its folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder / "static", check_dir=False)

    async def check_config(self) -> None:
        """Do without the folder: there need not be one, and it may come later."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with one file.

        Raises:
            HTTPException: There is none that is served.
        """
        if not theme.is_served(path):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        response = await super().get_response(path, scope)
        # Not what the machine's own tables guess: browsers are told to believe it.
        response.headers["Content-Type"] = theme.TYPES[Path(path).suffix.lower()]
        return response


def _tell_of_theme(folder: Path) -> None:
    for fault in theme_faults(folder):
        said = {"file": fault.file, "why": fault.why, "detail": fault.detail}
        log.warning("the theme has a fault; 'lab doctor' says what to do", extra=said)


def hosts(settings: Settings) -> frozenset[str]:
    """Return the ``Host`` headers that are the portal's. A notebook's is not."""
    named = urlsplit(settings.public_url).netloc
    port = settings.ports.control_plane
    own = urlsplit(settings.api_url).netloc
    return frozenset({named, own, f"127.0.0.1:{port}", f"localhost:{port}"})


def aliases(settings: Settings) -> frozenset[str]:
    """Return other names of the front, which lead to its public one."""
    port = settings.port if settings.cluster is None else urlsplit(settings.public_url).port
    names = frozenset(f"{name}:{port}" for name in ("localhost", "127.0.0.1"))
    return names - hosts(settings)


def _read_secrets(app: FastAPI, settings: Settings) -> None:
    app.state.gateway_token = None
    names = {
        "session_key": "session-key",
        "hub_token": "hub-api-token",
        "client_secret": "hub-oauth-secret",
        "gateway_key": "gateway-key",
    }
    if settings.cluster is not None:
        names |= {"gateway_token": "gateway-token"}
    app.state.metrics_token = None
    if (settings.secrets_dir / "metrics-token").exists():
        names |= {"metrics_token": "metrics-token"}
    for attribute, name in names.items():
        secret = Secret.checked(settings.secret(name), name=name)
        setattr(app.state, attribute, secret.reveal().encode())
