from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from lab.domain.token import TokenKind
from lab.web.app import create_app
from tests.conftest import FixedClock
from tests.web.conftest import build_lab, settings_in
from tests.web.live import free_port, served
from tests.web.scenes import stage_everything

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from tests.web.conftest import WebLab
    from tests.web.scenes import Scene

T = TypeVar("T")


class Served:
    """A lab that is served from a thread of its own, for tests that are not asynchronous."""

    def __init__(self, folder: Path, *, as_front: bool = False, is_staged: bool = True) -> None:
        self._folder, self._as_front, self._ready = folder, as_front, threading.Event()
        self._is_staged = is_staged
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.url, self.token = "", ""
        self.lab: WebLab | None = None
        self.scene: Scene | None = None

    async def _run(self) -> None:
        port = free_port()
        settings = settings_in(self._folder, port)
        self.lab = await build_lab(settings, FixedClock())
        if self._is_staged:
            self.scene = await stage_everything(self.lab)
        self.token = await self.lab.members.issue(self.lab.people["o.lavoie"], TokenKind.API)
        listens = settings.port if self._as_front else settings.ports.control_plane
        self.url = settings.public_url if self._as_front else f"http://127.0.0.1:{listens}"
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = create_app(self.lab, run_controller=False)
        async with served(app, listens):
            self._ready.set()
            await self._stop.wait()
        await self.lab.store.aclose()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the lab's own loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    @contextmanager
    def running(self) -> Iterator[Served]:
        """Serve until the block ends."""
        self._thread.start()
        assert self._ready.wait(30)
        try:
            yield self
        finally:
            assert self._loop is not None
            assert self._stop is not None
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(30)
