"""Try one thing, measure it, and say what came of it."""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_NOT_TRIED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN})
"""We ran short of something: nobody refused us."""


class UnknownError(Exception):
    """It could not be tried. Never read as refused."""


@dataclass(frozen=True)
class Trial:
    """One thing to try.

    Attributes:
        name: Stable.
        attempt: Returns what worked; raises OSError where it was refused.
    """

    name: str
    attempt: Callable[[], str]


def refuse(code: int, why: str) -> NoReturn:
    """Say that it was refused."""
    raise OSError(code, why)


def in_child(attempt: Callable[[], str]) -> str:
    """Try it in a process of its own, because it changes the process that does it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer: dict[str, Any]
        try:
            answer = {"open": attempt()}
        except OSError as error:
            answer = {"errno": error.errno or errno.EIO, "why": error.strerror or str(error)}
        except BaseException as error:
            answer = {"unknown": repr(error)}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        refuse(errno.EPERM, f"killed by {signal.Signals(os.WTERMSIG(status)).name}")
    answer = json.loads(text or b"{}")
    if "errno" in answer:
        refuse(int(answer["errno"]), str(answer["why"]))
    if "open" not in answer:
        raise UnknownError(str(answer))
    return str(answer["open"])


def run(trial: Trial) -> dict[str, Any]:
    """Try it and say what came of it."""
    began = time.monotonic()
    outcome, detail = _attempt(trial)
    return {
        "name": trial.name,
        "outcome": outcome,
        "detail": detail[:160],
        "took_ms": round((time.monotonic() - began) * 1000),
    }


def _attempt(trial: Trial) -> tuple[str, str]:
    try:
        return "open", trial.attempt()
    except TimeoutError:
        # Most networks drop what they forbid, and say nothing. The other end tells the rest.
        return "blocked", "no answer"
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "?")
        return ("unknown" if error.errno in _NOT_TRIED else "blocked"), f"{name}: {error.strerror}"
    except Exception as error:
        return "unknown", repr(error)
