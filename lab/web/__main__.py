"""``python -m lab.web``: the control plane, on loopback."""

from __future__ import annotations

import asyncio
import logging

import uvicorn

from lab import bootstrap
from lab.settings import Settings
from lab.web.app import create_app


async def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    lab = await bootstrap.build(settings)
    try:
        config = uvicorn.Config(
            create_app(lab),
            host="127.0.0.1",
            port=settings.ports.control_plane,
            log_level="info",
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips="127.0.0.1",
            timeout_graceful_shutdown=5,
        )
        await uvicorn.Server(config).serve()
    finally:
        await lab.aclose()


def main() -> None:
    """Read the settings from the environment and serve."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    asyncio.run(serve(Settings()))


if __name__ == "__main__":
    main()
