"""Try everything, one line of JSON each."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lab.probing import trial
from lab.probing.trial import Reading, Trial, UnknownError

from . import files, kernel, network
from .targets import Targets

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_S = 2


def main(config: str) -> None:
    """Read what to aim at and try it all.

    Args:
        config: A JSON file with the fields of ``Targets``.
    """
    aims = Targets(**json.loads(Path(config).read_text("utf-8")))
    others = network.other_interfaces()
    # Where there is a network, nothing is sent into it unless we were told that we may.
    forbidden = f"another interface is up: {', '.join(others)}" if others else ""
    if aims.may_send:
        forbidden = ""
    for each in (*network.trials(aims), *files.trials(aims), *kernel.trials(aims)):
        _say(run(each, must_not_send=forbidden))
    _say({"end": True})


def _refusal(error: OSError) -> tuple[str, str]:
    return "blocked", f"{trial.code_of(error)}: {error}"


# Inside, a refusal comes at once: what says nothing was not tried, or hangs.
_READING = Reading(silence=("unknown", "no answer in time"), refusal=_refusal, longest=200)


def run(what: Trial, *, must_not_send: str) -> dict[str, Any]:
    """Try it and say what came of it, beside what should.

    Args:
        what: What to try.
        must_not_send: Why nothing may be sent outward; empty when it may.
    """
    is_held_back = what.is_outward and must_not_send
    attempt = (lambda: must_not_send) if is_held_back else _in_time(what.attempt)
    answer = trial.run(replace(what, attempt=attempt), _READING)
    return {"name": what.name, "expected": "open" if what.is_wanted else "blocked"} | answer


def _in_time(attempt: Callable[[], str]) -> Callable[[], str]:
    def limited() -> str:
        signal.signal(signal.SIGALRM, _on_alarm)
        signal.alarm(_MOST_S)
        try:
            return attempt()
        finally:
            signal.alarm(0)

    return limited


def _on_alarm(*_: object) -> NoReturn:
    raise UnknownError("no answer in time")


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
