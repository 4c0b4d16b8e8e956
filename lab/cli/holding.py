"""``lab sandbox``: suspend, resume, stop at once, extend; one, or all of the lab."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, Timeout, Wait, command, follow
from lab.cli.sandboxes import ROOT, SandboxArgument, app, show_one
from lab.cli.screen import Output
from lab.cli.words import tr

STOP = "/api/v1/stop"

SandboxOrAll = Annotated[
    str, typer.Argument(metavar="SANDBOX", help="For example sb-3f9a0c1d2e; none with --all.")
]
Reason = Annotated[
    str, typer.Option(help="Why; the team reads it. Name nobody.", show_default=False)
]
Every = Annotated[bool, typer.Option("--all", help="All of the lab.")]


@command(app, "lab sandbox suspend sb-3f9a0c1d2e --reason 'Vérification en cours'")
def suspend(
    context: typer.Context,
    sandbox_id: SandboxArgument,
    *,
    reason: Reason,
    output: AsOutput = Output.TABLE,
) -> None:
    """Stop its servers, its credentials and its doors; data and quota stay."""
    answer = connect(context).call("POST", f"{ROOT}/{sandbox_id}/suspend", {"reason": reason})
    show_one(answer.body, output)


@command(
    app,
    "lab sandbox stop sb-3f9a0c1d2e --reason 'Fuite soupçonnée'",
    "lab sandbox stop --all --reason 'Fuite soupçonnée' --confirm 'stop all'",
)
def stop(
    context: typer.Context,
    sandbox_id: SandboxOrAll = "",
    *,
    every: Every = False,
    reason: Reason,
    confirm: Annotated[str, typer.Option(help="With --all: 'stop all', or it is asked for.")] = "",
    output: AsOutput = Output.TABLE,
) -> None:
    """Stop at once: the doors shut first. With --all nothing new is made until it is resumed."""
    _one_or_all(sandbox_id, every=every)
    api = connect(context)
    if not every:
        answer = api.call("POST", f"{ROOT}/{sandbox_id}/stop", {"reason": reason})
        show_one(answer.body, output)
        return
    typed = confirm or typer.prompt(tr("Everybody stops at once. To confirm, type 'stop all'"))
    answer = api.call("POST", STOP, {"reason": reason, "confirmation": typed})
    _told(answer.body, output)


@command(
    app,
    "lab sandbox resume sb-3f9a0c1d2e --reason 'Rien trouvé' --wait",
    "lab sandbox resume --all --reason 'Rien trouvé'",
)
def resume(
    context: typer.Context,
    sandbox_id: SandboxOrAll = "",
    *,
    every: Every = False,
    reason: Reason,
    wait: Wait = False,
    timeout: Timeout = 180,
    output: AsOutput = Output.TABLE,
) -> None:
    """Let it go on; its walls are proved again first. With --all: lift the stop of the lab."""
    _one_or_all(sandbox_id, every=every)
    api = connect(context)
    if every:
        _told(api.call("POST", f"{STOP}/lift", {"reason": reason}).body, output)
        return
    sandbox = api.call("POST", f"{ROOT}/{sandbox_id}/resume", {"reason": reason}).body
    if wait:
        is_shown = output is Output.TABLE
        sandbox = follow(api, sandbox_id, until="ready", timeout_s=timeout, is_shown=is_shown)
    show_one(sandbox, output)


@command(
    app, "lab sandbox extend sb-3f9a0c1d2e --until 2026-12-31 --reason 'Il manque une semaine'"
)
def extend(
    context: typer.Context,
    sandbox_id: SandboxArgument,
    *,
    until: Annotated[str, typer.Option(help="The new last day, as 2026-12-31.")],
    reason: Reason,
    output: AsOutput = Output.TABLE,
) -> None:
    """Put its end off: the team within the approval rules, an operator beyond."""
    body = {"ends_on": until, "reason": reason}
    show_one(connect(context).call("POST", f"{ROOT}/{sandbox_id}/extend", body).body, output)


@command(app, "lab sandbox history sb-3f9a0c1d2e")
def history(
    context: typer.Context, sandbox_id: SandboxArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show when it was suspended, stopped, resumed or extended, by whom and why."""
    found = list(connect(context).pages(f"{ROOT}/{sandbox_id}/interventions"))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (
            each["at"],
            tr(each["act"]),
            each["by"]["login"] if each["by"] else "lab",
            tr(each["reason"]) if each["reason"] else "",
            each["until"],
            each["note"],
        )
        for each in found
    ]
    screen.show_table(("At", "Act", "Who", "Kind", "Until", "Reason"), rows)


def _one_or_all(sandbox_id: str, *, every: bool) -> None:
    if every == bool(sandbox_id):
        raise typer.BadParameter(tr("name one sandbox, or give --all"))


def _told(found: dict[str, object], output: Output) -> None:
    if output is Output.JSON:
        screen.show_json(found)
    elif found["is_stopped"]:
        screen.line(tr("All of the lab is stopped since {since}.", since=found["since"]))
    else:
        screen.line(tr("The stop of the lab is lifted."))
