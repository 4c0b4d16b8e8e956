"""``python -m lab.web``: the control plane, on loopback; on a cluster the API, everywhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvicorn

from lab import bootstrap, logs
from lab.domain.errors import LabError
from lab.settings import BadSettingsError, from_environment
from lab.sockets import listening
from lab.web.app import create_app

if TYPE_CHECKING:
    from lab.settings import Settings


async def serve(settings: Settings) -> None:
    """Serve until told to stop. On a cluster the loop runs in a process of its own."""
    on_machine = settings.runtime == "machine"
    has_loop = on_machine and settings.role == "all"
    lab = await bootstrap.build(settings, acts=on_machine)
    try:
        config = uvicorn.Config(
            create_app(lab, run_controller=has_loop),
            host="127.0.0.1",
            port=settings.ports.control_plane,
            log_level="info",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=5,
        )
        sockets = None
        if not on_machine:
            sockets = [listening("::", settings.ports.control_plane)]
        await uvicorn.Server(config).serve(sockets=sockets)
    finally:
        await lab.aclose()


def main() -> None:
    """Read the settings from the environment and serve."""
    logs.start()
    try:
        asyncio.run(serve(from_environment()))
    except (BadSettingsError, LabError, OSError) as error:
        raise SystemExit(f"lab.web: {error}") from None


if __name__ == "__main__":
    main()
