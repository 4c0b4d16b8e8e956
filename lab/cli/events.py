"""``lab event``: the audit log."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command, noun
from lab.cli.screen import Output
from lab.cli.words import tr

app = noun("event", "The audit log: read it, verify its chain.")
ROOT = "/api/v1/events"


@command(
    app,
    "lab event list",
    "lab event list --agency rft --action request.file --limit 20",
    name="list",
)
def list_events(
    context: typer.Context,
    *,
    agency: Annotated[str, typer.Option(help="Only those that concern this agency.")] = "",
    action: Annotated[str, typer.Option(help="Only this action, for example quota.set.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    output: AsOutput = Output.TABLE,
) -> None:
    """List what was done and what was refused, newest first."""
    every = connect(context).pages(ROOT, agency_id=agency, action=action, limit=min(limit, 100))
    found = list(islice(every, limit))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (
            each["seq"],
            each["at"],
            each["actor"],
            each["action"],
            each["resource_id"],
            tr(each["outcome"]),
        )
        for each in found
    ]
    screen.show_table(("No.", "At", "Who", "Action", "On", "Outcome"), rows)


@command(app, "lab event verify")
def verify(context: typer.Context, *, output: AsOutput = Output.TABLE) -> None:
    """Verify the chain: whether any row was changed or removed since."""
    found = connect(context).get(f"{ROOT}/verification")
    if output is Output.JSON:
        screen.show_json(found)
    elif found["holds"]:
        screen.line(tr("The chain holds."))
    else:
        screen.line(tr("The chain is broken at row {row}.", row=found["first_break"]))
    if not found["holds"]:
        raise typer.Exit(1)
