"""Runs the probes in a person's open notebook, and counts at the receivers outside."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.domain.egress import Door
from lab.providers.local import canary
from lab.providers.local.receivers import Receivers, own_addresses

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.containment import ProbeResult
    from lab.domain.sandbox import SandboxId
    from lab.settings import Settings

CODE = """
import pathlib, subprocess, sys
folder = pathlib.Path("/home/scientist/01-depart")
program = ["/opt/notebook/bin/python", "-I", "-S", "-B", "/opt/lab/inside"]
done = subprocess.run(
    [*program, "probe", str(folder / "buts.json")], capture_output=True, text=True, check=False
)
(folder / "reponses.jsonl").write_text(done.stdout + done.stderr)
"""


def notebook() -> dict[str, Any]:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": [cell | {"id": "sondes", "source": CODE}],
    }


def probe(
    settings: Settings, sandbox_id: SandboxId, home: Path, run: Callable[[str], object]
) -> list[ProbeResult]:
    """Lay a notebook in the home, have it run by ``run(its name)``, and read what it found."""
    nonce = secrets.token_hex(16)
    lab_sockets = sorted((settings.run_dir / "doors").glob("*/*.sock"))
    with tempfile.TemporaryDirectory(prefix="vc-") as name:
        folder = Path(name)
        (folder / "secret.txt").write_text(nonce, encoding="ascii")
        aimed = canary.Canary(
            sandbox_id=sandbox_id,
            spec_hash="",
            uid=None,
            resources=None,  # type: ignore[arg-type]  # nothing is launched from here
            folder=folder,
            runtime_env=settings.notebook_env,
            doors_dir=settings.run_dir / "doors" / sandbox_id,
            doors=frozenset(Door),
            secret_files=(settings.state_dir, settings.secrets_dir),
            host_sockets=tuple(str(path) for path in lab_sockets[:6]),
        )
        with Receivers(nonce, folder, own_addresses()) as receivers:
            assert receivers.is_listening()
            aims = canary._aims(aimed, nonce, receivers) | {"datasets": ["rand-hie"]}
            lay(home, "buts.json", aims)
            lay(home, "sondes.ipynb", notebook())
            run("sondes.ipynb")
            answers = read(home)
            arrivals, watched = receivers.arrivals(), receivers.watched()
    return [
        canary._result(each, arrivals.get(each["name"], 0) if each["name"] in watched else None)
        for each in answers
    ]


def lay(home: Path, name: str, content: dict[str, Any]) -> None:
    path = home / "01-depart" / name
    path.write_text(json.dumps(content), encoding="utf-8")
    owner = home.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def read(home: Path) -> list[dict[str, Any]]:
    text = (home / "01-depart" / "reponses.jsonl").read_text(encoding="utf-8")
    answers = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert answers, text
    assert answers[-1] == {"end": True}, text[-500:]
    return answers[:-1]
