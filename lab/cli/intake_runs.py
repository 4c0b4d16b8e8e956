"""``lab dataset scan`` and the other long work on a dossier, followed to its end."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import Annotated, Any
from uuid import uuid4

import typer

from lab.cli import screen
from lab.cli.api import Api, connect
from lab.cli.commands import AsOutput, Timeout, Yes, command
from lab.cli.datasets import app
from lab.cli.intakes import ROOT, IntakeArgument, confirm_review, read_json, show_dossier
from lab.cli.progress import Steps
from lab.cli.screen import Output
from lab.cli.words import is_french, tr
from lab.parts.message import MachineError, message

_POLL_S = 0.5
_OPEN = {"queued", "running"}

NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not stay until it is done.")]


@command(app, "lab dataset scan in-3f9a0c1d2e")
def scan(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    no_wait: NoWait = False,
    timeout: Timeout = 3600,
    output: AsOutput = Output.TABLE,
) -> None:
    """Read the file and say what each column seems to be."""
    api = connect(context)
    _work(api, dossier, {"step": "read"}, wait=not no_wait, timeout_s=timeout, output=output)


@command(
    app,
    "lab dataset treat in-3f9a0c1d2e --k 11 --suppression 0.04",
    "lab dataset treat in-3f9a0c1d2e --epsilon 1 --domain domaine.json",
)
def treat(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    k: Annotated[int, typer.Option(min=0, help="Smallest class; 0 for the policy's.")] = 0,
    diversity: Annotated[int, typer.Option("--l", min=0, help="Distinct sensitive values.")] = 0,
    closeness: Annotated[float, typer.Option("--t", min=0, max=1, help="Largest distance.")] = 0,
    suppression: Annotated[
        float, typer.Option(min=0, max=1, help="Share of rows that may be left out.")
    ] = 0.0,
    epsilon: Annotated[str, typer.Option(help="Synthesise instead, with this ε.")] = "",
    domain: Annotated[Path | None, typer.Option(help="JSON: what each column may hold.")] = None,
    is_public: Annotated[
        bool, typer.Option("--public", help="Only leave columns out: the data are public.")
    ] = False,
    no_wait: NoWait = False,
    timeout: Timeout = 3600,
    output: AsOutput = Output.TABLE,
) -> None:
    """Make the table that may be published: k-anonymity, or a synthesis."""
    technique = "synthese" if epsilon else "aucune" if is_public else "k-anonymat"
    body: dict[str, object] = {"step": "treat", "technique": technique}
    asked = {"k": k, "l": diversity, "t": closeness, "suppression": suppression}
    if technique == "k-anonymat":
        body |= {name: value for name, value in asked.items() if value}
    if epsilon:
        body |= {"epsilon": epsilon}
        body |= {"domain": read_json(domain)} if domain else {}
    _work(connect(context), dossier, body, wait=not no_wait, timeout_s=timeout, output=output)


@command(app, "lab dataset measure in-3f9a0c1d2e")
def measure(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    no_wait: NoWait = False,
    timeout: Timeout = 3600,
    output: AsOutput = Output.TABLE,
) -> None:
    """Make the final analysis: risks before and after, and utility."""
    api = connect(context)
    _work(api, dossier, {"step": "measure"}, wait=not no_wait, timeout_s=timeout, output=output)


@command(
    app, "lab dataset review in-3f9a0c1d2e", "lab dataset review in-3f9a0c1d2e --confirm --yes"
)
def review(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Answer for what the lab analysed by itself.")
    ] = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    timeout: Timeout = 3600,
    output: AsOutput = Output.TABLE,
) -> None:
    """Analyse a published version again, by the thresholds of today (s. 8)."""
    api = connect(context)
    if confirm:
        confirm_review(api, dossier, yes=yes, output=output)
        return
    _work(api, dossier, {"step": "review"}, wait=not no_wait, timeout_s=timeout, output=output)


@command(app, "lab dataset publish in-3f9a0c1d2e")
def publish(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    no_wait: NoWait = False,
    timeout: Timeout = 600,
    output: AsOutput = Output.TABLE,
) -> None:
    """Publish what is signed; the deposited file is then destroyed."""
    api = connect(context)
    run = api.call("POST", f"{ROOT}/{dossier}/publication").body
    _follow(api, run, wait=not no_wait, timeout_s=timeout, output=output)


def _work(
    api: Api,
    dossier: str,
    body: dict[str, object],
    *,
    wait: bool,
    timeout_s: float,
    output: Output,
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    run = api.call("POST", f"{ROOT}/{dossier}/runs", body, headers=headers).body
    _follow(api, run, wait=wait, timeout_s=timeout_s, output=output)


def _follow(
    api: Api, run: dict[str, Any], *, wait: bool, timeout_s: float, output: Output
) -> None:
    """Show how far a run is until it has ended.

    Raises:
        MachineError: It did not end well, or not in time.
    """
    shown, began = Steps(), time.monotonic()
    path = f"{ROOT}/{run['intake_id']}/runs/{run['id']}"
    with shown.live() if output is Output.TABLE else nullcontext():
        while wait and run["state"] in _OPEN and time.monotonic() - began < timeout_s:
            time.sleep(_POLL_S)
            run = api.get(path)
            if output is Output.TABLE:
                how_far = f"{run['state']} {run['what']}"
                if run["total"]:
                    how_far += f" {100 * run['done'] // run['total']} %"
                shown.show(run["id"], how_far, time.monotonic() - began)
    if output is Output.JSON:
        screen.show_json(run)
    if run["state"] not in {"done", *_OPEN}:
        said = message("{why}", why=run["error_fr" if is_french() else "error_en"])
        raise MachineError(said, message("Run {id} is {state}.", **_named(run)), exit_code=1)
    if output is Output.TABLE:
        show_dossier(api.get(f"{ROOT}/{run['intake_id']}"), output)


def _named(run: dict[str, Any]) -> dict[str, str]:
    return {"id": run["id"], "state": tr(run["state"])}
