"""``lab usage``: hours of compute of a month, by day and by sandbox."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command
from lab.cli.quotas import show_meters
from lab.cli.screen import Output

ROOT = "/api/v1/usage"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app, "lab usage", "lab usage rft --month 2026-11", "lab usage rft -o json", name="usage"
    )(usage)


def usage(
    context: typer.Context,
    agency: Annotated[
        str, typer.Argument(metavar="[AGENCY]", help="Its code; else all you may see.")
    ] = "",
    *,
    month: Annotated[str, typer.Option(help="As 2026-11; else this month.")] = "",
    output: AsOutput = Output.TABLE,
) -> None:
    """Show the hours that sandboxes were ready in a month, against the budget."""
    api = connect(context)
    query = {"month": month} if month else {}
    if agency:
        view = api.get(f"{ROOT}/{agency}", **query)
        if output is Output.JSON:
            screen.show_json(view)
        else:
            _show_one(view)
        return
    views = list(api.pages(ROOT, **query))
    if output is Output.JSON:
        screen.show_json(views)
        return
    rows = [
        (
            view["agency_id"],
            view["month"],
            meter["resource"].upper(),
            meter["used_hours"],
            meter["budget_hours"],
            meter["left_hours"],
        )
        for view in views
        for meter in view["meters"]
    ]
    screen.show_table(("Agency", "Month", "Hours", "Used", "Budget", "Left"), rows)


def _show_one(view: dict[str, Any]) -> None:
    show_meters(view["month"], view["meters"])
    days = [day for day in view["days"] if day["cpu_hours"] or day["gpu_hours"]]
    names = ("cpu_hours", "gpu_hours")
    screen.show_table(
        ("Day", "CPU hours", "GPU hours"), [(d["day"], *(d[n] for n in names)) for d in days]
    )
    screen.show_table(
        ("Sandbox", "CPU hours", "GPU hours"),
        [(s["sandbox_id"], *(s[n] for n in names)) for s in view["sandboxes"]],
    )
