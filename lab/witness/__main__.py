"""``python -m lab.witness``: listen, count, and answer the control plane, until told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from lab.witness.arrivals import Arrivals
from lab.witness.control import Control
from lab.witness.listeners import Listeners

if TYPE_CHECKING:
    from collections.abc import Mapping

PORTS = (22, 53, 80, 443, 3128, 5000, 5432, 8000, 8081, 8888, 9000, 9001, 20000)
"""Where services of people, of the lab and of other sandboxes listen, doors among them."""
CONTROL_PORT = 8090
_log = logging.getLogger("lab.witness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the environment says.

    Attributes:
        token: Who asks us must give it.
        node: Of the downward API; so are ``node_addresses``.
    """

    token: str
    node: str
    node_addresses: tuple[str, ...] = ()
    ports: tuple[int, ...] = PORTS
    control_host: str | None = None
    control_port: int = CONTROL_PORT


def read(env: Mapping[str, str]) -> Config:
    """Read the configuration.

    Raises:
        ValueError: It is wrong; the message says what to correct.
    """
    secrets = Path(env.get("LAB_STATE_DIR", "/var/lib/lab"), "secrets", "witness-token")
    path = Path(env.get("LAB_WITNESS_TOKEN_FILE") or secrets)
    try:
        token = path.read_text("ascii").strip()
    except OSError as error:
        raise ValueError(f"LAB_WITNESS_TOKEN_FILE: cannot read {path}") from error
    if len(token) < 16:  # noqa: PLR2004
        raise ValueError(f"LAB_WITNESS_TOKEN_FILE: {path} holds no token")
    try:
        ports = tuple(map(int, filter(None, env.get("LAB_WITNESS_PORTS", "").split(","))))
        control_port = int(env.get("LAB_WITNESS_CONTROL_PORT", CONTROL_PORT))
    except ValueError as error:
        raise ValueError("LAB_WITNESS_PORTS: numbers, with commas between them") from error
    return Config(
        token=token,
        node=env.get("LAB_NODE", ""),
        node_addresses=tuple(filter(None, env.get("LAB_NODE_ADDRESSES", "").split(","))),
        ports=ports or PORTS,
        control_host=env.get("LAB_WITNESS_CONTROL_HOST") or None,
        control_port=control_port,
    )


async def serve(config: Config) -> None:
    """Serve until SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    arrivals = Arrivals()
    async with Listeners(arrivals, config.ports) as listeners:
        control = Control(
            token=config.token,
            node=config.node,
            node_addresses=config.node_addresses,
            arrivals=arrivals,
            listeners=listeners,
        )
        runner = web.AppRunner(control.app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, config.control_host, config.control_port).start()
        _log.info("listening", extra={"ports": sorted(listeners.listening.tcp)})
        try:
            await ended.wait()
        finally:
            await runner.cleanup()


def main() -> int:
    """Run, and return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        config = read(os.environ)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    asyncio.run(serve(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
