"""Try everything, and report it."""

from __future__ import annotations

import errno
import http.client
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lab.probing import kernel, trial
from lab.probing.trial import Reading, Trial

from . import addresses, files, network
from .aims import Aims

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .aims import Probe

_AT_ONCE = 48
_REPORT_S = 20.0
_PAUSE_S = 0.25
_DONE, _OPEN, _NOT_TRIED, _NOT_REPORTED, _NO_AIMS = 0, 3, 4, 5, 6
_TAKEN = frozenset({200, 201, 202, 204, 409})
_NOT_TRIED_FOR = frozenset({
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN),
})
"""We ran short of something: nobody refused us."""


def _refusal(error: OSError) -> tuple[str, str]:
    outcome = "unknown" if error.errno in _NOT_TRIED_FOR else "blocked"
    return outcome, f"{trial.code_of(error)}: {error.strerror}"


# Most networks drop what they forbid, and say nothing. The other end tells the rest.
_READING = Reading(silence=("blocked", "no answer"), refusal=_refusal, longest=160)


def run(what: Trial) -> dict[str, Any]:
    """Try it and say what came of it."""
    return trial.run(what, _READING)


def pod_names() -> tuple[str, ...]:
    """Return what is tried on the pod itself, whatever the aims are; all must be blocked."""
    return tuple(each.name for each in (*files.trials(), *kernel.trials()))


def wanted_names() -> tuple[str, ...]:
    """Return what is tried on the pod itself and must work."""
    return tuple(each.name for each in files.wanted())


def main(argv: Sequence[str]) -> int:
    """Read the aims, try it all, say what came of it.

    Returns:
        0 when all was blocked, or when the report arrived, whatever it says.
    """
    text = Path(argv[0]).read_text("utf-8") if argv else os.environ.get("LAB_PROBE", "")
    try:
        aims = Aims.read(text, os.environ.get("LAB_NODE", ""))
    except (ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"LAB_PROBE cannot be read: {error}\n")
        return _NO_AIMS
    report = make(aims)
    content = json.dumps(report, separators=(",", ":"))
    sys.stdout.write(content + "\n")
    sys.stdout.flush()
    if aims.report:
        return _DONE if _send(aims.report, content.encode()) else _NOT_REPORTED
    found = {result["outcome"] for result in report["results"]}
    if found == {"blocked"}:
        return _DONE
    return _OPEN if "open" in found else _NOT_TRIED


def make(aims: Aims) -> dict[str, Any]:
    """Try it all."""
    began = time.monotonic()
    settled_ms = _settle(aims)
    opened_ms = _wait_for_doors(aims)
    results = []
    if aims.files_too:  # before there are threads: some of it forks
        trials = (*files.trials(), *files.wanted(), *kernel.trials())
        results += [run(each) for each in trials]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results += pool.map(run, [network.trial(probe, aims) for probe in aims.probes])
    own = addresses.own()
    return {
        "run": aims.run,
        "nonce": aims.nonce,
        "node": aims.node,
        "addresses": [text for text in (own.v4, own.v6, own.link_local) if text],
        "settled_ms": settled_ms,
        "opened_ms": opened_ms,
        "took_ms": round((time.monotonic() - began) * 1000),
        "results": results,
        "end": True,
    }


def _settle(aims: Aims) -> int:
    """Wait until the network treats this pod as it says; return for how long it did not.

    Returns:
        Milliseconds from our start to the last thing that still went through; -1 where
        it never stopped; 0 where nothing ever did.
    """
    began, last = time.monotonic(), 0
    while "open" in _outcomes(aims, aims.settle):
        last = round((time.monotonic() - began) * 1000)
        if time.monotonic() > began + aims.settle_seconds:
            return -1
        time.sleep(_PAUSE_S)
    return last


def _wait_for_doors(aims: Aims) -> int:
    """Wait until all that must work does, or the time is up; return how long it took."""
    began = time.monotonic()
    while _outcomes(aims, aims.open) - {"open"}:
        if time.monotonic() > began + aims.settle_seconds:
            return -1
        time.sleep(_PAUSE_S)
    return round((time.monotonic() - began) * 1000)


def _outcomes(aims: Aims, probes: Sequence[Probe]) -> set[str]:
    with ThreadPoolExecutor(max(1, len(probes))) as pool:
        trials = [network.trial(probe, aims) for probe in probes]
        return {result["outcome"] for result in pool.map(run, trials)}


def _send(url: str, content: bytes) -> bool:
    """Put the report where it is waited for; try again while it is not taken."""
    parts = urlsplit(url)
    until = time.monotonic() + _REPORT_S
    while True:
        try:
            link = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)
            link.request("PUT", parts.path, content, {"Content-Type": "application/json"})
            status = link.getresponse().status
            link.close()
            why = f"answered {status}"
            if status in _TAKEN:
                return True
        except OSError as error:
            why = str(error)
        except http.client.HTTPException as error:
            why = repr(error)
        if time.monotonic() > until:
            sys.stderr.write(f"the report was not taken: {why}\n")
            return False
        time.sleep(1)
