"""The front in a pod of its own: traefik, and the notebooks' routes as the hub hands them out.

``python -m lab.hub.front`` starts traefik with the routes it has, asks the hub for
others for ever, and ends when traefik does. A hub that is away changes nothing: what it
handed out last stays in force, and open connections stay open.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sys
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from lab.hub import on_cluster, traefik

if TYPE_CHECKING:
    from lab.hub.config import HubConfig

log = logging.getLogger("lab.hub.front")

PATH = "/lab/routes"
"""Where the hub hands out the routes. No public name leads there."""

HOLD_SECONDS = 20.0
"""How long an answer may wait for something to tell."""

FIRST_SECONDS = 10.0
"""How long traefik's start waits for the first routes: better none than no portal."""

RETRY_SECONDS = 0.5
IN_FORCE_SECONDS = 5.0
MARK = "routes-{version}"


class Front:
    """Keeps one traefik's notebook routes as the hub wants them.

    Args:
        config: What the hub and the front were told.
        name: Tells this front from its replicas.
    """

    def __init__(self, config: HubConfig, *, name: str) -> None:
        self._config, self._name = config, name
        self._token = config.front_token()
        self._version = ""
        self._has_some = asyncio.Event()

    async def run(self, program: Path) -> int:
        """Run traefik until it ends or we are told to; return its exit code."""
        traefik.write(self._config)
        mirroring = asyncio.create_task(self.mirror())
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await self._has_some.wait()
        except TimeoutError:
            log.warning("the hub does not answer yet; starting without its routes")
        child = await asyncio.create_subprocess_exec(*traefik.command(self._config, program))
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, child.terminate)
        try:
            return await child.wait()
        finally:
            mirroring.cancel()

    async def mirror(self) -> None:
        """Ask for routes, and put them in force, for ever."""
        timeout = aiohttp.ClientTimeout(total=HOLD_SECONDS + 10, connect=5)
        headers = {"Authorization": f"Bearer {self._token}"}
        async with aiohttp.ClientSession(
            timeout=timeout, headers=headers, trust_env=False
        ) as session:
            was_away = False
            while True:
                try:
                    await self._ask(session)
                    was_away = False
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError) as error:
                    if not was_away:
                        log.warning("no routes from the hub (%s); keeping what is there", error)
                    was_away = True
                    await asyncio.sleep(RETRY_SECONDS)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        params = {"front": self._name, "has": self._version}
        url = self._config.hub_url + PATH
        async with session.get(url, params=params) as answer:
            if answer.status == HTTPStatus.NO_CONTENT:
                return
            answer.raise_for_status()
            body: dict[str, Any] = json.loads(await answer.text())
        version, http = str(body["version"]), dict(body["http"])
        mark = MARK.format(version=version.replace(".", "-"))
        traefik.write_hub_routes(self._config, http, mark=mark)
        if self._has_some.is_set():
            await self._until_in_force(mark)
        self._has_some.set()
        self._version = version

    async def _until_in_force(self, mark: str) -> None:
        """Wait for traefik to have read them: without it a start is called ready too soon."""
        url = f"{traefik.api_url(self._config)}/api/http/middlewares/{mark}@file"
        deadline = asyncio.get_running_loop().time() + IN_FORCE_SECONDS
        # A session of its own: the hub's token is no business of what answers here.
        async with aiohttp.ClientSession(trust_env=False) as session:
            while asyncio.get_running_loop().time() < deadline:
                try:
                    async with session.get(url) as answer:
                        if answer.status == HTTPStatus.OK:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)
        log.warning("traefik has not taken the routes %s", mark)


def main() -> int:
    """Run the front of this pod."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    os.umask(0o077)
    beside = Path(sys.executable).parent / "traefik"
    program = beside if beside.exists() else Path(shutil.which("traefik") or beside)
    front = Front(on_cluster.configuration(), name=socket.gethostname())
    return asyncio.run(front.run(program))


if __name__ == "__main__":
    sys.exit(main())
