"""A real control plane in a thread of its own, as the gateway of a cluster finds it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.fernet import Fernet

from lab.settings import Settings
from lab.store import SqlGrants
from lab.web.app import create_app
from tests.conftest import FixedClock, make_sandbox
from tests.web.conftest import build_lab, settings_in
from tests.web.live import free_port, served

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from lab.domain.attempt import BlockedAttempt
    from lab.domain.ids import SandboxId
    from tests.web.conftest import WebLab

T = TypeVar("T")
TOKEN = "m1n2b3v4c5x6z7l8k9j0h1g2"
DIGEST = "registry:5000/x@sha256:" + "a" * 64


class Office:
    """Can be stopped and started again; what it keeps stays."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._serving: AbstractAsyncContextManager[None] | None = None
        self.lab: WebLab | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_file(self) -> Path:
        return self._folder / "gateway-token"

    @contextmanager
    def running(self) -> Iterator[Office]:
        self._thread.start()
        self.call(self._build())
        self.start()
        try:
            yield self
        finally:
            self.stop()
            assert self.lab is not None
            self.call(self.lab.store.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(30)
            self._loop.close()

    def start(self) -> None:
        async def enter() -> None:
            assert self.lab is not None
            self._serving = served(create_app(self.lab, run_controller=False), self.port)
            await self._serving.__aenter__()

        self.call(enter())

    def stop(self) -> None:
        async def leave() -> None:
            serving, self._serving = self._serving, None
            if serving is not None:
                await serving.__aexit__(None, None, None)

        self.call(leave())

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def know(self, sandbox_id: SandboxId) -> None:
        """Have a row for it: attempts of others are dropped."""

        async def put() -> None:
            assert self.lab is not None
            async with self.lab.store.begin() as tx:
                await tx.sandboxes.put(make_sandbox(sandbox_id))

        self.call(put())

    def grant(self, sandbox_id: SandboxId, name: str, values: Mapping[str, Any]) -> None:
        self.call(self._grants().write(sandbox_id, name, values))

    def revoke(self, sandbox_id: SandboxId, name: str) -> None:
        self.call(self._grants().remove(sandbox_id, name))

    def attempts(self, sandbox_id: SandboxId) -> list[BlockedAttempt]:
        async def read() -> list[BlockedAttempt]:
            assert self.lab is not None
            async with self.lab.store.read() as tx:
                return list(await tx.sandboxes.attempts(sandbox_id))

        return self.call(read())

    def report(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
        async def read() -> Mapping[str, Any] | None:
            assert self.lab is not None
            async with self.lab.store.read() as tx:
                return await tx.reports.get(sandbox_id, run)

        return self.call(read())

    def _grants(self) -> SqlGrants:
        assert self.lab is not None
        assert isinstance(self.lab.grants, SqlGrants)
        return self.lab.grants

    async def _build(self) -> None:
        settings = settings_in(self._folder, self.port - 1)
        self.token_file.write_text(TOKEN)
        (settings.secrets_dir / "gateway-token").write_text(TOKEN)
        on_cluster = Settings(
            state_dir=settings.state_dir,
            run_dir=settings.run_dir,
            port=self.port - 1,
            runtime="kubernetes",
            public_url="http://vaseclos.localhost:8080",
            database_url="postgresql+psycopg://not-used/lab",
            cluster={"images": {"notebook": DIGEST, "probe": DIGEST}},
        )
        self.lab = await build_lab(on_cluster, FixedClock())
        self.lab.grants = SqlGrants(self.lab.store, [Fernet.generate_key().decode()])
