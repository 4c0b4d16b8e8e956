from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lab import grants
from lab.domain.ids import ProfileId
from tests.conftest import make_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.sandbox import Sandbox


class Gateway:
    """Answers at every door of every sandbox that has a grant, as the real one does."""

    def __init__(self, grants_dir: Path, doors_dir: Path) -> None:
        self._grants, self._doors = grants_dir, doors_dir
        self._open: dict[Path, socket.socket] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(0.02):
            wanted: dict[Path, None] = {}
            for sandbox_id in grants.holders(self._grants, grants.DOORS):
                content = grants.read(self._grants, sandbox_id, grants.DOORS)
                for door in (content or {}).get("doors", ()):
                    wanted[self._doors / sandbox_id / f"{door}.sock"] = None
            for path in self._open.keys() - wanted.keys():
                self._open.pop(path).close()
                path.unlink(missing_ok=True)
            for path in wanted.keys() - self._open.keys():
                self._open[path] = self._listen(path)

    @staticmethod
    def _listen(path: Path) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(8)

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer, suppress(OSError):
                    peer.recv(4096)
                    peer.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        return listener

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        for listener in self._open.values():
            listener.close()


def wanted_sandbox(sandbox_id: str = "sb-00000000aa", profile: str = "standard") -> Sandbox:
    sandbox = make_sandbox(sandbox_id)
    spec = replace(
        sandbox.spec,
        profile_id=ProfileId(profile),
        expires_at=datetime.now(UTC) + timedelta(days=30),
    )
    return replace(sandbox, spec=spec)
