"""``lab quota``: what an agency may hold at once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lab.cli import amounts, screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command, noun
from lab.cli.screen import Output
from lab.cli.words import tr

app = noun("quota", "Quotas of agencies: look and set.")
AgencyArgument = Annotated[
    str, typer.Argument(metavar="AGENCY", help="Its code, for example rft.")
]
_UNITS = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count", "sandboxes")


@command(app, "lab quota show rft")
def show(
    context: typer.Context, agency: AgencyArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show an agency's quota, what is held of it and what is left."""
    _show(connect(context).get(f"/api/v1/agencies/{agency}/quota"), output)


@command(
    app,
    "lab quota set rft --cpu 4 --memory 8Gi --sandboxes 2",
    "lab quota set rft --max-days 31",
    name="set",
)
def set_quota(
    context: typer.Context,
    agency: AgencyArgument,
    *,
    cpu: amounts.Cpu = "",
    memory: amounts.Memory = "",
    storage: amounts.Storage = "",
    gpu: amounts.Gpu = None,
    sandboxes: amounts.Sandboxes = None,
    max_days: amounts.MaxDays = None,
    output: AsOutput = Output.TABLE,
) -> None:
    """Set what an agency may hold at once; what is not given stays as it is.

    A quota below what is held takes nothing away: nothing more is granted
    until enough came back.
    """
    given = amounts.wire(cpu=cpu, memory=memory, storage=storage, gpu=gpu, sandboxes=sandboxes)
    if not given and max_days is None:
        raise typer.BadParameter(
            tr("give at least one of --cpu, --memory, --storage, --gpu, --sandboxes, --max-days")
        )
    api = connect(context)
    path = f"/api/v1/agencies/{agency}/quota"
    known = api.call("GET", path)
    quota = {unit: known.body["quota"][unit] for unit in _UNITS} | given
    body: dict[str, object] = {"quota": quota}
    if max_days is not None:
        body["max_days"] = max_days
    _show(api.call("PUT", path, body, headers={"If-Match": known.etag}).body, output)


def _show(view: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        screen.show_json(view)
        return
    rows = [
        (tr(name), *amounts.row(view[key]))
        for name, key in (("Quota", "quota"), ("Held", "held"), ("Left", "left"))
    ]
    screen.show_table(("", "CPU", "Memory", "Storage", "GPU", "Sandboxes"), rows)
    screen.show_facts({"Agency": view["agency_id"], "Longest stay, days": view["max_days"]})
