"""Logs: one JSON object a line, with the request's and the sandbox's id, and nobody's data.

A line holds the constant message, and of the fields that come with it only those named here. Of
an exception it holds the class and where it was raised, never its text: that may quote a row.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered; empty outside of one."""

FIELDS = (
    *("sandbox_id", "stage", "door", "grant", "kind", "verdict", "intake_id", "run_id"),
    *("route", "status", "milliseconds", "delay", "after", "failure_id", "identity", "port"),
)
"""What a line may hold besides its message. Ids say nothing, all else is from a closed set."""
_DEEPEST = 30


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            said["request_id"] = request_id
        said |= {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
        if record.exc_info and record.exc_info[0]:
            said["error"] = _names(record.exc_info[1])
            said["where"] = _places(record.exc_info[2])
        return json.dumps(said, ensure_ascii=False, default=str)


def start() -> None:
    """Write the logs of this process to its standard error, from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Each call it makes, with its address: names of buckets, paths of tables.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _names(error: BaseException | None) -> list[str]:
    """Return the class of an exception, and of what it came from."""
    names: list[str] = []
    while error is not None and len(names) < _DEEPEST:
        names.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    return names


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_DEEPEST:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
