"""Ends a notebook server that nobody uses: by what runs and is saved, not by what is open.

A browser tab that somebody forgot asks the server for news every few seconds, and counts for
nothing here. What counts: a kernel that computes or answers, a program in a terminal or
something written there, a file saved. Files stay, and the server starts again when asked.
"""

# Jupyter imports it by its name, from a folder of ours

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tornado.ioloop import PeriodicCallback

VARIABLE = "LAB_IDLE_SECONDS"
MOST_SECONDS_BETWEEN_LOOKS = 60


class IdleWatch:
    """Looks at one server from time to time.

    Args:
        server: The running ``ServerApp``.
        idle_seconds: After how long without any use it ends.
    """

    def __init__(self, server: Any, idle_seconds: float) -> None:
        self._server, self._limit = server, timedelta(seconds=idle_seconds)
        self._used_at = datetime.now(tz=UTC)
        server.contents_manager.register_post_save_hook(self._saved)
        seconds = min(MOST_SECONDS_BETWEEN_LOOKS, max(1, idle_seconds / 4))
        self._callback = PeriodicCallback(self.look, seconds * 1000)
        self._callback.start()
        # What the hub is told, and by it the portal: Jupyter's own answer counts open tabs.
        server.web_app.last_activity = self.used_at

    def look(self) -> None:
        """End the server if its time is over."""
        if datetime.now(tz=UTC) - self.used_at() > self._limit:
            self._callback.stop()
            self._server.log.info("Nobody has used this server since %s", self._used_at)
            self._server.stop()

    def used_at(self) -> datetime:
        """Return when the server was last used."""
        now = datetime.now(tz=UTC)
        self._used_at = max([self._used_at, *self._kernels(now), *self._terminals(now)])
        return self._used_at

    def _saved(self, **_: object) -> None:
        self._used_at = datetime.now(tz=UTC)

    def _kernels(self, now: datetime) -> Iterator[datetime]:
        manager = self._server.kernel_manager
        for kernel_id in manager.list_kernel_ids():
            kernel = manager.get_kernel(kernel_id)
            if getattr(kernel, "execution_state", "") == "busy":
                yield now
            elif (at := getattr(kernel, "last_activity", None)) is not None:
                yield at

    def _terminals(self, now: datetime) -> Iterator[datetime]:
        manager = self._server.web_app.settings.get("terminal_manager")
        for terminal in getattr(manager, "terminals", {}).values():
            if _has_children(terminal.ptyproc.pid):
                yield now
            elif (at := getattr(terminal, "last_activity", None)) is not None:
                yield at


def _has_children(pid: int) -> bool:
    """Tell whether a program runs under a terminal's shell."""
    try:
        return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text().strip())
    except OSError:
        return False


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "lab_idle"}]


def _load_jupyter_server_extension(server: Any) -> None:
    seconds = int(os.environ.get(VARIABLE) or 0)
    if seconds > 0:
        server.lab_idle_watch = IdleWatch(server, seconds)
