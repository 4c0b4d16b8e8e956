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


class UnknownError(Exception):
    """It could not be tried, or nothing answered. Never read as refused."""


@dataclass(frozen=True)
class Trial:
    """One thing to try.

    Attributes:
        name: Stable.
        attempt: Returns what worked; raises OSError where it was refused.
        is_wanted: Whether it must work.
        is_outward: Whether it sends something that a network could carry.
    """

    name: str
    attempt: Callable[[], str]
    is_wanted: bool = False
    is_outward: bool = False


@dataclass(frozen=True)
class Reading:
    """How a runtime reads what came of a trial that did not work.

    Attributes:
        silence: Outcome and words where nothing answered in time.
        refusal: Returns outcome and words of any other error of the system's.
        longest: How many characters of the words are kept.
    """

    silence: tuple[str, str]
    refusal: Callable[[OSError], tuple[str, str]]
    longest: int


def refuse(code: int, why: str) -> NoReturn:
    """Say that it was refused."""
    raise OSError(code, why)


def code_of(error: OSError) -> str:
    """Return the error's name, as ``EPERM``."""
    return errno.errorcode.get(error.errno or 0, "?")


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


def run(trial: Trial, reading: Reading) -> dict[str, Any]:
    """Try it and say what came of it."""
    began = time.monotonic()
    outcome, detail = _outcome(trial, reading)
    return {
        "name": trial.name,
        "outcome": outcome,
        "detail": detail[: reading.longest],
        "took_ms": round((time.monotonic() - began) * 1000),
    }


def _outcome(trial: Trial, reading: Reading) -> tuple[str, str]:
    try:
        return "open", trial.attempt()
    except TimeoutError:
        return reading.silence
    except OSError as error:
        return reading.refusal(error)
    except Exception as error:
        return "unknown", repr(error)
