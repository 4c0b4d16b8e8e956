"""Wait until every part works, and show how far each is."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from lab.parts.message import MachineError, message
from lab.parts.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lab.parts.part import Part
    from lab.parts.supervision import PartState, Supervisor

_POLL_S = 0.1
_MOST_TRIES = 4
"""How many processes of one part may end before we stop waiting for it."""
_LOG_LINES = 12


def is_ready(part: Part, client: httpx.Client) -> bool:
    """Tell whether a part takes requests now."""
    address = urlsplit(part.ready_url)
    if address.scheme == "tcp":
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((address.hostname, address.port)) == 0
    try:
        return client.get(part.ready_url).is_success
    except httpx.HTTPError:
        return False


def client() -> httpx.Client:
    """Return a client that asks parts of this machine, and asks no proxy."""
    return httpx.Client(timeout=2, trust_env=False, follow_redirects=False)


class Wait:
    """Waits for parts.

    Args:
        logs: Where the parts' logs are.
        show: Told of every part each time one of them changes.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        supervisor: Supervisor,
        *,
        logs: Path,
        show: Callable[[Sequence[Progress]], None],
    ) -> None:
        self._parts, self._supervisor = parts, supervisor
        self._logs, self._show = logs, show
        self._pids: dict[str, set[int]] = {part.name: set() for part in parts}
        self._progress = {part.name: Progress(part.name, "starting", 0.0) for part in parts}

    def run(self, timeout_s: float) -> dict[str, float]:
        """Return how many seconds each part took.

        Raises:
            MachineError: One is not ready in time, or ends again and again.
        """
        began = time.monotonic()
        with client() as asking:
            while True:
                elapsed = time.monotonic() - began
                self._look(asking, elapsed)
                missing = [part for part in self._parts if not self._progress[part.name].is_ready]
                if not missing:
                    return {name: each.seconds for name, each in self._progress.items()}
                if elapsed > timeout_s:
                    raise self._failed(missing[0], elapsed)
                time.sleep(_POLL_S)

    def _look(self, asking: httpx.Client, elapsed: float) -> None:
        states = self._supervisor.states()
        before = dict(self._progress)
        for part in self._parts:
            known = self._progress[part.name]
            state = states.get(part.name)
            if state is not None and state.pid:
                self._pids[part.name].add(state.pid)
            running = state is not None and state.is_running
            if known.is_ready and running:
                continue
            ready = running and is_ready(part, asking)
            self._progress[part.name] = Progress(part.name, _word(state, is_ready=ready), elapsed)
            if not ready and len(self._pids[part.name]) > _MOST_TRIES:
                raise self._failed(part, elapsed)
        if {n: p.state for n, p in before.items()} != {
            n: p.state for n, p in self._progress.items()
        } or elapsed == 0:
            self._show(tuple(self._progress.values()))

    def _failed(self, part: Part, elapsed: float) -> MachineError:
        log = self._logs / f"{part.name}.log"
        ends = len(self._pids[part.name]) > _MOST_TRIES
        what = (
            "{part} ends again and again"
            if ends
            else "{part} is not ready after {seconds:.0f} seconds"
        )
        return MachineError(
            message(what, part=part.name, seconds=elapsed),
            message(
                "Read {log}, mend what it says and run 'lab up' again; "
                "'lab down' stops the other parts.",
                log=log,
            ),
            detail=last_lines(log),
            exit_code=3,
        )


def last_lines(log: Path, count: int = _LOG_LINES) -> str:
    """Return the end of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])


def _word(state: PartState | None, *, is_ready: bool) -> str:
    if is_ready:
        return "ready"
    if state is None:
        return "waiting"
    return "starting" if state.is_running else state.state.lower()
