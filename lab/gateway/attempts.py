"""Notes refused requests, alike ones together, in one small file per sandbox."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.attempt import Rule
    from lab.domain.ids import SandboxId

MOST_BYTES = 256 * 1024
TOGETHER_SECONDS = 10
LONGEST_TARGET = 160
_MOST_KINDS = 2000


@dataclass(slots=True)
class _Pending:
    since: float
    count: int = 0


class AttemptLog:
    """Appends ``{"rule", "target", "at", "count"}`` lines. Never data: method and path only.

    The first of a kind is written at once; more of the same within ten seconds
    are counted and written as one line by :meth:`flush`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: dict[tuple[SandboxId, Rule, str], _Pending] = {}

    def record(self, sandbox_id: SandboxId, rule: Rule, target: str) -> None:
        """Note one refused request. Never fails: a full disk must not open a door."""
        plain = "".join(c if c.isprintable() else "?" for c in target)[:LONGEST_TARGET]
        key = (sandbox_id, rule, plain)
        if key in self._pending:
            self._pending[key].count += 1
            return
        if len(self._pending) < _MOST_KINDS:
            self._pending[key] = _Pending(time.monotonic())
            self._append(sandbox_id, rule, plain, 1)

    def flush(self, *, everything: bool = False) -> None:
        """Write what was counted long enough."""
        now = time.monotonic()
        for key, pending in list(self._pending.items()):
            if everything or now - pending.since >= TOGETHER_SECONDS:
                del self._pending[key]
                if pending.count:
                    self._append(*key, pending.count)

    def _append(self, sandbox_id: SandboxId, rule: Rule, target: str, count: int) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"rule": rule.value, "target": target, "at": at, "count": count})
        path = self._folder / f"{sandbox_id}.jsonl"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > MOST_BYTES:
                self._halve(path)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8") as out:
                out.write(line + "\n")
        except OSError:
            return

    def _halve(self, path: Path) -> None:
        """Keep the newer half of the lines."""
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        partial = path.with_suffix(".partial")
        partial.write_text("".join(lines[len(lines) // 2 :]), encoding="utf-8")
        partial.chmod(0o600)
        partial.replace(path)
