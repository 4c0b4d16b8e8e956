"""Try everything, one line of JSON each."""

from __future__ import annotations

import json
from pathlib import Path

from . import files, kernel, network
from .trial import Targets, run, say


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
    for trial in (*network.trials(aims), *files.trials(aims), *kernel.trials(aims)):
        say(run(trial, must_not_send=forbidden))
    say({"end": True})
