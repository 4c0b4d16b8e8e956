"""``lab agency``: the public bodies that have a place in the lab."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from lab.cli import amounts, screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command, noun
from lab.cli.screen import Output
from lab.cli.words import is_french

app = noun("agency", "Agencies: look and add.")
ROOT = "/api/v1/agencies"


@command(app, "lab agency list", "lab agency list -o json", name="list")
def list_agencies(context: typer.Context, *, output: AsOutput = Output.TABLE) -> None:
    """List the agencies and their quotas."""
    found = list(connect(context).pages(ROOT))
    if output is Output.JSON:
        screen.show_json(found)
        return
    name = "name_fr" if is_french() else "name_en"
    rows = [
        (each["id"], each[name], *amounts.row(each["quota"]), each["max_days"]) for each in found
    ]
    columns = ("Agency", "Name", "CPU", "Memory", "Storage", "GPU", "Sandboxes", "Days")
    screen.show_table(columns, rows)


@command(
    app,
    "lab agency create mfe --name-fr 'Ministère fictif' --name-en 'Fictional Ministry' "
    "--cpu 4 --memory 8Gi --storage 20Gi --sandboxes 2",
)
def create(
    context: typer.Context,
    agency: Annotated[
        str, typer.Argument(metavar="AGENCY", help="Its code: 2 to 20 of a-z, 0-9, -.")
    ],
    *,
    name_fr: Annotated[str, typer.Option(help="Its name in French.")],
    name_en: Annotated[str, typer.Option(help="Its name in English.")],
    cpu: amounts.Cpu = "4",
    memory: amounts.Memory = "8Gi",
    storage: amounts.Storage = "20Gi",
    gpu: amounts.Gpu = 0,
    sandboxes: amounts.Sandboxes = 2,
    max_days: amounts.MaxDays = 92,
    output: AsOutput = Output.TABLE,
) -> None:
    """Add an agency."""
    quota = amounts.wire(cpu=cpu, memory=memory, storage=storage, gpu=gpu, sandboxes=sandboxes)
    body = {
        "id": agency,
        "name_fr": name_fr,
        "name_en": name_en,
        "quota": quota,
        "max_days": max_days,
    }
    key = {"Idempotency-Key": str(uuid4())}
    made = connect(context).call("POST", ROOT, body, headers=key).body
    if output is Output.JSON:
        screen.show_json(made)
    else:
        screen.show_facts({
            "Agency": made["id"],
            "Name": made["name_fr"],
            "Days": made["max_days"],
        })
