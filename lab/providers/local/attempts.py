"""Refused attempts of one sandbox, as JSON lines that grow slowly whatever is tried."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab.domain.attempt import BlockedAttempt, Rule
from lab.domain.ids import MemberId, SandboxId

if TYPE_CHECKING:
    from pathlib import Path

MANY = "*"
"""The target of attempts that were too many to be named one by one."""

_MOST_TARGETS = 50
_MOST_BYTES = 16 * 1024**2


@dataclass(slots=True)
class _Seen:
    first_at: datetime
    last_at: datetime
    count: int = 0


class AttemptLog:
    """Counts what is alike; writes what is new at once and the rest at each ``flush``."""

    def __init__(self, path: Path, sandbox_id: SandboxId, member_id: MemberId) -> None:
        self._path = path
        self._who = {"sandbox_id": sandbox_id, "member_id": member_id}
        self._lock = threading.Lock()
        self._waiting: dict[tuple[Rule, str], _Seen] = {}

    def add(self, rule: Rule, target: str) -> None:
        """Count one attempt."""
        now = datetime.now(UTC)
        with self._lock:
            key = (rule, target)
            is_new = key not in self._waiting
            if is_new and len(self._waiting) >= _MOST_TARGETS:
                key = (rule, MANY)
            seen = self._waiting.setdefault(key, _Seen(now, now))
            seen.last_at = now
            seen.count += 1
            if is_new and key[1] != MANY:
                self._write({key: seen})
                seen.count = 0

    def flush(self) -> None:
        """Write what was counted since the last time, and start anew."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            self._write({key: seen for key, seen in waiting.items() if seen.count})

    def _write(self, what: dict[tuple[Rule, str], _Seen]) -> None:
        if not what:
            return
        with self._path.open("a", encoding="utf-8") as file:
            if file.tell() > _MOST_BYTES:
                return
            for (rule, target), seen in what.items():
                line = {
                    **self._who,
                    "rule": rule.value,
                    "target": target,
                    "first_at": seen.first_at.isoformat(),
                    "last_at": seen.last_at.isoformat(),
                    "count": seen.count,
                }
                file.write(json.dumps(line) + "\n")


def read(path: Path, offset: int = 0) -> tuple[list[BlockedAttempt], int]:
    """Return the attempts written after ``offset``, and the offset to go on from.

    A line that is not one of ours is passed over.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    found = []
    for line in whole.splitlines():
        with suppress(ValueError, KeyError, TypeError):
            found.append(_parse(line))
    return found, offset + len(whole)


def _parse(line: bytes) -> BlockedAttempt:
    content = json.loads(line)
    return BlockedAttempt(
        sandbox_id=SandboxId(content["sandbox_id"]),
        member_id=MemberId(content["member_id"]),
        rule=Rule(content["rule"]),
        target=content["target"],
        first_at=datetime.fromisoformat(content["first_at"]),
        last_at=datetime.fromisoformat(content["last_at"]),
        count=content["count"],
    )
