"""What starts and stops a notebook server: a small protocol, and the real one."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lab.domain.errors import ProviderError
from lab.domain.ids import MemberId, SandboxId
from lab.hub.orders import LaunchRefusedError
from lab.providers.local import launch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.hub.orders import LaunchOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What is seen of one notebook server from outside.

    Attributes:
        port: Host loopback port that leads to it; 0 while there is none.
        exit_code: Once it ended; ``None`` if it runs or never did.
    """

    is_running: bool
    port: int = 0
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStart:
    """Everything a start needs."""

    order: LaunchOrder
    argv: tuple[str, ...]
    env: Mapping[str, str]
    runtime_env: Path
    run_dir: Path


class Launcher(Protocol):
    """Starts notebook servers that outlive the hub, and finds them again."""

    async def start(self, start: ServerStart) -> ServerStatus:
        """Start one server and return once its port leads somewhere."""
        ...

    async def status(self, run_dir: Path) -> ServerStatus:
        """Look at what runs under ``run_dir``."""
        ...

    async def stop(self, run_dir: Path) -> None:
        """End it and all it started. Ending what is not there succeeds."""
        ...


def resolve(name: str) -> Launcher:
    """Return a launcher by ``module:Class``."""
    module, _, attribute = name.partition(":")
    launcher: Launcher = getattr(importlib.import_module(module), attribute)()
    return launcher


class KeeperLauncher:
    """Servers in sandboxes of this machine, each under a keeper of its own."""

    async def start(self, start: ServerStart) -> ServerStatus:
        """Start a keeper; it builds the sandbox and forwards a loopback port to it.

        Raises:
            LaunchRefusedError: The sandbox could not be built, or ended at once.
        """
        order = start.order
        spec = launch.LaunchSpec(
            sandbox_id=SandboxId(order.sandbox_id),
            member_id=MemberId(order.member_id),
            uid=order.uid,
            resources=order.resources.as_domain(),
            home=order.home,
            datasets=tuple((dataset.id, dataset.path) for dataset in order.datasets),
            doors_dir=order.doors_dir,
            doors=order.doors,
            runtime_env=start.runtime_env,
            env=dict(start.env),
            argv=start.argv,
        )
        try:
            keeper = await asyncio.to_thread(launch.start, spec, start.run_dir)
        except ProviderError as error:
            raise LaunchRefusedError(
                f"Le bac à sable n’a pas pu démarrer : {error.message}"
            ) from error
        if not keeper.is_running or not keeper.port:
            raise LaunchRefusedError("Le carnet s’est arrêté aussitôt démarré.")
        return _status(keeper)

    async def status(self, run_dir: Path) -> ServerStatus:
        """Read what the keeper wrote, and check that it lives."""
        return _status(await asyncio.to_thread(launch.status, run_dir))

    async def stop(self, run_dir: Path) -> None:
        """End the keeper, and everything in the sandbox with it."""
        await asyncio.to_thread(launch.stop, run_dir)


def _status(keeper: launch.Keeper) -> ServerStatus:
    return ServerStatus(is_running=keeper.is_running, port=keeper.port, exit_code=keeper.exit_code)
