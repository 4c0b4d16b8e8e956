"""``/live`` for whoever watches over the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from lab.sockets import listening

if TYPE_CHECKING:
    from lab.reconciling.lease import Elector


class Health:
    """Answers that the process lives, and whether it leads."""

    def __init__(self, elector: Elector, *, port: int, host: str = "::") -> None:
        self._elector, self._host, self._port = elector, host, port
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None))
        await self._runner.setup()
        await web.SockSite(self._runner, listening(self._host, self._port)).start()

    async def aclose(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.path != "/live":
            return web.Response(status=404)
        said = {
            "live": True,
            "leading": self._elector.is_leader(),
            "holder": self._elector.holder,
        }
        return web.json_response(said)
