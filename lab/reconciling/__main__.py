"""``python -m lab.reconciling``: the loop on a cluster, in whichever replica holds the lease."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
from typing import TYPE_CHECKING

from lab import bootstrap, logs
from lab.domain.errors import LabError
from lab.providers.kubernetes.client import Client
from lab.reconciling.cluster_lease import ClusterLease
from lab.reconciling.health import Health
from lab.reconciling.leading import Leading
from lab.reconciling.lease import Elector
from lab.settings import BadSettingsError, from_environment

if TYPE_CHECKING:
    from lab.bootstrap import Outside
    from lab.settings import Settings

log = logging.getLogger(__name__)

HEALTH_OFFSET = 2
"""From the first port: 8002 in a pod."""
LOST = 3
"""The process ends with this where it may not act any more."""


async def serve(settings: Settings, *, systems: Outside | None = None) -> None:
    """Serve until told to stop, or until this process may not act any more.

    Args:
        settings: Of this process.
        systems: Instead of those that the settings choose.
    """
    # A client of its own: the loop's many calls must not keep a renewal waiting.
    client = Client(settings.kubeconfig)
    lease = ClusterLease(client, namespace=settings.on_cluster.namespace)
    elector = Elector(lease, identity=identity())
    health = Health(elector, port=settings.port + HEALTH_OFFSET)
    await health.start()  # before the database, which may come late
    lab = await bootstrap.build(settings, systems=systems, guard=elector.check)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    in_order = await Leading(elector=elector, controller=lab.controller).run(stop)
    if not in_order:
        # Not another await: what is under way may write at each of them.
        log.critical("this process may not act any more: it ends")
        logging.shutdown()
        os._exit(LOST)
    await health.aclose()
    await lab.aclose()
    await client.aclose()


def identity() -> str:
    """Name this very process: a container that was started again is another one."""
    return f"{os.environ.get('POD_NAME') or socket.gethostname()}_{secrets.token_hex(4)}"


def main() -> None:
    """Read the settings from the environment and serve."""
    logs.start()
    try:
        asyncio.run(serve(from_environment()))
    except (BadSettingsError, LabError, OSError, ValueError) as error:
        raise SystemExit(f"lab.reconciling: {error}") from None


if __name__ == "__main__":
    main()
