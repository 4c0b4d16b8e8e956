"""One part of the lab: a process that is kept running."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What must be known to start one part and to see that it works.

    Attributes:
        env: Its whole environment.
        ready_url: Answers 2xx once it takes requests; ``tcp://host:port`` where
            listening is all there is to see.
        priority: Lower ones are started first and stopped last.
        stop_seconds: How long it may take to end when asked.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    ready_url: str
    ports: tuple[int, ...] = field(default=())
    priority: int = 500
    stop_seconds: int = 10
