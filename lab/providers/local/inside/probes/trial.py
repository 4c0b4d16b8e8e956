"""Try one thing, measure it, and say what came of it as one line of JSON."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_S = 2


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
class Targets:
    """What there is to aim at, told by whoever runs the probes.

    Attributes:
        nonce: Sent with everything, so that receivers know it.
        may_send: Send even though there is another interface than the loopback's.
        internet4: Stands for the internet; so do the next two.
        name: Looked up; nothing is when it is empty.
        metadata: Where clouds answer questions about the machine.
        tcp_port: Tried on every address; so is ``udp_port``.
        hosts: Addresses of this host's interfaces.
        loopback_tcp: Ports that listen on the host's own loopback; so does ``loopback_udp``.
        neighbours: Ports that lead into other sandboxes.
        abstract: Name of an abstract unix socket of the host.
        unix_paths: Unix sockets of the host.
        secret_files: Files and folders of the host; the first holds the nonce.
        host_pid: A process of the host.
        doors: Name and port of each door; ``open_doors`` are those that must answer.
        datasets: Names under ``~/donnees``.
    """

    nonce: str = "nonce"
    may_send: bool = False
    internet4: str = "192.0.2.10"
    internet6: str = "2001:db8::10"
    resolver: str = "192.0.2.53"
    name: str = "example.org"
    private4: str = "198.51.100.10"
    metadata: list[str] = field(
        default_factory=lambda: [
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
        ]
    )
    tcp_port: int = 443
    udp_port: int = 443
    hosts: list[str] = field(default_factory=list)
    loopback_tcp: list[int] = field(default_factory=list)
    loopback_udp: int = 0
    neighbours: list[int] = field(default_factory=list)
    abstract: str = ""
    unix_paths: list[str] = field(default_factory=list)
    secret_files: list[str] = field(default_factory=list)
    host_pid: int = 0
    doors: dict[str, int] = field(default_factory=dict)
    open_doors: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)


def refuse(code: int, why: str) -> NoReturn:
    """Say that it was refused."""
    raise OSError(code, why)


def in_child(attempt: Callable[[], str]) -> str:
    """Try it in a process of its own, because it changes the process that does it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = {"open": attempt()}
        except OSError as error:
            answer = {"errno": error.errno or errno.EIO, "why": error.strerror or str(error)}  # type: ignore[dict-item]
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


def _on_alarm(*_: object) -> NoReturn:
    raise UnknownError("no answer in time")


def run(trial: Trial, *, must_not_send: str) -> dict[str, Any]:
    """Try it and say what came of it.

    Args:
        trial: What to try.
        must_not_send: Why nothing may be sent outward; empty when it may.
    """
    began = time.monotonic()
    if trial.is_outward and must_not_send:
        outcome, detail = "open", must_not_send
    else:
        outcome, detail = _attempt(trial)
    return {
        "name": trial.name,
        "expected": "open" if trial.is_wanted else "blocked",
        "outcome": outcome,
        "detail": detail[:200],
        "took_ms": round((time.monotonic() - began) * 1000),
    }


def _attempt(trial: Trial) -> tuple[str, str]:
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.alarm(_MOST_S)
    try:
        return "open", trial.attempt()
    except TimeoutError:
        return "unknown", "no answer in time"
    except OSError as error:
        return "blocked", f"{errno.errorcode.get(error.errno or 0, '?')}: {error}"
    except Exception as error:
        return "unknown", repr(error)
    finally:
        signal.alarm(0)


def say(answer: dict[str, Any]) -> None:
    """Print one answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
